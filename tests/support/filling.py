"""A row in every table, all of them one person's, in which every text says from where it is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from substrack.domain.notices import Channel
from substrack.store import Base
from substrack.store.base import Choice

NOON: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
CHAT: Final = 4242

PLAIN: Final[dict[type[Any], Any]] = {
    int: 1, bool: False, date: NOON.date(), object: NOON,
}  # fmt: skip

CHOSEN: Final[dict[tuple[str, str], Any]] = {
    ("addresses", "channel"): Channel.TELEGRAM,
    ("addresses", "value"): str(CHAT),
    ("inbound", "chat_id"): CHAT,
    ("lanes", "name"): f"telegram:bot7:{CHAT}",
    ("contacts", "erased_at"): None,
    ("users", "deactivated_at"): None,
}


def fill_every_table(session: Session) -> None:
    """Write row 1 of each table on SQLite, which refers to the rows 1 of others; no CHECK is looked at."""
    session.execute(sa.text("PRAGMA ignore_check_constraints=ON"))
    for table in reversed(Base.metadata.sorted_tables):
        session.execute(sa.delete(table))
    for table in Base.metadata.sorted_tables:
        session.execute(sa.insert(table).values({each.name: value_of(table, each) for each in table.columns}))


def marker(table: str, column: str, length: int | None = None) -> str:
    """Name the column a text is in, as far as it fits, told from all others by its first characters."""
    number = sorted((one.name, each.name) for one in Base.metadata.sorted_tables for each in one.columns)
    return f"{number.index((table, column)):03}§{table}.{column}"[: length or 100]


def marked_columns(table: str) -> list[str]:
    """List the columns of a table whose value in row 1 says where it is from."""
    described = Base.metadata.tables[table]
    return [each.name for each in described.columns if "§" in str(value_of(described, each))]


def value_of(table: sa.Table, column: sa.Column[Any]) -> Any:
    """Choose a value for a column: one of its choices, a marker where it can hold one, else something."""
    chosen = (table.name, column.name)
    if chosen in CHOSEN:
        return CHOSEN[chosen]
    if column.foreign_keys or column.primary_key:
        return 1
    if isinstance(column.type, Choice):
        return next(iter(column.type.members))
    if isinstance(column.type, sa.JSON):
        return {"reason": marker(*chosen), "amount": 7}
    if isinstance(column.type, sa.LargeBinary):
        return marker(*chosen).encode()
    if isinstance(column.type, sa.String):
        return marker(*chosen, column.type.length)
    return PLAIN[column.type.python_type]
