"""Staleness: cancel what nobody sent in time; what a failing bot held goes by mail instead.

A request that never left asked nobody: its step is given back, and the day on which payment and person count
as asked last, so that whoever was not reached for weeks is asked as soon and as often as everybody else, and
admins hear "used up" only after real requests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, case, exists, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from substrack.domain.asking import ASK_BY_HAND
from substrack.domain.cycles import local_date
from substrack.domain.delivery import MessageState
from substrack.domain.notices import REQUESTS
from substrack.queries.batches import in_batches
from substrack.queries.delivery import is_claimable
from substrack.services.diverting import divert_stale
from substrack.services.locks import lock_contacts
from substrack.services.request_drafts import request_key
from substrack.services.schedule import reschedule_payments
from substrack.store import Contact, Event, Group, Message, MessageItem, Payment, Workspace


def cancel_stale(session: Session, lane: str, *, now: datetime) -> None:
    """Cancel what expired on a lane; what others are just working on is left for the next time."""
    stale = (Message.lane == lane, is_claimable(now), Message.expires_at <= now)
    owners = session.scalars(select(Message.contact_id).distinct().where(*stale)).all()
    if owners:
        locked = lock_contacts(session, [owner for owner in owners if owner is not None], skip_locked=True)
        _cancel(session, *stale, or_(Message.contact_id.in_(locked), Message.contact_id.is_(None)), now=now)


def cancel_stale_requests(session: Session, contact_ids: Collection[int], *, now: datetime) -> None:
    """Cancel the expired requests to people whose locks the caller holds, whether their lanes work or not."""
    _cancel(
        session,
        Message.contact_id.in_(contact_ids),
        Message.notice.in_(REQUESTS),
        Message.state == MessageState.QUEUED,
        Message.expires_at <= now,
        now=now,
    )


def _cancel(session: Session, *which: ColumnElement[bool], now: datetime) -> None:
    cancelled = session.execute(
        update(Message)
        .where(Message.id.in_(select(Message.id).where(*which).with_for_update(skip_locked=True)))
        .values(state=MessageState.CANCELLED, last_error="stale", lease_token=None, lease_until=None)
        .returning(Message.id, Message.notice, Message.contact_id, Message.dedupe_key)
        .execution_options(synchronize_session=False)
    ).all()
    divert_stale(session, [row.id for row in cancelled], now=now)
    _give_back(session, [row for row in cancelled if row.notice in REQUESTS], now)


def _give_back(session: Session, stale: Sequence[Row[*tuple[Any, ...]]], now: datetime) -> None:
    if not stale:
        return
    query = select(MessageItem.step, MessageItem.payment_id).distinct()
    asked: dict[int, list[int]] = defaultdict(list)
    for step, payment_id in session.execute(
        query.where(MessageItem.message_id.in_([row.id for row in stale]), MessageItem.step > 0)
    ):
        asked[step].append(payment_id)
    # The last request first: once it is taken back, the one before it is the last.
    taken_back = [
        payment_id
        for step in sorted(asked, reverse=True)
        for batch in in_batches(asked[step])
        for payment_id in _take_steps_back(session, batch, step)
    ]
    keys: dict[int, list[str]] = defaultdict(list)
    for row in stale:
        keys[row.contact_id].append(row.dedupe_key)
    for batch in in_batches(taken_back):
        _put_payments_days_back(session, batch)
        _put_peoples_days_back(session, batch, keys)
    session.expire_all()
    reschedule_payments(session, taken_back, now=now)


def _take_steps_back(session: Session, payment_ids: Sequence[int], step: int) -> Sequence[int]:
    """Count a request as never made for payments whose last it was, if it went out by no other way either."""
    item, message = aliased(MessageItem), aliased(Message)
    by_another_way = (
        select(item.id)
        .join(message, message.id == item.message_id)
        .where(item.payment_id == Payment.id, item.step == step, message.state != MessageState.CANCELLED)
    )
    taken_back = session.scalars(
        update(Payment)
        .where(Payment.id.in_(payment_ids), Payment.requests_sent == step, ~exists(by_another_way))
        .values(
            requests_sent=step - 1,
            requests_before=case((Payment.requests_before < step, Payment.requests_before), else_=step - 1),
        )
        .returning(Payment.id)
        .execution_options(synchronize_session=False)
    ).all()
    # The number is free for the next request; what was never sent keeps one that nobody counts.
    session.execute(
        update(MessageItem)
        .where(MessageItem.payment_id.in_(taken_back), MessageItem.step == step)
        .values(step=-MessageItem.message_id)
        .execution_options(synchronize_session=False)
    )
    return taken_back


def _put_payments_days_back(session: Session, payment_ids: Sequence[int]) -> None:
    """Let payments whose last request is taken back count as asked for when they were before it."""
    query = select(Payment.id, Group.time_zone).join(Group, Group.id == Payment.group_id)
    zones = session.execute(query.where(Payment.id.in_(payment_ids))).all()
    last = _last_asked(session, Payment.id, payment_ids)
    rows = [
        {"id": key, "requested_on": local_date(last[key], zone) if key in last else None}
        for key, zone in zones
    ]
    if rows:
        session.execute(update(Payment), rows)


def _put_peoples_days_back(
    session: Session, payment_ids: Sequence[int], keys: Mapping[int, Collection[str]]
) -> None:
    """Do the same for those who owe them, unless they count as asked on another day than these keys tell of.

    They do after a restore, which lets people rest whom requests may have reached of which nothing is known.
    """
    query = select(Contact.id, Contact.requested_on, Workspace.time_zone).join(
        Workspace, Workspace.id == Contact.workspace_id
    )
    owners = select(Payment.contact_id).where(Payment.id.in_(payment_ids))
    people = session.execute(query.where(Contact.id.in_(owners))).all()
    unasked = {
        row.id: row.time_zone
        for row in people
        if any(key.startswith(f"{request_key(row.id, row.requested_on)}:") for key in keys[row.id])
    }
    last = _last_asked(session, Payment.contact_id, unasked)
    rows = [
        {"id": key, "requested_on": local_date(last[key], zone) if key in last else None}
        for key, zone in unasked.items()
    ]
    if rows:
        session.execute(update(Contact), rows)


def last_day_asked(session: Session, contact: Contact) -> date | None:
    """Find the day, by the workspace's clock, of the last request to somebody that stands."""
    zone = session.get_one(Workspace, contact.workspace_id).time_zone
    found = _last_asked(session, Payment.contact_id, [contact.id])
    return local_date(found[contact.id], zone) if contact.id in found else None


def _last_asked(
    session: Session, whose: InstrumentedAttribute[int], keys: Collection[int]
) -> dict[int, datetime]:
    """Find the last request that stands for each of these payments or people: by message, or by hand."""
    by_message = (
        select(whose, func.max(Message.created_at))
        .join(MessageItem, MessageItem.payment_id == Payment.id)
        .join(Message, Message.id == MessageItem.message_id)
        .where(MessageItem.step.between(1, Payment.requests_sent))
    )
    by_hand = (
        select(whose, func.max(Event.at))
        .join(Event, Event.payment_id == Payment.id)
        .where(Event.verb == ASK_BY_HAND, Event.after["requests_sent"].as_integer() <= Payment.requests_sent)
    )
    found: dict[int, datetime] = {}
    for query in (by_message, by_hand):
        for key, asked_at in session.execute(query.where(whose.in_(keys)).group_by(whose)):
            found[key] = max(asked_at, found.get(key, asked_at))
    return found
