"""What tables look like to a backup: their columns in a few kinds, with one spelling for both databases.

A value of a backup is JSON: whole numbers, texts and flags as they are, instants as
`2026-03-01T09:00:00.000000Z`, days as `2026-03-01`, JSON columns as the text they hold, bytes in base64.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from substrack.bootstrap import MOVED_TABLE, VERSION_TABLE

NO_BOOKS: Final = frozenset({VERSION_TABLE, MOVED_TABLE})
AT_ONCE: Final = 1000
AT_ONCE_OF_FILES: Final = 10
"""Rows that are held in memory at a time; those with bytes may be pictures of ten megabytes."""

Convert = Callable[[Any], Any]


class Kind(StrEnum):
    """The kinds of values that columns hold."""

    INTEGER = "integer"
    TEXT = "text"
    FLAG = "flag"
    INSTANT = "instant"
    DAY = "day"
    JSON = "json"
    BYTES = "bytes"


KINDS: Final[tuple[tuple[type[Any], Kind], ...]] = (
    (sa.Boolean, Kind.FLAG),
    (sa.Integer, Kind.INTEGER),
    (sa.DateTime, Kind.INSTANT),
    (sa.Date, Kind.DAY),
    (sa.JSON, Kind.JSON),
    (sa.LargeBinary, Kind.BYTES),
    (sa.String, Kind.TEXT),
)

# How a database is asked for a value, where it would say it in a way of its own.
SPELLINGS: Final = {
    ("sqlite", Kind.INSTANT): "replace({}, ' ', 'T') || 'Z'",
    ("sqlite", Kind.JSON): "CAST({} AS TEXT)",
    ("postgresql", Kind.INSTANT): """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    ("postgresql", Kind.DAY): "to_char({}, 'YYYY-MM-DD')",
    ("postgresql", Kind.JSON): "CAST({} AS TEXT)",
}


@dataclass(frozen=True)
class Shape:
    """One table: its name, and its columns with their kinds, in order."""

    table: str
    columns: tuple[tuple[str, Kind], ...]

    @property
    def minor_columns(self) -> tuple[str, ...]:
        """Name the columns that hold money."""
        return tuple(name for name, kind in self.columns if name.endswith("_minor") and kind is Kind.INTEGER)

    @property
    def at_once(self) -> int:
        """How many rows are read or written at a time."""
        holds_files = any(kind is Kind.BYTES for _name, kind in self.columns)
        return AT_ONCE_OF_FILES if holds_files else AT_ONCE

    @property
    def has_currency(self) -> bool:
        """Tell whether each row says which currency its money is in."""
        return any(name == "currency" for name, _kind in self.columns)

    def place(self, column: str) -> int:
        """Say at which place of a row a column stands."""
        return [name for name, _kind in self.columns].index(column)

    def query(self, dialect: str) -> str:
        """Write the statement that reads all rows, the oldest first, spelt as in a backup."""
        spelt = [SPELLINGS.get((dialect, kind), "{}").format(quoted(name)) for name, kind in self.columns]
        return f"SELECT {', '.join(spelt)} FROM {quoted(self.table)} ORDER BY {quoted('id')}"  # noqa: S608

    def writers(self, dialect: str) -> list[tuple[int, Convert]]:
        """List the places of values that a database gives otherwise than a backup does, with the way."""
        ways: dict[Kind, Convert] = {Kind.BYTES: lambda value: b64encode(value).decode()}
        if dialect == "sqlite":
            ways[Kind.FLAG] = bool
        return self._places(ways)

    def readers(self, dialect: str) -> list[tuple[int, Convert]]:
        """List the places of values that a database wants otherwise than a backup does, with the way."""
        ways: dict[Kind, Convert] = {Kind.BYTES: b64decode}
        if dialect == "sqlite":
            ways[Kind.INSTANT] = lambda value: value.replace("T", " ").removesuffix("Z")
        return self._places(ways)

    def _places(self, ways: dict[Kind, Convert]) -> list[tuple[int, Convert]]:
        return [(place, ways[kind]) for place, (_name, kind) in enumerate(self.columns) if kind in ways]


def convert(row: list[Any], ways: list[tuple[int, Convert]]) -> list[Any]:
    """Convert the values of a row where they stand."""
    for place, way in ways:
        if row[place] is not None:
            row[place] = way(row[place])
    return row


def load_shapes(connection: sa.Connection) -> list[Shape]:
    """Read which tables there are, each after those it refers to."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    return [_shape(table) for table in metadata.sorted_tables if table.name not in NO_BOOKS]


def quoted(name: str) -> str:
    """Write a name as it stands in a statement."""
    return '"' + name.replace('"', '""') + '"'


def _shape(table: sa.Table) -> Shape:
    return Shape(table.name, tuple((column.name, _kind(column)) for column in table.columns))


def _kind(column: sa.Column[Any]) -> Kind:
    for known, kind in KINDS:
        if isinstance(column.type, known):
            return kind
    raise TypeError(f"a backup knows no {column.type!r}, the type of {column.table.name}.{column.name}")
