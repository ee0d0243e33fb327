"""The first half of `make release VERSION=1.2.3`: write the version, and its section of the changelog."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from substrack.bootstrap import ROOT
from tests.release.changelog import released

VERSION_LINE = re.compile(r'^__version__ = ".*"$', re.MULTILINE)


def prepare(root: Path, version: str) -> None:
    """Write a version where it stands, and turn what is unreleased into its section.

    Raises:
        ValueError: there is nothing to release, or the version is none that follows.
    """
    changelog, package = root / "CHANGELOG.md", root / "substrack" / "__init__.py"
    text = released(changelog.read_text(encoding="utf-8"), version, datetime.now(UTC).date())
    package.write_text(VERSION_LINE.sub(f'__version__ = "{version}"', package.read_text("utf-8")), "utf-8")
    changelog.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    try:
        prepare(ROOT, sys.argv[1])
    except ValueError as error:
        sys.exit(f"Nothing was prepared: {error}.")
