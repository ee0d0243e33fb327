"""Claims about the databases that other tests rely on, made without any table of ours."""

import sqlalchemy as sa

from substrack.bootstrap import Runtime
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


def test_a_runtime_stands_on_a_migrated_database(runtime: Runtime, database_kind: Kind) -> None:
    with runtime.reading() as session:
        assert session.get_bind().dialect.name == database_kind
        assert session.scalar(sa.text("SELECT count(*) FROM payments")) == 0


def test_two_borrowers_share_no_rows(databases: Databases, database_kind: Kind) -> None:
    with databases.lend(database_kind) as first, databases.lend(database_kind) as second:
        run(first, "DELETE FROM alembic_version")
        assert read(first, "SELECT count(*) FROM alembic_version") == 0
        assert read(second, "SELECT count(*) FROM alembic_version") == 1


def run(url: str, statement: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


def read(url: str, question: str) -> object:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        answer = connection.scalar(sa.text(question))
    engine.dispose()
    return answer


def tables(url: str) -> list[str]:
    engine = sa.create_engine(url)
    names = sa.inspect(engine).get_table_names()
    engine.dispose()
    return names
