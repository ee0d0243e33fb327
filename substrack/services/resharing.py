"""Sharing a corrected total again among the payments there are, on the terms they were made from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.payments import Act, PaymentKind, Standing, Status
from substrack.domain.shares import Sharer, split
from substrack.queries.batches import in_batches
from substrack.services.amounts import change_amount
from substrack.services.credit import apply_credits
from substrack.services.erased import erased_among
from substrack.services.ledger import Decision, move, payments_now
from substrack.services.locks import lock_contacts
from substrack.services.schedule import reschedule_payments
from substrack.services.totals import rebalance_period
from substrack.store import Event, Payment, Period


def share_again(session: Session, period: Period, total_minor: int, decision: Decision) -> None:
    """Share a corrected total; what was forgiven for good falls with it, and rises no higher than it was.

    Raises:
        FixedAmountsOverTotal: amounts that stay are more than the total.
    """
    payments = payments_now(session, Payment.period_id == period.id)
    lock_contacts(session, [payment.contact_id for payment in payments])
    payments = payments_now(session, Payment.period_id == period.id)
    amounts = _amounts(session, period, total_minor, payments)
    period.total_minor = period.billed_minor = total_minor
    session.flush()
    for payment in payments:
        amount = amounts.get(payment.id)
        if amount is not None and amount != payment.amount_minor:
            _change(session, payment, amount, decision)
    rebalance_period(session, period.id, decision)
    dues = {(each.contact_id, each.payer_id) for each in payments if each.kind is PaymentKind.DUES}
    apply_credits(session, dues, decision.without_reason)
    reschedule_payments(session, [payment.id for payment in payments], now=decision.now)


def _change(session: Session, payment: Payment, amount_minor: int, decision: Decision) -> None:
    if payment.status is Status.WAIVED:
        standing = Standing(amount_minor, payment.received_minor)
        move(session, payment, Act.RESHARE, decision, standing=standing)
    else:
        change_amount(session, payment, amount_minor, decision, is_fixed=payment.is_fixed)


@dataclass(frozen=True)
class _Forgiven:
    """A share that nobody is ever asked for again: what was received of it, and what it was when forgiven."""

    received_minor: int
    at_most_minor: int

    def bound(self, amount_minor: int) -> int:
        """Keep an amount between the two."""
        return max(self.received_minor, min(self.at_most_minor, amount_minor))


def _amounts(
    session: Session, period: Period, total_minor: int, payments: Sequence[Payment]
) -> Mapping[int, int]:
    """Work out what each payment but the payer's own comes to, in minor units by the payment's key.

    What was forgiven for good shares like any other, but is set where it would leave its bounds; until none
    does.
    """
    gone = erased_among(session, {key for one in payments for key in (one.contact_id, one.payer_id)})
    forgiven = _forgiven(session, payments, gone)
    in_order = sorted(payments, key=lambda payment: payment.member_id)
    staying = _staying(in_order, forgiven, gone)
    set_to = staying | _fixed_and_forgiven(total_minor - sum(staying.values()), in_order, forgiven)
    while True:
        sharers = [_terms_of(payment, set_to.get(payment.id)) for payment in in_order]
        shares = split(
            total_minor,
            sharers,
            sequence=period.sequence,
            period_days=(period.ends_on - period.starts_on).days + 1,
            payer_included=any(sharer.is_payer for sharer in sharers),
        )
        bound = {key: one.bound(shares.amounts[key]) for key, one in forgiven.items() if key not in set_to}
        beyond = {key: minor for key, minor in bound.items() if minor != shares.amounts[key]}
        if not beyond:
            return shares.amounts
        set_to |= beyond


def _forgiven(session: Session, payments: Sequence[Payment], gone: Collection[int]) -> dict[int, _Forgiven]:
    """Find the waived dues between people of whom one was erased."""
    found = {
        one.id: one
        for one in payments
        if one.kind is PaymentKind.DUES
        and one.status is Status.WAIVED
        and not {one.contact_id, one.payer_id}.isdisjoint(gone)
    }
    said: dict[int, int] = {}
    waived = select(Event.payment_id, Event.after).where(Event.verb == Act.WAIVE.value).order_by(Event.id)
    for batch in in_batches(found):
        for key, after in session.execute(waived.where(Event.payment_id.in_(batch))):
            said[key] = int((after or {}).get("amount", found[key].amount_minor))
    return {key: _Forgiven(one.received_minor, said.get(key, one.amount_minor)) for key, one in found.items()}


def _staying(payments: Sequence[Payment], forgiven: Collection[int], gone: Collection[int]) -> dict[int, int]:
    """List the amounts that no total changes: corrected by hand, fixed, waived, or of somebody erased."""
    return {
        one.id: one.amount_minor
        for one in payments
        if one.kind is PaymentKind.DUES
        and one.id not in forgiven
        and (one.is_fixed or one.status is Status.WAIVED or one.contact_id in gone)
    }


def _fixed_and_forgiven(
    left_minor: int, payments: Sequence[Payment], forgiven: Mapping[int, _Forgiven]
) -> dict[int, int]:
    """Let fixed amounts that were forgiven stay as far as the others leave so much."""
    found: dict[int, int] = {}
    for payment in payments:
        if payment.is_fixed and payment.id in forgiven:
            found[payment.id] = forgiven[payment.id].bound(left_minor - sum(found.values()))
    return found


def _terms_of(payment: Payment, set_to_minor: int | None) -> Sharer:
    is_payer = payment.kind is PaymentKind.OWN
    days = None if set_to_minor is not None else payment.part_days
    return Sharer(payment.id, payment.weight, set_to_minor, days, is_payer=is_payer)
