"""Credit: what of a contact's receipts settles nothing yet, and what it settles next.

It moves when a receipt is recorded, an amount is corrected, a period opens, an admin asks, or a payment is
owed again; never as the result of a void. It never writes a rest off: a tolerance is for what somebody sent
for this payment and cut short, and this money was sent for another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import credit_of
from substrack.domain.payments import ASKABLE, Act, PaymentKind, Status, after_receiving
from substrack.queries.batches import in_batches
from substrack.queries.unallocated import UNALLOCATED, is_money_in
from substrack.services.allocations import allocate, live_allocations, void_allocations
from substrack.services.answers import Settled, queue_by_credit
from substrack.services.ledger import Decision, Touched, move, payments_now, standing_of
from substrack.services.schedule import reschedule_payments
from substrack.store import Allocation, Payment, Receipt


def apply_credit(
    session: Session,
    contact_id: int,
    payer_id: int,
    decision: Decision,
    *,
    just_came: Receipt | None = None,
) -> list[Settled]:
    """Let a contact's credit with a payer settle what they owe, oldest first; return what it settled.

    Credit kept for a group settles only that group's payments; money taken off a payment because it was for
    something else does not flow back to it. Payments under a claim are left to the claim. What it leaves of a
    payment stays open, however small. What it settles counts as credit, except from the receipt that
    `just_came`. The caller holds the contact's lock.
    """
    credit = _credit(session, contact_id, payer_id)
    if not credit:
        return []
    payments = payments_now(
        session,
        Payment.contact_id == contact_id,
        Payment.payer_id == payer_id,
        Payment.kind == PaymentKind.DUES,
        Payment.status.in_(ASKABLE),
    )
    kept_away = _kept_away(session, [payment.id for payment in payments])
    taken = decision.taken_by(credit_of(decision.by))
    settled = []
    for payment in payments:
        given = _settle_from_credit(session, payment, credit, kept_away, taken)
        if given:
            total, of_new = sum(given.values()), given.get(just_came.id, 0) if just_came else 0
            left_minor = standing_of(payment).left_minor
            settled.append(Settled(payment.id, total, left_minor, credit_minor=total - of_new))
    reschedule_payments(session, [each.payment_id for each in settled], now=decision.now)
    return settled


def apply_credits(
    session: Session, pairs: Collection[tuple[int, int]], decide: Callable[[], Decision]
) -> None:
    """Do the same for many contacts and payers, with a decision for each contact, and tell each of them once.

    The caller holds the locks of all. Those without credit, nearly all, cost one statement together.
    """
    found = _pairs_with_credit(session, {contact_id for contact_id, _payer in pairs})
    with_credit = sorted(found & set(pairs))
    for contact_id, pairs_of_one in groupby(with_credit, key=itemgetter(0)):
        decision = decide()
        settled = [
            one
            for _contact, payer in pairs_of_one
            for one in apply_credit(session, contact_id, payer, decision)
        ]
        queue_by_credit(session, contact_id, settled, decision)


def apply_credit_of(session: Session, payment: Payment, decision: Decision) -> None:
    """Do the same for who owes a payment again, in the course of the decision that has them owe it.

    The caller holds the contact's lock.
    """
    apply_credits(session, [(payment.contact_id, payment.payer_id)], decision.without_reason)


def credit_minor(session: Session, contact_id: int, payer_id: int, currency: str) -> int:
    """Return a contact's credit with a payer in one currency, in minor units."""
    return sum(
        free for receipt, free in _credit(session, contact_id, payer_id) if receipt.currency == currency
    )


def _credit(session: Session, contact_id: int, payer_id: int) -> list[tuple[Receipt, int]]:
    """Load the receipts with a rest, the oldest first, in one statement however many there were."""
    query = (
        select(Receipt, UNALLOCATED)
        .where(
            Receipt.contact_id == contact_id,
            Receipt.payer_id == payer_id,
            *is_money_in(),
            UNALLOCATED > 0,
        )
        .order_by(Receipt.received_on, Receipt.id)
    )
    return [(receipt, int(minor)) for receipt, minor in session.execute(query)]


def _pairs_with_credit(session: Session, contact_ids: Collection[int]) -> set[tuple[int, int]]:
    query = select(Receipt.contact_id, Receipt.payer_id).where(*is_money_in(), UNALLOCATED > 0)
    found: set[tuple[int, int]] = set()
    for batch in in_batches(contact_ids):
        rows = session.execute(query.where(Receipt.contact_id.in_(batch)))
        found |= {(contact_id, payer_id) for contact_id, payer_id in rows}
    return found


def _kept_away(session: Session, payment_ids: Collection[int]) -> set[tuple[int, int]]:
    """Find the pairs of receipt and payment that an admin took apart as "for something else"."""
    query = select(Allocation.receipt_id, Allocation.payment_id).where(
        Allocation.payment_id.in_(payment_ids), Allocation.keeps_away
    )
    return {(receipt_id, payment_id) for receipt_id, payment_id in session.execute(query)}


def _settle_from_credit(
    session: Session,
    payment: Payment,
    credit: list[tuple[Receipt, int]],
    kept_away: set[tuple[int, int]],
    decision: Decision,
) -> dict[int, int]:
    """Settle what credit can of one payment; return what it took, by receipt."""
    touched, given = Touched(), dict[int, int]()
    open_minor = payment.amount_minor - payment.received_minor
    for place, (receipt, free) in enumerate(credit):
        part = min(free, open_minor - sum(given.values()))
        fits = receipt.currency == payment.currency and receipt.group_id in (None, payment.group_id)
        if part <= 0 or not fits or (receipt.id, payment.id) in kept_away:
            continue
        _allocate_more(session, receipt, payment, part, touched, decision.now)
        credit[place] = (receipt, free - part)
        given[receipt.id] = part
    if not given:
        return given
    total = sum(given.values())
    standing = after_receiving(standing_of(payment), total, tolerance_minor=0)
    target = Status.CONFIRMED if standing.is_covered else Status.PENDING
    facts = {"allocated": total}
    move(
        session,
        payment,
        Act.CONFIRM,
        decision,
        target=target,
        standing=standing,
        touched=touched,
        facts=facts,
    )
    return given


def _allocate_more(
    session: Session, receipt: Receipt, payment: Payment, part_minor: int, touched: Touched, now: datetime
) -> None:
    """Allocate, joining what the same receipt gives this payment already into one live allocation."""
    earlier = live_allocations(
        session, Allocation.receipt_id == receipt.id, Allocation.payment_id == payment.id
    )
    void_allocations(session, earlier, touched, now)
    whole = part_minor + sum(allocation.amount_minor for allocation in earlier)
    allocate(session, receipt, payment, whole, touched, now)
