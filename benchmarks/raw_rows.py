"""The floor of what writes rows: the very same rows, written again by a bare `executemany` of the driver.

They are read from where they were written and go into a second database with the same people and groups, by
one statement a table and one commit a batch. Reading them is not counted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import psycopg
from psycopg.types.json import Json

TABLES: Final = (
    "periods", "payments", "events", "receipts", "allocations", "messages", "message_items",
)  # fmt: skip
"""What opening and asking write, in an order in which references are there before what refers."""


class Driver(Protocol):
    """A connection of either driver, as far as it is used here."""

    def cursor(self) -> Any: ...
    def commit(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Batch:
    """Rows of one table, and the statement that writes them."""

    statement: str
    rows: Sequence[tuple[Any, ...]]


def connect(url: str) -> Driver:
    """Open a connection as durable as ours (`store.engines`), with nothing above the driver."""
    if not url.startswith("sqlite"):
        return psycopg.connect(url)
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


class NewRows:
    """The rows that came into a database since the last look."""

    def __init__(self, source: Driver) -> None:
        self._source = source
        self._mark = "?" if isinstance(source, sqlite3.Connection) else "%s"
        self._last = {table: self._largest(table) for table in TABLES}

    def read(self) -> list[Batch]:
        """Read what came, table by table; what was given as JSON is given as JSON again."""
        return [self._read(table) for table in TABLES]

    def _read(self, table: str) -> Batch:
        cursor = self._source.cursor()
        cursor.execute(f"SELECT * FROM {table} WHERE id > {self._mark} ORDER BY id", (self._last[table],))
        columns = [column[0] for column in cursor.description]
        rows = [tuple(map(_as_given, row)) for row in cursor.fetchall()]
        self._source.commit()
        if rows:
            self._last[table] = rows[-1][columns.index("id")]
        names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join([self._mark] * len(columns))
        return Batch(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)

    def _largest(self, table: str) -> int:
        cursor = self._source.cursor()
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
        largest: int = cursor.fetchone()[0]
        self._source.commit()
        return largest


def write(target: Driver, batches: Sequence[Batch]) -> None:
    """Write rows, a statement a table, and commit."""
    cursor = target.cursor()
    for batch in batches:
        if batch.rows:
            cursor.executemany(batch.statement, batch.rows)
    target.commit()


def _as_given(value: Any) -> Any:
    return Json(value) if isinstance(value, dict | list) else value
