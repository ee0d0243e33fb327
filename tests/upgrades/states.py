"""The states that are kept: one file for each revision that code of its own has run at, as backups of it.

`python -m tests.upgrades.states` keeps that of the code at hand; do so when a version is released, or else
`make release-check` refuses it. A state that was left out is made by the code of its time: check the last
commit of its revision out beside, run `living.py FILE` with that code, and then this module with the FILE.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, Engine

from substrack.bootstrap import open_engines, schema_transaction, upgrade_schema
from substrack.upkeep.archive import reading
from substrack.upkeep.backups import make_backup
from substrack.upkeep.loading import load_rows
from substrack.upkeep.manifest import Manifest
from substrack.upkeep.shapes import load_shapes
from substrack.upkeep.sums import ledger_sums
from tests.architecture.test_schema import schema
from tests.upgrades.living import UNTIL, live

DIRECTORY = Path(__file__).parent / "states"
NEVER_NEWEST = ("0002", "0006")
"""Revisions that came together with the next ones; every upgrade from an older state passes through them."""


def states() -> list[Path]:
    """List the states that are kept, the oldest first."""
    return sorted(DIRECTORY.glob("[0-9]*.zip"))


def load_state(path: Path, url: str) -> Manifest:
    """Fill an empty database as it was at that revision, with no key that would have to be known."""
    with reading(path) as (archive, manifest), schema_transaction(url) as connection:
        upgrade_schema(connection, manifest.revision)
        load_rows(connection, archive, manifest)
        connection.exec_driver_sql("UPDATE installation SET secret_fingerprint = NULL")
    return manifest


def lost_since(manifest: Manifest, url: str) -> list[str]:
    """Say what of a state is not there any more, or has another sum."""
    with reading_engine(url) as engine, engine.connect() as connection:
        shapes = load_shapes(connection)
        rows = {shape.table: _count(connection, shape.table) for shape in shapes}
        sums = ledger_sums(connection, shapes)
    fewer = [f"{table}: {rows.get(table)} rows of {count}" for table, count in manifest.rows.items()
             if rows.get(table) != count]  # fmt: skip
    other = [f"{column}: {sums.get(column)} instead of {sum_}" for column, sum_ in manifest.ledger.items()
             if sums.get(column) != sum_]  # fmt: skip
    return fewer + other


def schema_of(url: str) -> list[str]:
    """Read the schema of a database, line by line."""
    with reading_engine(url) as engine, engine.connect() as connection:
        return schema(connection)


@contextmanager
def reading_engine(url: str) -> Iterator[Engine]:
    """Lend an engine that only reads."""
    writing, engine = open_engines(url)
    try:
        yield engine
    finally:
        writing.dispose()
        engine.dispose()


def keep(database: Path) -> Path:
    """Keep a SQLite file as the state of its revision."""
    with reading_engine(f"sqlite:///{database}") as engine, TemporaryDirectory() as directory:
        made = make_backup(engine, Path(directory), reason="state", now=UNTIL)
        kept = DIRECTORY / f"{made.manifest.revision}.zip"
        kept.write_bytes(made.path.read_bytes())
    return kept


def main() -> None:
    """Keep the state of a file that `living.py` has made, or else of the code at hand."""
    with TemporaryDirectory() as directory:
        database = Path(directory) / "state.db"
        if len(sys.argv) > 1:
            database = Path(sys.argv[1])
        else:
            live(database)
        print(keep(database))


def _count(connection: Connection, table: str) -> int:
    return int(connection.exec_driver_sql(f'SELECT COUNT(*) FROM "{table}"').scalar_one())


if __name__ == "__main__":
    main()
