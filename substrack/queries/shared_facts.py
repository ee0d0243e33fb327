"""What several messages have to say, read together: one statement for each kind of fact, when first needed.

A worker takes several messages at once; each letter finds its part here. For a single message it is the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from substrack.domain.bills import HowToPay
from substrack.domain.payments import ASKABLE, PaymentKind
from substrack.queries.introductions import find_who_added
from substrack.queries.leaving import gone_on
from substrack.queries.letter_items import (
    Owed,
    OwedRow,
    how_to_pay,
    load_methods,
    load_news_of_ways,
    load_owed_rows,
    owed_of,
)
from substrack.queries.prepared import prepared
from substrack.store import Contact, Group, Member, Message, MessageItem, Payment, PayMethod, RoleGrant, User

OpenPayment = tuple[Payment, date | None, str]
"""A payment, since when its person is gone, and the time zone of its group."""


class SharedFacts:
    """The facts that letters of some messages share; each kind is read once, for all of them."""

    def __init__(self, session: Session, messages: Sequence[Message]) -> None:
        self._session, self._messages = session, messages

    def steps(self, message: Message) -> dict[int, int]:
        """How often each payment is asked for with a message; one that is only previewed names them."""
        if "steps" in message.payload:
            return dict(message.payload["steps"])
        return self._steps.get(message.id, {})

    def owed(self, payment_ids: Collection[int], steps: Mapping[int, int] | None = None) -> list[Owed]:
        """The payments that a message names, oldest first; `steps` says how often each was asked for."""
        if not self._owed.keys() >= set(payment_ids):
            return [owed_of(row, steps or {}) for row in load_owed_rows(self._session, payment_ids)]
        wanted = set(payment_ids)
        return [owed_of(row, steps or {}) for key, row in self._owed.items() if key in wanted]

    def how_to_pay(self, owed: Sequence[Owed], *, today: date) -> tuple[HowToPay, ...]:
        """Work out the transfers that settle these payments; ways that changed of late are called new."""
        missing = {row.group.id for row in owed} - self._groups
        more = load_methods(self._session, missing) if missing else {}
        news = load_news_of_ways(self._session, owed, today)
        return how_to_pay(owed, {**self._methods, **more}, news=news)

    def open_of(self, contact_id: int) -> list[OpenPayment]:
        """All dues of a person that are not settled or claimed, asked for or not."""
        if contact_id not in self._contacts:
            return _load_open(self._session, [contact_id]).get(contact_id, [])
        return self._open.get(contact_id, [])

    def is_known(self, contact_id: int) -> bool:
        """Tell whether somebody ever got a mail of ours, or administers."""
        return contact_id in self._known

    def who_added(self, contact_id: int) -> str | None:
        """Name the admin who added somebody to the first of their groups."""
        return self._who_added.get(contact_id)

    @cached_property
    def _contacts(self) -> set[int]:
        return {one.contact_id for one in self._messages if one.contact_id is not None}

    @cached_property
    def _steps(self) -> dict[int, dict[int, int]]:
        keys = [one.id for one in self._messages if one.id is not None]
        found: dict[int, dict[int, int]] = {}
        for key, payment_id, step in self._session.execute(*_steps_of(keys)):
            found.setdefault(key, {})[payment_id] = step
        return found

    @cached_property
    def _owed(self) -> dict[int, OwedRow]:
        named = {key for one in self._messages for key in one.payload.get("payment_ids", ())}
        named.update(key for one in self._messages for key in self.steps(one))
        return {row.payment.id: row for row in load_owed_rows(self._session, named)} if named else {}

    @cached_property
    def _groups(self) -> set[int]:
        return {row.group.id for row in self._owed.values()}

    @cached_property
    def _methods(self) -> Mapping[tuple[int, int], Sequence[PayMethod]]:
        return load_methods(self._session, self._groups)

    @cached_property
    def _open(self) -> dict[int, list[OpenPayment]]:
        return _load_open(self._session, self._contacts)

    @cached_property
    def _known(self) -> set[int]:
        return set(self._session.scalars(*_known_among(sorted(self._contacts))))

    @cached_property
    def _who_added(self) -> dict[int, str]:
        return find_who_added(self._session, self._contacts - self._known)


@prepared
def _steps_of(message_ids: list[int]) -> Select[int, int, int]:
    query = select(MessageItem.message_id, MessageItem.payment_id, MessageItem.step)
    return query.where(MessageItem.message_id.in_(message_ids))


@prepared
def _known_among(contact_ids: list[int]) -> Select[int]:
    was_told = exists().where(Message.contact_id == Contact.id, Message.sent_at.is_not(None))
    is_admin = exists().where(
        RoleGrant.contact_id == Contact.id, User.id == RoleGrant.user_id, User.deactivated_at.is_(None)
    )
    return select(Contact.id).where(Contact.id.in_(contact_ids), or_(was_told, is_admin))


def _load_open(session: Session, contact_ids: Iterable[int]) -> dict[int, list[OpenPayment]]:
    found: dict[int, list[OpenPayment]] = {}
    for payment, left_on, time_zone in session.execute(*_open_dues(sorted(contact_ids))):
        found.setdefault(payment.contact_id, []).append((payment, left_on, time_zone))
    return found


@prepared
def _open_dues(contact_ids: list[int]) -> Select[Payment, date | None, str]:
    return select(Payment, gone_on(), Group.time_zone).where(
        Payment.member_id == Member.id,
        Payment.group_id == Group.id,
        Payment.contact_id.in_(contact_ids),
        Payment.status.in_(ASKABLE),
        Payment.kind == PaymentKind.DUES,
        Payment.voided_at.is_(None),
    )
