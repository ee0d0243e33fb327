"""A database in use comes through the migrations with all that is in it, on both databases."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from substrack.bootstrap import ROOT, migrate
from tests.support.databases import Databases, Kind

FIRST = "0001"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
PLAIN_VALUES: dict[type[Any], Any] = {
    int: 1, str: "x", bool: False, object: {}, date: NOON.date(), datetime: NOON, bytes: b"x",
}  # fmt: skip


@pytest.fixture
def old_url(databases: Databases, database_kind: Kind) -> Iterator[str]:
    """Give a database as the first version made it, with a row in each table."""
    with databases.lend(database_kind, migrated=False) as url:
        with connected(url) as connection:
            upgrade_to_first(connection)
            fill(connection)
        yield url


def test_nothing_is_lost_by_migrating(old_url: str) -> None:
    before = count_rows(old_url)
    migrate(old_url)
    assert count_rows(old_url).items() >= before.items()


def test_updates_are_read_on_from_where_they_were(old_url: str) -> None:
    with connected(old_url) as connection:
        connection.execute(sa.text("""UPDATE connections SET settings = '{"offset": 7, "username": "x"}'"""))
    migrate(old_url)
    with connected(old_url) as connection:
        row = connection.execute(sa.select(reflected(connection).tables["connections"])).one()
    assert (row.next_update_id, row.settings) == (7, {"username": "x"})


def test_a_note_about_what_is_open_waits_for_an_answer(old_url: str) -> None:
    with connected(old_url) as connection:
        connection.execute(sa.text("UPDATE payments SET status = 'pending', voided_at = NULL"))
        noted = "verb = 'object', correlation_id = 'theNote12345', payment_id = (SELECT id FROM payments)"
        connection.execute(sa.text(f"UPDATE events SET {noted}"))
    migrate(old_url)
    with connected(old_url) as connection:
        assert connection.scalar(sa.text("SELECT objection FROM payments")) == "theNote12345"


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        yield connection


def count_rows(url: str) -> dict[str, int]:
    with connected(url) as connection:
        tables = reflected(connection).sorted_tables
        return {each.name: count(connection, each) for each in tables if each.name != "alembic_version"}


def count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def upgrade_to_first(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, FIRST)


def reflected(connection: sa.Connection) -> sa.MetaData:
    metadata = sa.MetaData()
    metadata.reflect(connection)
    return metadata


def fill(connection: sa.Connection) -> None:
    """Write one row with number 1 into each table, which refers to the rows with number 1."""
    inspector = sa.inspect(connection)
    for table in reflected(connection).sorted_tables:
        legal = legal_values(inspector, table.name)
        wanted = [column for column in table.columns if not column.nullable]
        row = {each.name: legal.get(each.name, plain_value(each)) for each in wanted}
        if table.name != "alembic_version":
            connection.execute(sa.insert(table).values(row))


def legal_values(inspector: sa.Inspector, table: str) -> dict[str, str]:
    """Read one value that its CHECK allows for each column that holds one of a few words."""
    found: dict[str, str] = {}
    for check in inspector.get_check_constraints(table):
        choice = re.match(r"\W*(\w+)\W[^']*'(\w+)'", check["sqltext"])
        if choice and str(check["name"]).endswith("_legal"):
            found[choice[1]] = choice[2]
    return found


def plain_value(column: sa.Column[Any]) -> Any:
    return PLAIN_VALUES[column.type.python_type]
