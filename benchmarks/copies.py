"""Copy all groups of a workspace, with their people, payments, events and messages, thousands of times.

One statement a table, so that millions of rows take minutes. Only the payer is the same person in all copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from substrack.bootstrap import Base

COPIED: Final = (
    "contacts", "addresses", "groups", "prices", "pay_methods", "members", "periods", "payments", "attempts",
    "attempt_items", "receipts", "allocations", "events", "messages", "message_items",
)  # fmt: skip
"""Tables in which groups have rows, in an order in which references are there before what refers."""

STRIDE: Final = 1_000_000
"""By how much keys of one copy differ from those of the next; more than there are of anything."""

FIRST_CODE: Final = 0xA00000
"""Codes of copies begin with a small letter, so that none is also a real one."""


def copy_groups(connection: Connection, times: int, *, payer_id: int) -> None:
    """Copy all groups and what belongs to them so many times."""
    numbers = _numbers(times)
    copying = Copying(numbers.c.n, payer_id, connection.dialect.name == "postgresql")
    for name in COPIED:
        table = Base.metadata.tables[name]
        columns = {column.name: copying.value_of(column) for column in table.columns}
        rows = sa.select(*columns.values()).select_from(table.join(numbers, sa.true()))
        rows = rows.where(*_of_groups(table, payer_id))
        connection.execute(sa.insert(table).from_select(list(columns), rows))


def _numbers(last: int) -> sa.CTE:
    numbers = sa.select(sa.literal(1).label("n")).cte("numbers", recursive=True)
    return numbers.union_all(sa.select(numbers.c.n + 1).where(numbers.c.n < last))


def _of_groups(table: sa.Table, payer_id: int) -> Iterator[sa.ColumnElement[bool]]:
    """Leave out what there is once: the payer, and what no group has to do with."""
    if table.name == "contacts":
        yield table.c.id != payer_id
    if table.name in ("addresses", "messages"):
        yield table.c.contact_id != payer_id
    if table.name == "events":
        yield table.c.group_id.is_not(None)


@dataclass(frozen=True)
class Copying:
    """How the values of the n-th copy differ from those they are copied from."""

    n: sa.ColumnElement[int]
    payer_id: int
    is_postgresql: bool

    def value_of(self, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
        """Write the value of a column in the copy."""
        match column.name:
            case "public_id":
                return self._code(column.table.c.id + self.n * STRIDE, 12)
            case "reference":
                return self._code(FIRST_CODE + column.table.c.id * 500 + self.n, 6)
            case "correlation_id" | "objection":
                return sa.func.substr(column, 1, 8, type_=sa.Text) + self._code(self.n, 4)
            case "dedupe_key" | "name":
                return column + " " + self._number
            case "value" | "value_key":
                return self._number + "." + column
            case "actor_id":
                return sa.case((column.table.c.actor_kind == "contact", self._shifted(column)), else_=column)
        refers = {key.column.table.name for key in column.foreign_keys}
        if "contacts" in refers:
            return sa.case((column == self.payer_id, column), else_=self._shifted(column))
        is_key = column.primary_key or column.name == "subject_id" or refers & set(COPIED)
        return self._shifted(column) if is_key else column

    @property
    def _number(self) -> sa.ColumnElement[str]:
        return sa.cast(self.n, sa.Text)

    def _shifted(self, key: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return key + self.n * STRIDE

    def _code(self, number: sa.ColumnElement[Any], width: int) -> sa.ColumnElement[str]:
        """Write a number with so many hexadecimal digits."""
        if self.is_postgresql:
            return sa.func.lpad(sa.func.to_hex(number), width, "0", type_=sa.Text)
        return sa.func.printf("%0*x", width, number, type_=sa.Text)
