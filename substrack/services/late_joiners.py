"""Late joiners: somebody who is to pay for a period that is open already, by an amount an admin types.

Nobody else's payment changes: what the newcomer owes, the payer no longer bears.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.collecting import Days
from substrack.domain.cycles import Window, local_date
from substrack.domain.errors import Conflict, Refused
from substrack.domain.money import Money, NegativeAmount
from substrack.domain.payments import Act, PaymentKind, Status, check_actor
from substrack.queries.sharing import first_day
from substrack.services.answers import queue_by_credit
from substrack.services.credit import apply_credit
from substrack.services.deciding import OtherCurrencyReceived
from substrack.services.erased import check_may_owe
from substrack.services.group_rows import hold_group
from substrack.services.journal import record_payment
from substrack.services.ledger import Decision, snapshot
from substrack.services.locks import lock_contacts
from substrack.services.members import UnknownMember
from substrack.services.periods import NoSuchPeriod, PeriodVoided
from substrack.services.references import new_references
from substrack.services.schedule import reschedule_payments
from substrack.services.totals import rebalance_period
from substrack.store import Group, Member, Payment, Period


class HasPaymentThere(Conflict):
    """The member has a payment in this period; that one is adjusted instead."""

    field = "member"

    def __init__(self) -> None:
        super().__init__("This member has a payment in this period already; adjust that one instead.")


class OwesFromBefore(Conflict):
    """Somebody left and came back, and has a payment in this period from before; that one is adjusted."""

    field = "member"

    def __init__(self) -> None:
        super().__init__(
            "This person has a payment in this period from before they left; adjust that one instead."
        )


class BillMissing(Refused):
    """Nobody owes anything for a period before its bill is entered."""

    def __init__(self) -> None:
        super().__init__("Enter the bill of this period first.")


class PayerOwesNothing(Refused):
    """The payer's own share follows the total."""

    field = "member"

    def __init__(self) -> None:
        super().__init__("The payer owes nothing; their share is what the others leave.")


def add_to_period(
    session: Session, period_id: int, member_id: int, *, amount: Money, by: Actor, now: datetime
) -> Payment:
    """Let a member owe a typed amount for an open period; only the payer's part becomes smaller.

    When the payer's part is smaller than the amount, the period's total rises by the difference. Credit of
    the member settles the new payment at once. Writes an Event for the payment and one for the period's sum.

    Raises:
        HasPaymentThere, OwesFromBefore, BillMissing, PayerOwesNothing, PeriodVoided, NoSuchPeriod,
        UnknownMember, NotAllowed, OtherCurrencyReceived, NegativeAmount, NobodyToAsk, NobodyToPay.
    """
    check_actor(Act.ADJUST, by)
    period, group, member = _locked(session, period_id, member_id, by)
    _check(session, period, group, member, amount)
    decision = Decision(by, now)
    payment = _payment(session, period, group, member, amount.minor, now)
    session.add(payment)
    session.flush()
    record_payment(
        session,
        Act.OPEN.value,
        payment,
        by=by,
        now=now,
        after=snapshot(payment),
        correlation_id=decision.correlation_id,
    )
    rebalance_period(session, period.id, decision)
    reschedule_payments(session, [payment.id], now=now)
    settled = apply_credit(session, member.contact_id, payment.payer_id, decision)
    queue_by_credit(session, member.contact_id, settled, decision)
    return payment


def _locked(session: Session, period_id: int, member_id: int, by: Actor) -> tuple[Period, Group, Member]:
    """Lock in the order groups, contacts, rows, as every act on money does."""
    found, member = session.get(Period, period_id), session.get(Member, member_id)
    if found is None:
        raise NoSuchPeriod
    group = hold_group(session, found.group_id, by)
    if member is None or member.group_id != group.id:
        raise UnknownMember
    owners = session.scalars(select(Payment.contact_id).where(Payment.period_id == period_id))
    lock_contacts(session, [*owners, member.contact_id])
    period = session.get_one(Period, period_id, with_for_update={"key_share": True}, populate_existing=True)
    return period, group, member


def _check(session: Session, period: Period, group: Group, member: Member, amount: Money) -> None:
    if period.voided_at is not None:
        raise PeriodVoided
    if period.total_minor is None:
        raise BillMissing
    if amount.currency != group.currency:
        raise OtherCurrencyReceived(group.currency)
    if amount.minor < 0:
        raise NegativeAmount("An amount cannot be negative; leave out the minus.", amount.major())
    if member.contact_id == period.payer_id:
        raise PayerOwesNothing
    check_may_owe(session, member.contact_id, period.payer_id)
    there = select(Payment.member_id).where(
        Payment.period_id == period.id, Payment.contact_id == member.contact_id, Payment.voided_at.is_(None)
    )
    if member.id in (owing := session.scalars(there).all()):
        raise HasPaymentThere
    if owing:
        raise OwesFromBefore


def _payment(
    session: Session, period: Period, group: Group, member: Member, amount_minor: int, now: datetime
) -> Payment:
    first_on = first_day(Window(period.sequence, period.starts_on, period.ends_on), [member.joined_on])
    days = Days(period.due_on, period.opens_on).beginning(
        first_on, collect_days_before=group.collect_days_before
    )
    asked_on = days.asked_from(
        in_advance=group.collect_days_before > 0, today=local_date(now, group.time_zone)
    )
    return Payment(
        workspace_id=group.workspace_id,
        group_id=group.id,
        member_id=member.id,
        contact_id=member.contact_id,
        payer_id=period.payer_id,
        period_id=period.id,
        kind=PaymentKind.DUES,
        amount_minor=amount_minor,
        received_minor=0,
        written_off_minor=0,
        currency=group.currency,
        weight=member.weight,
        is_fixed=True,
        status=Status.PENDING if amount_minor else Status.CONFIRMED,
        version=1,
        reference=new_references(session, [group.workspace_id], 1)[0],
        due_on=days.due_on,
        asked_on=asked_on,
        pending_at=now,
        requests_sent=0,
        created_at=now,
        closed_at=None if amount_minor else now,
    )
