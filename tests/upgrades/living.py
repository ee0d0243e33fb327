"""Live through more than a month of the sample workspace with the code at hand, and leave a SQLite file.

Uses nothing that has not been there since revision 0001, so that it runs with the code of any revision:
`PYTHONPATH=<that code> python living.py FILE`.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from substrack.bootstrap import make_runtime, migrate
from substrack.cli.demo import living
from substrack.domain.actors import OPERATOR, Actor
from substrack.services.founding import found_workspace
from substrack.settings import Settings

UNTIL = datetime(2026, 3, 12, 12, tzinfo=UTC)
MONTHS = 1
VALUES: dict[type[Any], Any] = {
    int: 1, str: "x", bool: False, dict: {}, object: {},
    date: UNTIL.date(), datetime: UNTIL, bytes: b"\0\xff",
}  # fmt: skip


def live(path: Path) -> None:
    """Fill a new SQLite file: weeks of the sample workspace, and a row in each table that has none."""
    url = f"sqlite:///{path}"
    migrate(url)
    with TemporaryDirectory() as data_dir:
        settings = Settings(
            database_url=url, data_dir=Path(data_dir), base_url="http://127.0.0.1:8000", now=UNTIL
        )
        _live(settings)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        _fill_empty(connection)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


def _live(settings: Settings) -> None:
    living.MONTHS = MONTHS
    runtime = make_runtime(settings)
    with runtime.transaction() as session:
        founded = found_workspace(
            session,
            workspace_name="Olga's subscriptions",
            time_zone="Europe/Berlin",
            name="Olga",
            email="olga@example.org",
            password_hash=None,
            by=OPERATOR,
            now=UNTIL,
        )
    life = living.Life(runtime, founded.workspace_id, Actor.user(founded.user_id), until=UNTIL)
    life.live(lambda day: print(f"{day:%B %Y}", file=sys.stderr))
    runtime.close()


def _fill_empty(connection: sa.Connection) -> None:
    """Write a row into each empty table, which refers to the first rows of others."""
    metadata, inspector = sa.MetaData(), sa.inspect(connection)
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        if not connection.scalar(sa.select(sa.func.count()).select_from(table)):
            legal = _legal_values(inspector, table.name)
            wanted = [column for column in table.columns if not column.nullable]
            row = {one.name: legal.get(one.name, VALUES[one.type.python_type]) for one in wanted}
            connection.execute(sa.insert(table).values(row))


def _legal_values(inspector: sa.Inspector, table: str) -> dict[str, str]:
    """Read one value that its CHECK allows for each column that holds one of a few words."""
    found: dict[str, str] = {}
    for check in inspector.get_check_constraints(table):
        choice = re.match(r"\W*(\w+)\W[^']*'(\w+)'", check["sqltext"])
        if choice and str(check["name"]).endswith("_legal"):
            found[choice[1]] = choice[2]
    return found


if __name__ == "__main__":
    live(Path(sys.argv[1]))
