"""The outbox: queue notices in the transaction of their cause, and cancel them while nobody has claimed them.

Sending is `services.delivery`'s and the worker's; nothing here opens a connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.notices import Channel, Notice, rules_of
from substrack.store import Address, Message, MessageItem, RoleGrant, User, new_public_id


@dataclass(frozen=True)
class Item:
    """One payment that a message names, and the how-manieth request for it this is (0 for answers)."""

    payment_id: int
    step: int


@dataclass(frozen=True)
class Draft:
    """A notice to one contact; it becomes one message per usable address."""

    workspace_id: int
    contact_id: int
    notice: Notice
    dedupe_key: str
    due_at: datetime
    payload: dict[str, Any] = field(default_factory=dict)
    items: Sequence[Item] = ()
    correlation_id: str | None = None
    lifetime_from: datetime | None = None


def queue(session: Session, drafts: Sequence[Draft], *, now: datetime) -> int:
    """Write the messages of several notices in a few statements; return how many are new.

    The key of a message is the draft's plus its channel; one that exists already is left as it is. A contact
    without a usable address gets nothing: the edges show who cannot be reached.
    """
    if not drafts:
        return 0
    addresses = usable_addresses(session, {draft.contact_id for draft in drafts})
    rows, items = [], {}
    for draft in drafts:
        for address in addresses.get(draft.contact_id, ()):
            if rules_of(draft.notice).is_asking and address.unsubscribed_at is not None:
                continue
            row = _message_row(draft, address, now)
            rows.append(row)
            items[row["public_id"]] = draft.items
    made = _insert_new(session, rows)
    _insert_items(session, made, items)
    return len(made)


def usable_addresses(session: Session, contact_ids: Iterable[int]) -> dict[int, list[Address]]:
    """Load the addresses of contacts that have not been refused, by contact."""
    found: dict[int, list[Address]] = {}
    query = select(Address).where(
        Address.contact_id.in_(sorted(contact_ids)), Address.refused_since.is_(None)
    )
    for address in session.scalars(query.order_by(Address.id)):
        found.setdefault(address.contact_id, []).append(address)
    return found


def lane_of(address: Address) -> str:
    """Name the lane an address is served by: its channel and connection."""
    return f"{address.channel.value}:{address.connection_id}"


def admin_contacts(session: Session, workspace_id: int) -> list[int]:
    """List the contacts of the workspace's active admins, in the order they joined."""
    query = (
        select(RoleGrant.contact_id)
        .join(User, User.id == RoleGrant.user_id)
        .where(RoleGrant.workspace_id == workspace_id, User.deactivated_at.is_(None))
        .order_by(RoleGrant.id)
    )
    return list(session.scalars(query))


def cancel_waiting(session: Session, correlation_id: str) -> bool:
    """Cancel the queued messages of one decision; False when one of them was claimed or sent already.

    Cancels first and counts then: a worker that is just claiming one is waited for, and seen. After False the
    caller gives up its transaction.
    """
    session.execute(
        update(Message)
        .where(Message.correlation_id == correlation_id, Message.state == MessageState.QUEUED)
        .values(state=MessageState.CANCELLED, last_error="undone before it was sent")
    )
    claimed = session.scalar(
        select(func.count())
        .select_from(Message)
        .where(
            Message.correlation_id == correlation_id,
            Message.state.in_([MessageState.SENDING, MessageState.SENT]),
        )
    )
    return not claimed


def _message_row(draft: Draft, address: Address, now: datetime) -> dict[str, Any]:
    start = max(draft.lifetime_from or draft.due_at, now)
    return {
        "public_id": new_public_id(),
        "workspace_id": draft.workspace_id,
        "contact_id": draft.contact_id,
        "address_id": address.id,
        "channel": address.channel,
        "lane": lane_of(address),
        "notice": draft.notice,
        "payload": draft.payload,
        "correlation_id": draft.correlation_id,
        "dedupe_key": f"{draft.dedupe_key}:{address.channel.value}",
        "state": MessageState.QUEUED,
        "due_at": draft.due_at,
        "expires_at": start + rules_of(draft.notice).keeps,
        "attempts": 0,
        "edits": 0,
        "created_at": now,
    }


def _insert_new(session: Session, rows: list[dict[str, Any]]) -> dict[str, tuple[int, Channel]]:
    """Insert rows whose key is new; `RETURNING` tells which (rowcount is -1 with psycopg)."""
    if not rows:
        return {}
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = (
        dialect.insert(Message.__table__)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Message.public_id, Message.id, Message.channel)
    )
    return {public_id: (key, channel) for public_id, key, channel in session.execute(statement, rows)}


def _insert_items(
    session: Session, made: dict[str, tuple[int, Channel]], items: dict[str, Sequence[Item]]
) -> None:
    rows = [
        {"message_id": key, "payment_id": item.payment_id, "step": item.step, "channel": channel}
        for public_id, (key, channel) in made.items()
        for item in items[public_id]
    ]
    if rows:
        session.execute(insert(MessageItem), rows)
