"""Letters as they would read now, without a message: for looking at each kind with real people and sums.

Nothing is written. What a letter is about is the latest that fits: an open payment, a claim, a price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.claims import RejectReason
from substrack.domain.letter_links import LetterLinks
from substrack.domain.letters import Letter
from substrack.domain.notices import Channel, Notice
from substrack.domain.payments import ASKABLE, PaymentKind
from substrack.domain.simulation import Why
from substrack.queries.calendars import cycle_of
from substrack.queries.letters import load_letter
from substrack.store import (
    Address,
    Attempt,
    AttemptState,
    Contact,
    Group,
    Member,
    Message,
    Payment,
    Period,
    Price,
)


@dataclass(frozen=True)
class About:
    """Whom and what a letter is looked at for: one person and one group, and by which user."""

    session: Session
    contact_id: int
    group_id: int
    reader_id: int | None

    @cached_property
    def group(self) -> Group:
        return self.session.get_one(Group, self.group_id)

    @cached_property
    def payments(self) -> list[Payment]:
        """What the person owes in the group, the oldest first; else the last thing they owed there."""
        theirs = (
            Payment.contact_id == self.contact_id,
            Payment.group_id == self.group_id,
            Payment.kind == PaymentKind.DUES,
            Payment.voided_at.is_(None),
        )
        query = select(Payment).where(*theirs)
        owed = query.where(Payment.status.in_(ASKABLE)).order_by(Payment.asked_on, Payment.id)
        last = query.order_by(Payment.asked_on.desc(), Payment.id.desc()).limit(1)
        return list(self.session.scalars(owed)) or list(self.session.scalars(last))

    @property
    def keys(self) -> list[int]:
        return [payment.id for payment in self.payments]

    @property
    def next_start(self) -> date:
        group = self.group
        cycle = cycle_of(group)
        return cycle.start_of(group.next_sequence)


def find_example(session: Session, workspace_id: int, group: str) -> str | None:
    """Name somebody whom letters about a group go to, or about the first group that has such a member."""
    query = (
        select(Contact.public_id)
        .join(Member, Member.contact_id == Contact.id)
        .join(Group, Group.id == Member.group_id)
        .where(Group.workspace_id == workspace_id, Member.contact_id != Group.payer_id)
        .order_by(func.lower(Group.name), Group.id, Member.id)
    )
    return session.scalar((query.where(Group.public_id == group) if group else query).limit(1))


def load_preview(
    session: Session,
    workspace_id: int,
    notice: Notice,
    *,
    contact_id: int,
    group_id: int,
    reader_contact_id: int,
    reader_id: int | None,
    links: LetterLinks,
    now: datetime,
) -> Letter | None:
    """Read what a letter would say now about a person and a group; None when there is nothing to say.

    What admins are told is addressed to the reader, everything else to the person.
    """
    payload = PAYLOADS[notice](About(session, contact_id, group_id, reader_id))
    if payload is None:
        return None
    message = Message(
        workspace_id=workspace_id,
        contact_id=reader_contact_id if notice in FOR_ADMINS else contact_id,
        channel=Channel.EMAIL,
        notice=notice,
        payload=payload,
        created_at=now,
    )
    return load_letter(session, message, links=links, now=now)


def _request(about: About) -> dict[str, Any] | None:
    return {"steps": dict.fromkeys(about.keys, 1)}


def _reminder(about: About) -> dict[str, Any] | None:
    return {"steps": dict.fromkeys(about.keys, 2)}


def _payments(about: About) -> dict[str, Any] | None:
    return {"payment_ids": about.keys, "reason": None} if about.keys else None


def _rejected(about: About) -> dict[str, Any] | None:
    return {"payment_ids": about.keys, "reason": RejectReason.NOT_RECEIVED.value} if about.keys else None


def _objection(about: About) -> dict[str, Any] | None:
    return {"payment_ids": about.keys, "contact_id": about.contact_id, "text": "…"} if about.keys else None


def _objection_answered(about: About) -> dict[str, Any] | None:
    said = {"text": "…", "answer": "…", "user_id": None}
    return {"payment_ids": about.keys, **said} if about.keys else None


def _received(about: About) -> dict[str, Any] | None:
    return _came(about, lambda owed: owed)


def _part_received(about: About) -> dict[str, Any] | None:
    return _came(about, lambda owed: owed // 2)


def _came(about: About, part_of: Callable[[int], int]) -> dict[str, Any] | None:
    """Say that money came for the oldest payment: all of it, or a part."""
    payment = next(iter(about.payments), None)
    if payment is None:
        return None
    owed = payment.amount_minor - payment.received_minor or payment.amount_minor
    came = part_of(owed)
    item = {"payment_id": payment.id, "received_minor": came, "left_minor": owed - came}
    sums = {"receipt_minor": came, "credit_minor": 0, "currency": payment.currency}
    return {"items": [item], "payer_id": payment.payer_id, **sums}


def _welcome(about: About) -> dict[str, Any] | None:
    query = select(Member.id).where(Member.group_id == about.group_id, Member.contact_id == about.contact_id)
    member_id = about.session.scalar(query.order_by(Member.id.desc()).limit(1))
    return None if member_id is None else {"member_id": member_id}


def _heads_up(about: About) -> dict[str, Any] | None:
    return {"group_id": about.group_id, "starts_on": about.next_start.isoformat()}


def _price_change(about: About) -> dict[str, Any] | None:
    """Say what changed with the latest price, as if it changed with the next period."""
    query = select(Price).where(Price.group_id == about.group_id).order_by(Price.from_on.desc()).limit(2)
    prices = list(about.session.scalars(query))
    if not prices:
        return None
    return {
        "group_id": about.group_id,
        "price_id": prices[0].id,
        "from_on": max(prices[0].from_on, about.next_start).isoformat(),
        "supposed_minor": prices[-1].amount_minor,
        "after_minor": prices[0].amount_minor,
    }


def _share_changed(about: About) -> dict[str, Any] | None:
    from_on = about.next_start.isoformat()
    change = {"before_minor": None, "leaves": False, "why": Why.JOIN.value}
    return {"group_id": about.group_id, "from_on": from_on, **change}


def _claim(about: About) -> dict[str, Any] | None:
    query = select(Attempt.id).where(
        Attempt.contact_id == about.contact_id, Attempt.state == AttemptState.OPEN
    )
    attempt_id = about.session.scalar(query.order_by(Attempt.id.desc()).limit(1))
    return None if attempt_id is None else {"attempt_id": attempt_id}


def _bill(about: About) -> dict[str, Any] | None:
    query = select(Period.id).where(
        Period.group_id == about.group_id, Period.total_minor.is_(None), Period.voided_at.is_(None)
    )
    period_id = about.session.scalar(query.order_by(Period.id.desc()).limit(1))
    return None if period_id is None else {"period_id": period_id}


def _address(about: About) -> dict[str, Any] | None:
    query = select(Address.id).where(Address.contact_id == about.contact_id, Address.value != "")
    address_id = about.session.scalar(query.order_by(Address.id).limit(1))
    return None if address_id is None else {"address_id": address_id}


def _pay_details(about: About) -> dict[str, Any] | None:
    return {"group_id": about.group_id, "by": about.reader_id}


def _nothing_else(about: About) -> dict[str, Any] | None:
    return {}


PAYLOADS: Final[Mapping[Notice, Callable[[About], dict[str, Any] | None]]] = MappingProxyType(
    {
        Notice.WELCOME: _welcome,
        Notice.REQUEST: _request,
        Notice.REMINDER: _reminder,
        Notice.HEADS_UP: _heads_up,
        Notice.PERIOD_OPENED: _payments,
        Notice.PRICE_CHANGE: _price_change,
        Notice.SHARE_CHANGED: _share_changed,
        Notice.RECEIVED: _received,
        Notice.PART_RECEIVED: _part_received,
        Notice.REJECTED: _rejected,
        Notice.WAIVED: _payments,
        Notice.OBJECTION_ANSWERED: _objection_answered,
        Notice.FRESH_LINK: _nothing_else,
        Notice.CLAIM_RECEIVED: _claim,
        Notice.CLAIMS_WAITING: _nothing_else,
        Notice.BILL_WANTED: _bill,
        Notice.REQUESTS_EXHAUSTED: _payments,
        Notice.OBJECTION: _objection,
        Notice.ADDRESS_REFUSED: _address,
        Notice.UNSUBSCRIBED: _address,
        Notice.PAY_DETAILS_CHANGED: _pay_details,
        Notice.TEST: _nothing_else,
    }
)
"""What each kind is about. Letters that open an account are not among them: their links are nobody else's."""

FOR_ADMINS: Final = frozenset(
    {
        Notice.CLAIM_RECEIVED,
        Notice.CLAIMS_WAITING,
        Notice.BILL_WANTED,
        Notice.REQUESTS_EXHAUSTED,
        Notice.OBJECTION,
        Notice.ADDRESS_REFUSED,
        Notice.UNSUBSCRIBED,
        Notice.PAY_DETAILS_CHANGED,
        Notice.TEST,
    }
)
