"""Compare two copies of the books: rows of every table, their contents, and what the money adds up to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from substrack.domain.money import Money
from substrack.queries.book_sums import BookSums, load_book_sums
from substrack.upkeep.shapes import Shape, quoted
from substrack.upkeep.sums import Sums, ledger_sums
from substrack.upkeep.tally import Tally

TOLD: Final = 5
"""How many differences one sentence names."""


@dataclass(frozen=True)
class Side:
    """What one database says of itself: rows and sums as it counts them, and checksums of what was read."""

    rows: Mapping[str, int]
    contents: Mapping[str, str]
    columns: Sums
    books: Mapping[str, BookSums]


def look(connection: sa.Connection, shapes: Sequence[Shape], read: Mapping[str, Tally]) -> Side:
    """Let a database count and add up, beside what was read from it."""
    with Session(connection) as session:
        books = load_book_sums(session)
    return Side(
        {shape.table: _count(connection, shape) for shape in shapes},
        {table: tally.sha256 for table, tally in read.items()},
        ledger_sums(connection, shapes),
        books,
    )


def differences(here: Side, there: Side) -> list[str]:
    """Say what is not the same, the first few things only; nothing when all is."""
    return list(islice(_differences(here, there), TOLD))


def _differences(here: Side, there: Side) -> Iterator[str]:
    for table in sorted({*here.rows, *there.rows}):
        before, after = here.rows.get(table), there.rows.get(table)
        if before != after:
            yield f"{table} has {after} rows instead of {before}"
    for currency in sorted({*here.books, *there.books}):
        yield from _other_sums(currency, here.books.get(currency), there.books.get(currency))
    for column, sums in here.columns.items():
        if sums != there.columns.get(column):
            yield f"{column} adds up to something else"
    for table, digest in here.contents.items():
        if digest != there.contents.get(table):
            yield f"{table} reads otherwise"


def _other_sums(currency: str, here: BookSums | None, there: BookSums | None) -> Iterator[str]:
    before, after = asdict(here or BookSums()), asdict(there or BookSums())
    for name, minor in before.items():
        if after[name] != minor:
            instead, found = Money(minor, currency).major(), Money(after[name], currency).major()
            yield f"{name.replace('_', ' ')} in {currency} is {found} instead of {instead}"


def _count(connection: sa.Connection, shape: Shape) -> int:
    query = f"SELECT COUNT(*) FROM {quoted(shape.table)}"  # noqa: S608
    return int(connection.exec_driver_sql(query).scalar_one())
