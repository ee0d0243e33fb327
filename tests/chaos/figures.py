"""What experiments measured: lines of JSON while they run, then rows of the table in `docs/promises.md`.

A row is known by its promise and its experiment; a new figure replaces the old one, all others stay.
`python -m tests.chaos.figures` writes what a run has recorded into the table.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.support.marked_tables import MarkedTable

VARIABLE = "SUBSTRACK_CHAOS_FIGURES"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "promises.md"
TABLE = MarkedTable("figures", ("promise", "experiment", "figure", "date"))


@dataclass(frozen=True)
class Figure:
    """One thing measured: which promise, what was done, what came of it, on which day."""

    promise: str
    experiment: str
    figure: str
    date: str


def record(promise: str, experiment: str, figure: str) -> None:
    """Keep a figure, when this run keeps figures at all; say what was done at its real size.

    Call it before the claim is asserted, so that a figure that misses its target is kept too.
    """
    path = os.environ.get(VARIABLE)
    if path:
        measured = Figure(promise, experiment, figure, datetime.now(UTC).date().isoformat())
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(measured), ensure_ascii=False) + "\n")


def merged(page: str, measured: Sequence[Figure]) -> str:
    """Put figures into the table of a page.

    Raises:
        ValueError: the page has no place for them.
    """
    return TABLE.merged(page, [astuple(one) for one in measured])


def main() -> None:
    """Write the recorded figures into the page."""
    lines = Path(os.environ[VARIABLE]).read_text(encoding="utf-8").splitlines()
    page = merged(PAGE.read_text(encoding="utf-8"), [Figure(**json.loads(line)) for line in lines])
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
