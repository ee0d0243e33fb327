"""How those whom a decision or an answer concerns will hear of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.notices import Channel, Notice
from substrack.store import Message

ANSWERS: Final = (
    Notice.RECEIVED,
    Notice.PART_RECEIVED,
    Notice.REJECTED,
    Notice.WAIVED,
    Notice.OBJECTION_ANSWERED,
)


def answer_channels(session: Session, correlation_ids: Collection[str]) -> frozenset[Channel]:
    """Name the channels on which members are answered after these decisions; none when nobody is."""
    query = select(Message.channel).where(
        Message.correlation_id.in_(sorted(correlation_ids)), Message.notice.in_(ANSWERS)
    )
    return frozenset(session.scalars(query.distinct()))
