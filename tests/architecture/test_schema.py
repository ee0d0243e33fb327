"""The migrations make exactly the tables that the classes of `store` describe, on each database.

Read from the catalogues themselves: Alembic's comparison sees neither a changed CHECK nor the predicate of a
partial index.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from substrack.store import Base
from tests.support.databases import Databases, Kind

POSTGRESQL_COLUMNS = """
    SELECT concat_ws(
        ' ', table_name, column_name, data_type, character_maximum_length, column_default, is_nullable
    )
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""
POSTGRESQL_CONSTRAINTS = """
    SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass
"""
POSTGRESQL_INDEXES = """
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""

OUTER_COMMA = re.compile(r",(?![^(]*\))")
"""A comma between columns or constraints, not one of a list in parentheses; an added column has no line."""


def test_migrations_make_the_tables_that_the_classes_describe(
    databases: Databases, database_kind: Kind
) -> None:
    with connected(databases, database_kind, migrated=True) as connection:
        migrated = schema(connection)
    with connected(databases, database_kind, migrated=False) as connection:
        Base.metadata.create_all(connection)
        described = schema(connection)

    assert migrated == described


@contextmanager
def connected(databases: Databases, kind: Kind, *, migrated: bool) -> Iterator[sa.Connection]:
    with databases.lend(kind, migrated=migrated) as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            # Compared below by names that `regclass` leaves without a schema.
            connection.execute(
                sa.text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32))")
            )
            yield connection
        engine.dispose()


def schema(connection: sa.Connection) -> list[str]:
    if connection.dialect.name == "sqlite":
        return sqlite_schema(connection)
    queries = (POSTGRESQL_COLUMNS, POSTGRESQL_CONSTRAINTS, POSTGRESQL_INDEXES)
    return sorted(line for query in queries for line in connection.scalars(sa.text(query)))


def sqlite_schema(connection: sa.Connection) -> list[str]:
    statements = connection.scalars(
        sa.text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> 'alembic_version'")
    )
    return sorted(line for statement in statements for line in lines_of(statement))


def lines_of(statement: str) -> list[str]:
    """Break a CREATE statement into heading, columns and constraints, whose order does not matter."""
    heading, _, inside = re.sub(r"\s+", " ", statement.replace('"', "")).partition("(")
    if not heading.startswith("CREATE TABLE"):
        return [f"{heading}({inside}"]
    parts = re.split(OUTER_COMMA, inside.strip().removesuffix(")"))
    return [heading.strip(), *(f"{heading.strip()} {part.strip()}" for part in parts)]
