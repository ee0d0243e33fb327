"""An empty database: one in which nobody has set anything up; only such a one is ever filled."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from substrack.bootstrap import VERSION_TABLE
from substrack.settings import WrongSetting

SET_UP: Final = ("workspaces", "users")
"""Tables with a row as soon as somebody has set something up."""


class NotEmpty(WrongSetting):
    """There are books in the database already, or tables of another program, and none is ever replaced."""

    def __init__(self, way_out: str) -> None:
        super().__init__(f"The database is not empty, and nothing in it is replaced. {way_out}")


def make_empty(connection: sa.Connection, *, otherwise: str) -> None:
    """Drop the bare tables of a first start.

    Raises:
        NotEmpty: somebody has set something up; `otherwise` says what to do then.
    """
    check_empty(connection, otherwise=otherwise)
    metadata = sa.MetaData()
    metadata.reflect(connection)
    metadata.drop_all(connection)  # each before those it refers to


def check_empty(connection: sa.Connection, *, otherwise: str) -> None:
    """Refuse a database in which somebody has set something up; bare tables of a first start are none.

    Raises:
        NotEmpty.
    """
    tables = set(sa.inspect(connection).get_table_names())
    if not tables:
        return
    is_ours = VERSION_TABLE in tables and set(SET_UP) <= tables
    if not is_ours or any(_has_rows(connection, name) for name in SET_UP):
        raise NotEmpty(otherwise)


def _has_rows(connection: sa.Connection, table: str) -> bool:
    query = sa.select(sa.literal(1)).select_from(sa.table(table)).limit(1)
    return connection.execute(query).first() is not None
