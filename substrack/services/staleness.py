"""Staleness: cancel what nobody sent in time; what a failing bot held goes by mail instead.

A request that never left asked nobody: its step is given back, so that whoever was not reached for weeks is
asked as often as everybody else, and admins hear "used up" only after real requests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from substrack.domain.delivery import MessageState
from substrack.domain.notices import REQUESTS
from substrack.queries.batches import in_batches
from substrack.queries.delivery import is_claimable
from substrack.services.diverting import divert_stale
from substrack.services.locks import lock_contacts
from substrack.services.schedule import reschedule_payments
from substrack.store import Message, MessageItem, Payment


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
        .returning(Message.id, Message.notice)
        .execution_options(synchronize_session=False)
    ).all()
    divert_stale(session, [row.id for row in cancelled], now=now)
    _give_back(session, [row.id for row in cancelled if row.notice in REQUESTS], now)


def _give_back(session: Session, message_ids: Sequence[int], now: datetime) -> None:
    if not message_ids:
        return
    query = select(MessageItem.step, MessageItem.payment_id).distinct()
    asked: dict[int, list[int]] = defaultdict(list)
    for step, payment_id in session.execute(
        query.where(MessageItem.message_id.in_(message_ids), MessageItem.step > 0)
    ):
        asked[step].append(payment_id)
    # The last request first: once it is taken back, the one before it is the last.
    taken_back = [
        payment_id
        for step in sorted(asked, reverse=True)
        for batch in in_batches(asked[step])
        for payment_id in _take_steps_back(session, batch, step)
    ]
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
        .values(requests_sent=step - 1)
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
