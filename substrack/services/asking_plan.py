"""Who would get what if they were asked now: the plan an admin looks at, and that is then carried out.

Reads only. A person is asked for what they owe in one group, or for everything; with what one group wants
goes what would soon be asked for anyway, for nobody is asked twice on one day, unless an admin wants that for
what the request of the day did not name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.asking import CAN_BE_ASKED, CAN_BE_ASKED_BY_HAND, AskState
from substrack.domain.bills import Item, OwnSentence
from substrack.domain.delivery import WAITING, MessageState
from substrack.domain.money import Money
from substrack.domain.notices import REQUESTS, Channel, Notice, ways
from substrack.domain.payments import ASKABLE, OPEN, PaymentKind
from substrack.domain.requests import joins, may_ask_at, next_hours_at
from substrack.queries.letter_items import Owed, load_owed, own_sentences
from substrack.queries.namesakes import tell_apart
from substrack.services.putting_off import OBJECT, SNOOZE
from substrack.services.request_drafts import workspace_day
from substrack.services.schedule import DuePayment, due_payments, payments_with_rules
from substrack.services.withholding import resting
from substrack.store import Address, Contact, Event, Message, Payment, Workspace

A_MOMENT: Final = timedelta(minutes=1)
"""What goes out within it does not wait; the undo time is shorter."""


@dataclass(frozen=True)
class PersonPlan:
    """One person: what they would be asked for, which way, or why they would not be.

    `asked_on` is when they were last asked for anything, `until` the day up to which they asked to wait.
    `waits_until` is when the message would go out, or when the one that is on its way does, where that is not
    now. `time_zone` tells what time it is for them. `sentences` are what the groups of these payments say in
    their requests, each once.
    """

    contact_id: int
    public_id: str
    name: str
    state: AskState
    items: tuple[Item, ...]
    channels: tuple[Channel, ...]
    asked_on: date | None
    until: date | None = None
    waits_until: datetime | None = None
    time_zone: str = "UTC"
    entries: tuple[DuePayment, ...] = ()
    sentences: tuple[OwnSentence, ...] = ()

    @property
    def is_held(self) -> bool:
        """Tell whether a request to them waits for the hours in which people are asked."""
        return self.state is AskState.ON_ITS_WAY and self.waits_until is not None

    @property
    def is_asked(self) -> bool:
        """Tell whether "Ask now" asks them unless they are left out."""
        return self.state is AskState.READY

    @property
    def can_be_asked(self) -> bool:
        """Tell whether a message can go to them now."""
        return self.state in CAN_BE_ASKED

    @property
    def can_be_asked_by_hand(self) -> bool:
        """Tell whether an admin may ask them in words of their own now."""
        return self.state in CAN_BE_ASKED_BY_HAND

    @property
    def has_text(self) -> bool:
        """Tell whether there is a message to look at: one to send by hand, or what was asked for today."""
        return self.can_be_asked_by_hand or self.state is AskState.ASKED_TODAY

    @property
    def sums(self) -> tuple[Money, ...]:
        """Add up what they would be asked for, by currency."""
        sums: dict[str, Money] = {}
        for item in self.items:
            sums[item.left.currency] = sums.get(item.left.currency, Money(0, item.left.currency)) + item.left
        return tuple(sums.values())


def plan_asking(
    session: Session, contact_ids: Collection[int], *, group_id: int | None = None, now: datetime
) -> list[PersonPlan]:
    """Say for each of these people what asking them now would do, in the order given; 9 statements.

    `group_id` asks for what one group wants; without it, for everything.
    """
    reading = _Reading(session, contact_ids, group_id, now)
    plans = [reading.plan(contact_id) for contact_id in contact_ids if contact_id in reading.contacts]
    return list(tell_apart(session, plans))


class _Reading:
    """What a plan is made of, loaded for all these people at once."""

    def __init__(
        self, session: Session, contact_ids: Collection[int], group_id: int | None, now: datetime
    ) -> None:
        self._session, self._group_id, self._now = session, group_id, now
        people = select(Contact).where(Contact.id.in_(contact_ids), Contact.erased_at.is_(None))
        self.contacts = {one.id: one for one in session.scalars(people)}
        workspaces = {one.workspace_id for one in self.contacts.values()}
        self._today = {key: workspace_day(session, key, now) for key in workspaces}
        self._zones = {key: session.get_one(Workspace, key).time_zone for key in workspaces}
        self._entries = _by_contact(_load_open(session, self.contacts, now))
        self._owed = self._load_owed()
        self._addresses = _load_addresses(session, self.contacts)
        self._waiting = _waiting(session, self.contacts, now)
        self._objected = _objected(session, self._put_off())

    def plan(self, contact_id: int) -> PersonPlan:
        """Say what asking one person would do."""
        contact = self.contacts[contact_id]
        wanted = [entry for entry in self._entries.get(contact_id, ()) if self._is_wanted(entry)]
        asked = _unnamed([entry for entry in wanted if self._is_asked(entry)])
        more = [entry for entry in self._entries.get(contact_id, ()) if self._comes_along(entry)]
        entries = sorted([*asked, *more], key=_by_age) if asked else []
        state = self._state(contact, wanted, asked)
        shown = entries or sorted(wanted, key=_by_age)
        return PersonPlan(
            contact_id=contact_id,
            public_id=contact.public_id,
            name=contact.name,
            state=state,
            items=tuple(self._owed[entry.payment.id].item for entry in shown),
            channels=self._channels(contact),
            asked_on=contact.requested_on,
            until=max((entry.payment.snoozed_until or date.min for entry in wanted), default=None),
            waits_until=self._waits_until(entries)
            if state in CAN_BE_ASKED
            else self._waiting.get(contact_id),
            time_zone=contact.time_zone or self._zones[contact.workspace_id],
            entries=tuple(entries),
            sentences=own_sentences([self._owed[entry.payment.id] for entry in entries]),
        )

    def _state(self, contact: Contact, wanted: Sequence[DuePayment], asked: Sequence[DuePayment]) -> AskState:
        if not asked:
            return self._why_nothing(wanted)
        today = self._today[contact.workspace_id]
        if contact.id in self._waiting:
            return AskState.ON_ITS_WAY
        was_asked_today = contact.requested_on is not None and contact.requested_on >= today
        if was_asked_today and any(map(_is_named, asked)):
            return AskState.ASKED_TODAY
        if not self._channels(contact):
            usable = any(one.refused_since is None for one in self._addresses.get(contact.id, ()))
            return AskState.UNSUBSCRIBED if usable else AskState.UNREACHABLE
        if was_asked_today:
            return AskState.ASKED_ELSE
        repeat = timedelta(days=min(entry.rules.repeat_every_days for entry in asked))
        is_recent = contact.requested_on is not None and contact.requested_on + repeat > today
        return AskState.RECENT if is_recent else AskState.READY

    def _why_nothing(self, wanted: Sequence[DuePayment]) -> AskState:
        """Say why nothing of what somebody owes can be asked for; the first reason that is not a claim."""
        open_ones = [entry for entry in wanted if entry.payment.status in ASKABLE]
        if not wanted:
            return AskState.PAID
        if not open_ones:
            return AskState.TO_CHECK
        present = [entry for entry in open_ones if entry.facts.is_asked]
        if not present:
            return AskState.LEFT
        has_objected = any(entry.payment.id in self._objected for entry in present)
        return AskState.OBJECTED if has_objected else AskState.SNOOZED

    def _is_wanted(self, entry: DuePayment) -> bool:
        return self._group_id is None or entry.payment.group_id == self._group_id

    def _is_asked(self, entry: DuePayment) -> bool:
        """Tell whether a payment can be asked for, whatever its next slot is."""
        return entry.payment.status in ASKABLE and entry.facts.is_asked and not _is_snoozed(entry)

    def _comes_along(self, entry: DuePayment) -> bool:
        facts, today = entry.facts, entry.today
        return not self._is_wanted(entry) and self._is_asked(entry) and joins(facts, entry.rules, today)

    def _channels(self, contact: Contact) -> tuple[Channel, ...]:
        addresses = self._addresses.get(contact.id, ())
        usable = {
            one.channel for one in addresses if one.refused_since is None and one.unsubscribed_at is None
        }
        return tuple(sorted(ways(Notice.REQUEST, contact.channel_choice, usable)))

    def _waits_until(self, entries: Sequence[DuePayment]) -> datetime | None:
        """Say when a request would go out, by the hours of the group whose payment has been due longest."""
        first = min(entries, key=lambda entry: (entry.payment.due_on or date.max, entry.payment.id))
        return None if may_ask_at(self._now, first.rules) else next_hours_at(self._now, first.rules)

    def _load_owed(self) -> dict[int, Owed]:
        keys = [entry.payment.id for entries in self._entries.values() for entry in entries]
        return {row.payment.id: row for row in load_owed(self._session, keys)}

    def _put_off(self) -> list[int]:
        entries = [entry for some in self._entries.values() for entry in some]
        return [entry.payment.id for entry in entries if _is_snoozed(entry)]


def _load_open(session: Session, contact_ids: Iterable[int], now: datetime) -> list[DuePayment]:
    query = payments_with_rules().where(
        Payment.contact_id.in_(sorted(contact_ids)),
        Payment.status.in_(OPEN),
        Payment.kind == PaymentKind.DUES,
        Payment.voided_at.is_(None),
    )
    return due_payments(session, query, now=now)


def _by_contact(entries: Iterable[DuePayment]) -> dict[int, list[DuePayment]]:
    found: dict[int, list[DuePayment]] = {}
    for entry in entries:
        found.setdefault(entry.payment.contact_id, []).append(entry)
    return found


def _by_age(entry: DuePayment) -> tuple[date, int]:
    return entry.payment.asked_on, entry.payment.id


def _is_snoozed(entry: DuePayment) -> bool:
    until = entry.payment.snoozed_until
    return until is not None and until > entry.today


def _is_named(entry: DuePayment) -> bool:
    """Tell whether a request of today named a payment already."""
    return entry.payment.requested_on is not None and entry.payment.requested_on >= entry.today


def _unnamed(entries: list[DuePayment]) -> list[DuePayment]:
    """Leave out what a request of today named, where it did not name all of it."""
    return [entry for entry in entries if not _is_named(entry)] or entries


def _load_addresses(session: Session, contact_ids: Iterable[int]) -> Mapping[int, list[Address]]:
    found: dict[int, list[Address]] = {}
    query = select(Address).where(Address.contact_id.in_(sorted(contact_ids)), Address.value != "")
    for address in session.scalars(query.order_by(Address.id)):
        found.setdefault(address.contact_id, []).append(address)
    return found


def _waiting(session: Session, contact_ids: Iterable[int], now: datetime) -> dict[int, datetime | None]:
    """Find those to whom a request is on its way, and until when it waits on every way it goes."""
    query = select(Message.id, Message.contact_id, Message.state, Message.due_at).where(
        Message.contact_id.in_(sorted(contact_ids)),
        Message.notice.in_(REQUESTS),
        Message.state.in_(WAITING),
        Message.expires_at > now,
    )
    found = session.execute(query).all()
    rests = resting(session, [row.id for row in found], now=now)
    leaves: dict[int, list[datetime]] = {}
    for row in found:
        is_held = row.state is MessageState.QUEUED
        leaves.setdefault(row.contact_id, []).append(rests.get(row.id, row.due_at) if is_held else now)
    return {key: min(some) if min(some) > now + A_MOMENT else None for key, some in leaves.items()}


def _objected(session: Session, payment_ids: Sequence[int]) -> set[int]:
    """Find the payments that rest because their contact said that something is off with them."""
    query = (
        select(Event.payment_id, Event.verb)
        .where(Event.payment_id.in_(payment_ids), Event.verb.in_((SNOOZE, OBJECT)))
        .order_by(Event.id)
    )
    latest = dict(session.execute(query).all())
    return {key for key, verb in latest.items() if verb == OBJECT and key is not None}
