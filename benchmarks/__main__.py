"""`python -m benchmarks [NAME…]`: measure, print each row as it comes, and write them into the documents."""

from __future__ import annotations

import platform
import sqlite3
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.catalogue import BENCHMARKS
from benchmarks.frame import COLUMNS, Result
from benchmarks.place import Place, open_place
from tests.support.marked_tables import MarkedTable

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
TABLE: Final = MarkedTable("figures", COLUMNS)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmarks that are named, all of them without a name."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--tiny", action="store_true", help="only see whether it works")
    parser.add_argument("--keep", action="store_true", help="leave docs/performance.md as it is")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    with open_place(is_tiny=chosen.tiny) as place:
        rows = list(_printed(measured(place, chosen.names or BENCHMARKS)))
    if not (chosen.tiny or chosen.keep):
        PAGE.write_text(TABLE.merged(PAGE.read_text(encoding="utf-8"), rows), encoding="utf-8")


def measured(place: Place, names: Iterable[str]) -> Iterator[Result]:
    """Give the rows of benchmarks as they come."""
    for name in names:
        yield from BENCHMARKS[name](place)


def _printed(results: Iterable[Result]) -> Iterator[tuple[str, ...]]:
    print(f"on {machine()}")
    today = datetime.now(UTC).date().isoformat()
    for result in results:
        cells = result.cells(today)
        print("  ".join(cells[:-1]), flush=True)
        yield cells


def machine() -> str:
    """Say what the figures were measured on."""
    system, python = platform.machine(), platform.python_version()
    return f"{len(_cores())} cores ({_model()}, {system}), Python {python}, SQLite {sqlite3.sqlite_version}"


def _cores() -> list[str]:
    return [line for line in _processors() if line.startswith("processor")]


def _model() -> str:
    named = [line.partition(":")[2].strip() for line in _processors() if line.startswith("model name")]
    return named[0] if named else "unknown"


def _processors() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


if __name__ == "__main__":
    main(sys.argv[1:])
