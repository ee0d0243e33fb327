"""Another sum came than was booked: the receipt is void, and the right sum is booked in its place."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import Refused
from substrack.domain.money import Money
from substrack.domain.payments import ANOTHER_SUM, Act, PaymentKind, check_actor
from substrack.queries.booked import load_booked
from substrack.services.access import check_admin
from substrack.services.allocations import live_allocations
from substrack.services.deciding import OtherCurrencyReceived, check_source, check_versions
from substrack.services.ledger import locked_payment
from substrack.services.payments import OwnShare
from substrack.services.receipts import record_receipt, void_receipt
from substrack.store import Allocation, Receipt


class NoMoneyBooked(Refused):
    """Nothing settles the payment, so there is no sum to put right."""

    field = "amount"

    def __init__(self) -> None:
        super().__init__("No money is booked for this, so there is no other sum to book.")


class SameSum(Refused):
    """The sum is the one that is booked."""

    field = "amount"

    def __init__(self, amount: Money) -> None:
        super().__init__("%(amount)s is booked already; enter what really came.", amount=amount)


def book_another_sum(
    session: Session, payment_id: int, *, amount: Money, by: Actor, now: datetime, version: int | None = None
) -> Receipt:
    """Void the receipt that last gave a confirmed payment money, and book what really came; return that.

    Day, method and note stay. It settles this payment first, then whatever else is open, oldest first; what
    else the former receipt had settled is open again unless that reaches for it. The member is told of both.

    Raises:
        NoSuchPayment, NotAllowed, OwnShare, DecidedAlready, NoMoneyBooked, SameSum, OtherCurrencyReceived,
        NothingReceived.
    """
    check_actor(Act.REOPEN, by)
    payment = locked_payment(session, payment_id)
    check_admin(session, by, payment.workspace_id)
    if payment.kind is PaymentKind.OWN:
        raise OwnShare
    check_source(session, payment, Act.REOPEN)
    check_versions(session, [payment], None if version is None else {payment.id: version}, Act.REOPEN)
    if amount.currency != payment.currency:
        raise OtherCurrencyReceived(payment.currency)
    former = _last_receipt(session, payment.id)
    if amount.minor == former.amount_minor:
        raise SameSum(amount)
    void_receipt(session, former.id, reason=ANOTHER_SUM, by=by, now=now)
    return record_receipt(
        session,
        payment.workspace_id,
        contact_id=payment.contact_id,
        payer_id=payment.payer_id,
        amount=amount,
        received_on=former.received_on,
        method=former.method,
        note=former.note,
        group_id=former.group_id,
        payment_ids=[payment.id],
        attempt_id=_claim_of(session, former),
        by=by,
        now=now,
    )


def _last_receipt(session: Session, payment_id: int) -> Receipt:
    allocations = live_allocations(session, Allocation.payment_id == payment_id)
    if not allocations:
        raise NoMoneyBooked
    return session.get_one(Receipt, allocations[-1].receipt_id)


def _claim_of(session: Session, former: Receipt) -> int | None:
    """Find whose claim the right sum answers in place of the wrong one; none that other money answers too."""
    if former.attempt_id is None or load_booked(session, former.attempt_id) is not None:
        return None
    return former.attempt_id
