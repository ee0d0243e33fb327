"""Ledger sums: what every column of money adds up to, by currency.

Worked out once by the database and once from the lines of a backup; the two must agree. They are no totals to
show to anybody: voided and waived payments are in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from substrack.upkeep.shapes import Shape, quoted

Sums = dict[str, dict[str, int]]
"""Table and column, like `payments.amount_minor` → currency, or a dash where rows name none → minor units."""

NO_CURRENCY = "-"


def ledger_sums(connection: sa.Connection, shapes: Iterable[Shape]) -> Sums:
    """Let the database add up what it holds."""
    sums: Sums = {}
    for shape in shapes:
        if shape.minor_columns:
            for row in connection.exec_driver_sql(_query(shape)):
                add_up(sums, shape, row[0], [int(value) for value in row[1:]])
    return sums


def add_up(sums: Sums, shape: Shape, currency: str | None, minors: Sequence[int]) -> None:
    """Add amounts of one currency, in the order of the table's money columns."""
    for column, minor in zip(shape.minor_columns, minors, strict=True):
        by_currency = sums.setdefault(f"{shape.table}.{column}", {})
        key = currency or NO_CURRENCY
        by_currency[key] = by_currency.get(key, 0) + minor


class LineSums:
    """Adds up the rows of one table as they pass by."""

    def __init__(self, sums: Sums, shape: Shape) -> None:
        self._sums, self._shape = sums, shape
        self._places = [shape.place(column) for column in shape.minor_columns]
        self._currency = shape.place("currency") if shape.has_currency else None

    def add(self, row: Sequence[Any]) -> None:
        """Add one row."""
        if self._places:
            currency = None if self._currency is None else row[self._currency]
            add_up(self._sums, self._shape, currency, [row[place] or 0 for place in self._places])


def _query(shape: Shape) -> str:
    sums = ", ".join(f"COALESCE(SUM({quoted(column)}), 0)" for column in shape.minor_columns)
    currency = quoted("currency") if shape.has_currency else "NULL"
    query = f"SELECT {currency}, {sums} FROM {quoted(shape.table)}"  # noqa: S608
    return f"{query} GROUP BY 1" if shape.has_currency else f"{query} HAVING COUNT(*) > 0"
