"""The outbox: queue notices in the transaction of their cause, and cancel them while nobody has claimed them.

Sending is `services.delivery`'s and the worker's; nothing here opens a connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState, lane_name
from substrack.domain.notices import CHAT_ONLY, Channel, ChannelChoice, Notice, rules_of, ways
from substrack.queries.batches import in_batches
from substrack.services.correlation import new_correlation_id
from substrack.store import Address, Contact, Message, MessageItem, RoleGrant, User, new_public_id
from substrack.store.upserts import insert_into


@dataclass(frozen=True)
class Item:
    """One payment that a message names, and the how-manieth request for it this is (0 for answers)."""

    payment_id: int
    step: int


@dataclass(frozen=True)
class Draft:
    """A notice to one contact; it becomes one message per usable address.

    Without the correlation id of a decision, each message gets one by which logs lead to its cause.
    """

    workspace_id: int
    contact_id: int
    notice: Notice
    dedupe_key: str
    due_at: datetime
    payload: dict[str, Any] = field(default_factory=dict)
    items: Sequence[Item] = ()
    correlation_id: str | None = None
    lifetime_from: datetime | None = None
    attempt_id: int | None = None


class Way(NamedTuple):
    """An address that takes mail or chats, and how its owner wants to be reached."""

    id: int
    contact_id: int
    channel: Channel
    connection_id: int
    unsubscribed_at: datetime | None
    choice: ChannelChoice


def queue(session: Session, drafts: Sequence[Draft], *, now: datetime) -> int:
    """Write the messages of several notices in a few statements; return how many are new.

    The key of a message is the draft's plus its channel; one that exists already is left as it is. A contact
    without a usable address gets nothing: the edges show who cannot be reached.
    """
    if not drafts:
        return 0
    open_ways = _load_ways(session, {draft.contact_id for draft in drafts})
    rows, items = [], {}
    for draft in drafts:
        for way in _by_choice(draft.notice, open_ways.get(draft.contact_id, ())):
            row = _message_row(draft, way, now)
            rows.append(row)
            items[row["public_id"]] = draft.items
    made = _insert_new(session, rows)
    _insert_items(session, made, items)
    return len(made)


def queue_to(session: Session, draft: Draft, address: Address, *, now: datetime) -> None:
    """Write the one message of a notice that is for this address alone, whatever the person chose."""
    made = _insert_new(session, [_message_row(draft, address, now)])
    _insert_items(session, made, dict.fromkeys(made, draft.items))


def usable_addresses(session: Session, contact_ids: Iterable[int]) -> dict[int, list[Address]]:
    """Load the addresses of contacts that have not been refused, by contact."""
    found: dict[int, list[Address]] = {}
    for batch in in_batches(contact_ids):
        query = select(Address).where(Address.contact_id.in_(batch), Address.refused_since.is_(None))
        for address in session.scalars(query.order_by(Address.id)):
            found.setdefault(address.contact_id, []).append(address)
    return found


def fall_back_to_mail(session: Session, messages: Sequence[Message], *, now: datetime) -> int:
    """Queue by mail what a chat did not take, once; return how many letters that makes.

    Who gets mail anyway has the letter queued already, under the same key.
    """
    mailboxes = usable_addresses(session, {message.contact_id or 0 for message in messages})
    rows: list[dict[str, Any]] = []
    items: dict[str, Sequence[Item]] = {}
    for message in messages:
        rules, boxes = rules_of(message.notice), mailboxes.get(message.contact_id or 0, ())
        for address in boxes if message.notice not in CHAT_ONLY else ():
            is_wanted = not (rules.is_asking and address.unsubscribed_at)
            if address.channel is Channel.EMAIL and is_wanted:
                row = _copy_row(message, address, now)
                rows.append(row)
                items[row["public_id"]] = _items_of(session, message)
    made = _insert_new(session, rows)
    _insert_items(session, made, items)
    return len(made)


def key_by_mail(message: Message) -> str:
    """Name the letter that says the same as a message."""
    return f"{_draft_key(message)}:{Channel.EMAIL.value}"


def lane_of(address: Address | Way) -> str:
    """Name the lane an address is served by: its channel and connection."""
    return lane_name(address.channel, address.connection_id)


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


def _load_ways(session: Session, contact_ids: Iterable[int]) -> dict[int, list[Way]]:
    """Load how contacts can be reached, as plain rows: the drafts may be many."""
    query = (
        select(
            Address.id,
            Address.contact_id,
            Address.channel,
            Address.connection_id,
            Address.unsubscribed_at,
            Contact.channel_choice,
        )
        .join(Contact, Contact.id == Address.contact_id)
        .where(Address.refused_since.is_(None))
        .order_by(Address.id)
    )
    found: dict[int, list[Way]] = {}
    for batch in in_batches(contact_ids):
        for row in session.execute(query.where(Address.contact_id.in_(batch))):
            way = Way._make(row)
            found.setdefault(way.contact_id, []).append(way)
    return found


def _by_choice(notice: Notice, open_ways: Sequence[Way]) -> list[Way]:
    """Choose among the ways to a contact; asking notices leave out what was unsubscribed."""
    is_asking = rules_of(notice).is_asking
    wanted = [way for way in open_ways if not (is_asking and way.unsubscribed_at)]
    if not wanted:
        return []
    chosen = ways(notice, wanted[0].choice, {way.channel for way in wanted})
    return [way for way in wanted if way.channel in chosen]


def _items_of(session: Session, message: Message) -> list[Item]:
    query = select(MessageItem).where(MessageItem.message_id == message.id).order_by(MessageItem.id)
    return [Item(item.payment_id, item.step) for item in session.scalars(query)]


def _draft_key(message: Message) -> str:
    return message.dedupe_key.removesuffix(f":{message.channel.value}")


def _copy_row(message: Message, address: Address, now: datetime) -> dict[str, Any]:
    draft = Draft(
        workspace_id=message.workspace_id,
        contact_id=address.contact_id,
        notice=message.notice,
        dedupe_key=_draft_key(message),
        due_at=now,
        payload=message.payload,
        correlation_id=message.correlation_id,
        attempt_id=message.attempt_id,
    )
    return _message_row(draft, address, now)


def _message_row(draft: Draft, address: Address | Way, now: datetime) -> dict[str, Any]:
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
        "correlation_id": draft.correlation_id or new_correlation_id(),
        "attempt_id": draft.attempt_id,
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
    statement = (
        insert_into(session, Message)
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
        plain: Any = MessageItem.__table__
        session.execute(insert(plain), rows)
