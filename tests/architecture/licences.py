"""Which licence each package we install at run time comes under, as its own metadata says.

`python -m tests.architecture.licences` writes docs/licences.md.
"""

from __future__ import annotations

import re
from importlib.metadata import metadata
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "licences.md"
REQUIREMENT: Final = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", re.MULTILINE)

ALLOWED: Final = re.compile(
    r"(MIT(-0|-CMU)?|BSD(-[23]-Clause)?|Apache(-2\.0)?|ISC|PSF-2\.0|ZPL-2\.1|Unlicense|MPL-2\.0|LGPL-3\.0(-only)?)"
)
"""Permissive licences, and copyleft no further than LGPL and MPL."""

NAMED: Final = {
    "MIT License": "MIT",
    "BSD License": "BSD",
    "Apache Software License": "Apache",
    "Zope Public License": "ZPL-2.1",
    "ZPL 2.1": "ZPL-2.1",
    "Python Software Foundation License": "PSF-2.0",
}


def installed() -> list[tuple[str, str]]:
    """List the packages of requirements.txt with their versions."""
    return REQUIREMENT.findall((ROOT / "requirements.txt").read_text())


def licence_of(package: str) -> str:
    """Name the licence of an installed package: its expression, else its one word, else its classifiers."""
    told = metadata(package)
    expression = told.json.get("license_expression")
    if expression:
        return str(expression)
    word = str(told.json.get("license") or "")
    if word and len(word) < 20 and word != "Dual License":
        return NAMED.get(word, word)
    last = [
        line.rpartition("::")[2].strip() for line in told.get_all("Classifier") or [] if "License ::" in line
    ]
    return " OR ".join(NAMED.get(one, one) for one in last)


def is_allowed(licence: str) -> bool:
    """Tell whether one of the licences offered is one we take, or all of those that hold together."""
    offered = (one.split(" AND ") for one in licence.split(" OR "))
    return any(all(ALLOWED.fullmatch(part) for part in parts) for parts in offered)


def page() -> str:
    """Write the page of all packages and licences."""
    rows = [f"| {name} | {version} | {licence_of(name)} |" for name, version in installed()]
    head = [
        "# Licences of what SubsTrack installs",
        "",
        "SubsTrack itself is under the licence in [LICENSE](../LICENSE). These packages are installed beside",
        "it, unchanged, each from its own wheel with the hash in `requirements.txt`. A test fails when one",
        "is missing here, or comes under a licence that is neither permissive nor LGPL or MPL. `make sbom`",
        "writes the same as CycloneDX.",
        "",
        "| package | version | licence |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page())
