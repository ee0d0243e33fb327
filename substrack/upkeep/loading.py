"""Put the rows of a backup into empty tables of the revision it was made at."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from zipfile import ZipFile

import sqlalchemy as sa

from substrack.settings import WrongSetting
from substrack.upkeep.archive import check_sums, read_rows
from substrack.upkeep.manifest import Manifest, NotABackup
from substrack.upkeep.shapes import Shape, convert, load_shapes, quoted
from substrack.upkeep.sums import Sums, ledger_sums


class NotLoaded(WrongSetting):
    """The database did not take the rows; the text says why."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"The database did not take the rows: {str(cause).splitlines()[0]}.")


def load_rows(connection: sa.Connection, archive: ZipFile, manifest: Manifest) -> None:
    """Write all rows, and compare what the database then adds up with the manifest.

    Raises:
        NotABackup: the tables are not those of the backup, or it is damaged; the caller gives up its
            transaction.
        NotLoaded: the database is full, or gone.
    """
    shapes = load_shapes(connection)
    entries = {entry.shape.table: entry for entry in manifest.tables}
    if {shape.table: _columns(shape) for shape in shapes} != {
        name: _columns(entry.shape) for name, entry in entries.items()
    }:
        raise NotABackup("The backup's tables are not those of its version. It was changed, or is damaged.")
    sums: Sums = {}
    for shape in shapes:
        entry = entries[shape.table]
        load_table(connection, entry.shape, read_rows(archive, entry, sums))
    check_sums(manifest, sums)
    check_sums(manifest, ledger_sums(connection, shapes))


def load_table(connection: sa.Connection, shape: Shape, rows: Iterable[list[Any]]) -> None:
    """Write the rows of one table, spelt as in a backup; new ones are numbered on from the last.

    Raises:
        NotLoaded: the database is full, or gone.
    """
    ways = shape.readers(connection.dialect.name)
    converted = (convert(row, ways) for row in rows)
    if connection.dialect.name == "postgresql":
        _copy(connection, shape, converted)
        _count_on(connection, shape)
    else:
        _insert(connection, shape, converted)


def _columns(shape: Shape) -> set[tuple[str, str]]:
    return set(shape.columns)


def _insert(connection: sa.Connection, shape: Shape, rows: Iterable[list[Any]]) -> None:
    places = ", ".join("?" for _column in shape.columns)
    statement = f"INSERT INTO {quoted(shape.table)} ({_names(shape)}) VALUES ({places})"  # noqa: S608
    for batch in _batches(rows, shape.at_once):
        connection.exec_driver_sql(statement, [tuple(row) for row in batch])


def _copy(connection: sa.Connection, shape: Shape, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows by COPY: the server reads the texts of instants, days and JSON itself."""
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {quoted(shape.table)} ({_names(shape)}) FROM STDIN"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise NotLoaded(error) from error


def _count_on(connection: sa.Connection, shape: Shape) -> None:
    """Let new rows be numbered on from the last one."""
    table = quoted(shape.table)
    connection.exec_driver_sql(
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), MAX(id)) FROM {table}"  # noqa: S608
    )


def _names(shape: Shape) -> str:
    return ", ".join(quoted(name) for name, _kind in shape.columns)


def _batches(rows: Iterable[list[Any]], size: int) -> Iterator[list[list[Any]]]:
    waiting = iter(rows)
    while batch := list(itertools.islice(waiting, size)):
        yield batch
