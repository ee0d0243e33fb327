"""Inbound updates: stored once, before anybody is told that they arrived, and worked on by any worker.

An update may be delivered many times and its number may start again; what names it is the press or message
in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.queries.inbound import next_updates
from substrack.store import Inbound, new_public_id
from substrack.store.upserts import insert_into

MAX_ATTEMPTS: Final = 5
RETRY_AFTER: Final = timedelta(seconds=30)

KEPT_FOR: Final = timedelta(days=1)
"""As long as Telegram itself keeps an update that nobody fetches (Bot API, getUpdates)."""


@dataclass(frozen=True)
class ClaimedUpdate:
    """An update one worker works on until its lease runs out."""

    id: int
    connection_id: int
    token: str
    body: dict[str, Any]


def store_updates(
    session: Session, connection_id: int, updates: Sequence[Mapping[str, Any]], *, now: datetime
) -> int:
    """Write what came in and was not there yet; return how many that were."""
    rows = [
        {
            "connection_id": connection_id,
            "dedupe_key": dedupe_key(body),
            "chat_id": chat_of(body),
            "body": dict(body),
            "received_at": now,
            "attempts": 0,
        }
        for body in updates
    ]
    if not rows:
        return 0
    statement = insert_into(session, Inbound).on_conflict_do_nothing().returning(Inbound.__table__.c.id)
    return len(session.execute(statement, rows).all())


def dedupe_key(body: Mapping[str, Any]) -> str:
    """Name what an update (Bot API, Update) is about, whatever its number."""
    query = body.get("callback_query")
    if query:
        return press_key(query["id"])
    message, edited = body.get("message"), body.get("edited_message")
    if message:
        return message_key(message["chat"]["id"], message["message_id"])
    if edited:
        return f"edited_message:{edited['chat']['id']}:{edited['message_id']}:{edited.get('edit_date', 0)}"
    return f"update:{body.get('update_id')}"


def press_key(query_id: str) -> str:
    """Name a press of a button."""
    return f"callback:{query_id}"


def message_key(chat_id: int, number: int) -> str:
    """Name a message somebody wrote."""
    return f"message:{chat_id}:{number}:0"


def chat_of(body: Mapping[str, Any]) -> int | None:
    """Find the chat an update comes from; None for what comes from none."""
    query = body.get("callback_query")
    content = query.get("message") if query else None
    for kind in ("message", "edited_message", "my_chat_member"):
        content = content or body.get(kind)
    if content:
        return int(content["chat"]["id"])
    return int(query["from"]["id"]) if query and "from" in query else None


def claim_updates(session: Session, *, limit: int, lease: timedelta, now: datetime) -> list[ClaimedUpdate]:
    """Take up to `limit` waiting updates, the oldest of each chat (see `next_updates`).

    Those another worker just takes are skipped.
    """
    waiting = next_updates(lease=lease, now=now).limit(limit).with_for_update(skip_locked=True, of=Inbound)
    token = new_public_id()
    claimed = session.execute(
        update(Inbound)
        .where(Inbound.id.in_(session.scalars(waiting).all()))
        .values(lease_token=token, lease_until=now + lease)
        .returning(Inbound.id, Inbound.connection_id, Inbound.body)
        .execution_options(synchronize_session=False)
    )
    return [ClaimedUpdate(key, connection, token, body) for key, connection, body in sorted(claimed.all())]


def recall_outcome(session: Session, connection_id: int, key: str) -> dict[str, Any] | None:
    """Read what an update has led to; None when it has not been acted on.

    Whoever else works on it waits until this transaction has ended, so that one of them acts.
    """
    query = select(Inbound.outcome).where(Inbound.connection_id == connection_id, Inbound.dedupe_key == key)
    return session.scalar(query.with_for_update())


def note_outcome(session: Session, connection_id: int, key: str, outcome: Mapping[str, Any]) -> None:
    """Note in the transaction of an act what it led to: a repeat says so again, and does not act."""
    session.execute(
        update(Inbound)
        .where(Inbound.connection_id == connection_id, Inbound.dedupe_key == key)
        .values(outcome=dict(outcome))
        .execution_options(synchronize_session=False)
    )


def finish_update(session: Session, claimed: ClaimedUpdate, *, now: datetime) -> None:
    """Note that an update was worked on."""
    _close(session, claimed, processed_at=now, lease_token=None, lease_until=None)


def retry_update(session: Session, claimed: ClaimedUpdate, failure: DeliveryFailed, *, now: datetime) -> None:
    """Try an update again in half a minute, or when Telegram wishes; in the end put it aside with the reason.

    The end is after five tries, or a day. A try that failed because Telegram can't be reached does not count:
    what somebody pressed during an outage is worked on after it.
    """
    row = session.get_one(Inbound, claimed.id, populate_existing=True)
    attempts = row.attempts + (failure.scope is not Scope.LANE)
    is_over = attempts >= MAX_ATTEMPTS or now - row.received_at >= KEPT_FOR
    wait = max(RETRY_AFTER, failure.retry_after or timedelta(0))
    _close(
        session,
        claimed,
        attempts=attempts,
        last_error=failure.reason[:500],
        processed_at=now if is_over else None,
        lease_token=None,
        lease_until=None if is_over else now + wait,
    )


def _close(session: Session, claimed: ClaimedUpdate, **values: Any) -> None:
    session.execute(
        update(Inbound)
        .where(and_(Inbound.id == claimed.id, Inbound.lease_token == claimed.token))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
