"""Rows of an opening: how they are inserted, in lots and with their keys, and the journal's line about each.

Written as plain tables, since an insert of entities looks at each row by itself. What becomes of a period is
for `services.opening` and `services.billing` to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import insert
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.services.plans import Plan
from substrack.store import Event

EVENTS: Any = Event.__table__


LOT = 2_000
"""So many payments are written at once: their rows take a few megabytes until they are."""


Each = TypeVar("Each")


def insert_rows(session: Session, table: type[Any], rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert rows and return their keys in the same order.

    Into the plain table, since an ORM insert starts a new statement wherever a null comes or goes; and told
    apart by public ids, since SQLite promises no order and sorting would mean one statement a row.
    """
    if not rows:
        return []
    plain = table.__table__
    statement = insert(plain).returning(plain.c.public_id, plain.c.id)
    keys = {row.public_id: row.id for row in session.execute(statement, rows)}
    return [keys[row["public_id"]] for row in rows]


def in_lots(everything: Sequence[Each]) -> Iterator[Sequence[Each]]:
    """Give so few at a time that their rows are no burden."""
    for start in range(0, len(everything), LOT):
        yield everything[start : start + LOT]


def opening_event(
    plan: Plan,
    subject_kind: str,
    subject_id: int,
    after: dict[str, Any],
    *,
    payment_id: int | None = None,
    by: Actor,
    now: datetime,
) -> dict[str, Any]:
    """Make the journal's row about a period or payment that was opened."""
    return {
        "workspace_id": plan.group.workspace_id,
        "group_id": plan.group.id,
        "payment_id": payment_id,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "verb": "open",
        "actor_kind": by.kind,
        "actor_id": by.id,
        "via": by.via,
        "at": now,
        "after": after,
        "correlation_id": plan.correlation_id,
    }
