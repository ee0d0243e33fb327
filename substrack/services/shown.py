"""What phones show: which chat messages are to be brought up to date, and when.

A message names payments (a request), a claim (to an admin) or shares the correlation id of an act about them
(an answer). Whatever changes a payment flags all of them in its own transaction; a worker edits them later.
Nothing here talks to Telegram.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, or_, select, union_all, update
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.notices import Channel
from substrack.store import AttemptItem, Event, Message, MessageItem


@dataclass(frozen=True)
class DueEdit:
    """One message to bring up to date; another worker takes it over at `until`."""

    message_id: int
    until: datetime


def flag_shown(
    session: Session, payment_ids: Collection[int], *, attempt_ids: Collection[int] = (), now: datetime
) -> None:
    """Have every chat message about these payments or claims looked at again. One UPDATE; idempotent.

    One that is just being sent says what was so when it was put into words, and is edited once it is there.
    """
    keys = sorted(set(payment_ids))
    named = _naming(keys, sorted(set(attempt_ids)))
    session.execute(
        update(Message)
        .where(
            Message.id.in_(named),
            Message.channel == Channel.TELEGRAM,
            or_(
                and_(Message.state == MessageState.SENT, Message.provider_id.is_not(None)),
                Message.state == MessageState.SENDING,
            ),
        )
        .values(edit_at=now)
        .execution_options(synchronize_session=False)
    )


def claim_edits(
    session: Session, *, limit: int, lease: timedelta, now: datetime, message_id: int | None = None
) -> list[DueEdit]:
    """Take up to `limit` messages whose edit is due, the longest waiting first, of several the latest.

    Those another worker is just taking are skipped. `message_id` takes that one alone, due or not: who
    pressed a button sees the answer at once.
    """
    is_wanted = Message.edit_at <= now if message_id is None else Message.id == message_id
    is_there = Message.provider_id.is_not(None)
    due = select(Message.id).where(Message.channel == Channel.TELEGRAM, is_there, is_wanted)
    order = (Message.edit_at, Message.id.desc())  # the latest message is the one somebody looks at
    keys = session.scalars(due.order_by(*order).limit(limit).with_for_update(skip_locked=True)).all()
    session.execute(
        update(Message)
        .where(Message.id.in_(keys))
        .values(edit_at=now + lease)
        .execution_options(synchronize_session=False)
    )
    return [DueEdit(key, now + lease) for key in keys]


def finish_edit(session: Session, message_id: int, *, next_at: datetime | None, now: datetime) -> None:
    """Note that a message shows what is so; `next_at` is when it will be different by itself.

    What was flagged again in the meantime stays flagged.
    """
    session.execute(
        update(Message)
        .where(Message.id == message_id, or_(Message.edit_at > now, Message.edit_at.is_(None)))
        .values(edit_at=next_at, edits=Message.edits + 1)
        .execution_options(synchronize_session=False)
    )


def _naming(payment_ids: Collection[int], attempt_ids: Collection[int]) -> Select[int]:
    claims = select(AttemptItem.attempt_id).where(AttemptItem.payment_id.in_(payment_ids))
    acts = select(Event.correlation_id).where(Event.payment_id.in_(payment_ids))
    found = union_all(
        select(MessageItem.message_id).where(MessageItem.payment_id.in_(payment_ids)),
        select(Message.id).where(or_(Message.attempt_id.in_(claims), Message.attempt_id.in_(attempt_ids))),
        select(Message.id).where(Message.correlation_id.in_(acts)),
    ).subquery()
    return select(found.c[0])
