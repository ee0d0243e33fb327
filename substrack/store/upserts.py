"""`INSERT … ON CONFLICT`: SQLite and PostgreSQL both have it, SQLAlchemy has it in their dialects only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

Upsert = postgresql.Insert | sqlite.Insert

_INSERT: Final[dict[str, Callable[[Any], Upsert]]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}


def insert_into(session: Session, entity: Any) -> Upsert:
    """Begin an INSERT that can go on with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return insert_for(session.get_bind().dialect.name, entity)


def insert_for(dialect: str, entity: Any) -> Upsert:
    """Begin the same for a dialect by its name."""
    return _INSERT[dialect](entity.__table__)
