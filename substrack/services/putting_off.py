"""How a member puts requests off: "not yet", and "something's off". Neither stops a payment from lapsing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, ActorKind
from substrack.domain.cycles import local_date
from substrack.domain.errors import Refused
from substrack.domain.notices import Notice
from substrack.domain.payments import ASKABLE, PaymentKind
from substrack.domain.requests import OBJECTION_REST_DAYS, SNOOZE_MAX_DAYS
from substrack.domain.wording import clean_text
from substrack.services.access import NoSuchPayment, check_owner
from substrack.services.journal import record_payment
from substrack.services.ledger import Decision, payments_now
from substrack.services.locks import lock_contacts
from substrack.services.outbox import Draft, admin_contacts, queue
from substrack.services.schedule import reschedule_payments
from substrack.services.shown import flag_shown
from substrack.store import Event, Group, Payment, Workspace

OBJECTIONS_A_DAY: Final = 3

SNOOZE: Final = "snooze"
OBJECT: Final = "object"
"""The verbs by which somebody puts requests off."""


class SnoozeTooLong(Refused):
    """A request can be put off, not forgotten."""

    field = "until"

    def __init__(self, latest: date) -> None:
        super().__init__("Choose a day up to %(day)s; later than that, write to the payer.", day=latest)
        self.latest = latest


class SnoozeInThePast(Refused):
    """The day to be asked again has to lie ahead."""

    field = "until"

    def __init__(self) -> None:
        super().__init__("Choose a day that lies ahead.")


class TooManyObjections(Refused):
    """The admins have heard enough for today."""

    field = "text"

    def __init__(self) -> None:
        super().__init__("You have written three times today, and it was passed on. Give it a day.")


def snooze_payments(
    session: Session,
    contact_id: int,
    payment_ids: Collection[int],
    *,
    until: date,
    by: Actor,
    now: datetime,
) -> list[Payment]:
    """Ask for these payments again from a day on, at most 31 days ahead; the lapse is not stopped.

    Raises:
        NoSuchPayment: one is not this contact's; SnoozeTooLong, SnoozeInThePast.
    """
    payments = _own_open(session, contact_id, payment_ids, by)
    for payment in payments:
        zone = session.get_one(Group, payment.group_id).time_zone
        if until <= local_date(now, zone):
            raise SnoozeInThePast
        if until > _latest_in(zone, now):
            raise SnoozeTooLong(_latest_in(zone, now))
    _rest(session, payments, until, SNOOZE, None, Decision(by, now))
    return payments


def latest_snooze(session: Session, payment_ids: Collection[int], *, now: datetime) -> date | None:
    """Return the last day to which all of these can be put off; days are those of each group's zone."""
    zones = select(Group.time_zone).join(Payment, Payment.group_id == Group.id)
    found = session.scalars(zones.where(Payment.id.in_(sorted(payment_ids))).distinct())
    return min((_latest_in(zone, now) for zone in found), default=None)


def object_to_payments(
    session: Session,
    contact_id: int,
    payment_ids: Collection[int],
    *,
    text: str,
    by: Actor,
    now: datetime,
) -> list[Payment]:
    """Tell the admins that something is off; requests for these payments rest for up to 14 days, once each.

    A second objection is told as well, but lets nothing rest again: it would put off the requests for ever.

    Raises:
        NoSuchPayment: one is not this contact's; TooManyObjections, TextMissing, TextTooLong.
    """
    note = clean_text(text, field="text", required=True)
    payments = _own_open(session, contact_id, payment_ids, by)
    if not payments:
        return []
    if by.kind is ActorKind.CONTACT:
        _check_objections_today(session, contact_id, now)
    decision = Decision(by, now, note)
    workspace = session.get_one(Workspace, payments[0].workspace_id)
    until = local_date(now, workspace.time_zone) + timedelta(days=OBJECTION_REST_DAYS)
    rested = _objected_before(session, payments)
    _rest(session, payments, until, OBJECT, note, decision, keeps_longer=True, rested=rested)
    for payment in payments:
        payment.objection = decision.correlation_id
    keys = [payment.id for payment in payments]
    payload = {"contact_id": contact_id, "payment_ids": keys, "text": note}
    drafts = [
        Draft(
            workspace_id=workspace.id,
            contact_id=admin,
            notice=Notice.OBJECTION,
            dedupe_key=f"objection:{decision.correlation_id}:{admin}",
            due_at=now,
            payload=payload,
            correlation_id=decision.correlation_id,
        )
        for admin in admin_contacts(session, workspace.id)
    ]
    queue(session, drafts, now=now)
    return payments


def _latest_in(zone: str, now: datetime) -> date:
    return local_date(now, zone) + timedelta(days=SNOOZE_MAX_DAYS)


def _own_open(session: Session, contact_id: int, payment_ids: Collection[int], by: Actor) -> list[Payment]:
    check_owner(session, by, contact_id)
    lock_contacts(session, [contact_id])
    payments = payments_now(session, Payment.id.in_(payment_ids))
    if any(payment.contact_id != contact_id or payment.kind is PaymentKind.OWN for payment in payments):
        raise NoSuchPayment
    return [payment for payment in payments if payment.status in ASKABLE]


def _check_objections_today(session: Session, contact_id: int, now: datetime) -> None:
    objections = select(func.count(distinct(Event.correlation_id))).where(
        Event.verb == OBJECT,
        Event.actor_kind == ActorKind.CONTACT,
        Event.actor_id == contact_id,
        Event.at > now - timedelta(days=1),
    )
    if (session.scalar(objections) or 0) >= OBJECTIONS_A_DAY:
        raise TooManyObjections


def _objected_before(session: Session, payments: Sequence[Payment]) -> set[int]:
    keys = [payment.id for payment in payments]
    events = select(Event.payment_id).where(Event.payment_id.in_(keys), Event.verb == OBJECT)
    return {key for key in session.scalars(events) if key is not None}


def _rest(
    session: Session,
    payments: Sequence[Payment],
    until: date,
    verb: str,
    note: str | None,
    decision: Decision,
    *,
    keeps_longer: bool = False,
    rested: Collection[int] = (),
) -> None:
    for payment in payments:
        is_longer = payment.snoozed_until is not None and payment.snoozed_until > until
        if payment.id not in rested and not (keeps_longer and is_longer):
            payment.snoozed_until = until
        record_payment(
            session,
            verb,
            payment,
            by=decision.by,
            now=decision.now,
            reason=note,
            after={"until": payment.snoozed_until.isoformat() if payment.snoozed_until else None},
            correlation_id=decision.correlation_id,
        )
    keys = [payment.id for payment in payments]
    flag_shown(session, keys, now=decision.now)
    reschedule_payments(session, keys, now=decision.now)
