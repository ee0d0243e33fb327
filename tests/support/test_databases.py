"""Claims about the databases that other tests rely on, made without any table of ours."""

import sqlalchemy as sa

from tests.support.databases import Databases, Kind


def test_each_borrower_has_a_database_of_their_own(databases: Databases, database_kind: Kind) -> None:
    with (
        databases.lend(database_kind, migrated=False) as first,
        databases.lend(database_kind, migrated=False) as second,
    ):
        run(first, "CREATE TABLE mine (id INTEGER)")
        assert tables(first) == ["mine"]
        assert tables(second) == []


def test_a_returned_database_is_gone(databases: Databases, database_kind: Kind) -> None:
    with databases.lend(database_kind, migrated=False) as url:
        run(url, "CREATE TABLE mine (id INTEGER)")
    with databases.lend(database_kind, migrated=False) as again:
        assert again != url
        assert tables(again) == []


def test_a_lent_database_speaks_its_kind(databases: Databases, database_kind: Kind) -> None:
    with databases.lend(database_kind, migrated=False) as url:
        assert sa.make_url(url).get_backend_name() == database_kind


def run(url: str, statement: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


def tables(url: str) -> list[str]:
    engine = sa.create_engine(url)
    names = sa.inspect(engine).get_table_names()
    engine.dispose()
    return names
