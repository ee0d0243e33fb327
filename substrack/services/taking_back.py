"""Taking back: receipts that are void, and payments that lose what they had received."""

from __future__ import annotations

from sqlalchemy.orm import Session

from substrack.domain.payments import Act, Standing, Status
from substrack.services.allocations import live_allocations, void_allocations
from substrack.services.erased import forgive_erased
from substrack.services.ledger import Decision, Touched, move
from substrack.services.schedule import reschedule_payments
from substrack.store import Allocation, Payment, Receipt


def take_back(session: Session, receipt: Receipt, decision: Decision) -> list[int]:
    """Void a receipt and its allocations and reopen what they covered; return the keys of those payments.

    The caller holds the lock. What somebody who was erased would owe by that is forgiven.
    """
    receipt.voided_at, receipt.void_reason = decision.now, decision.reason
    touched = Touched(receipts_voided=[receipt.id])
    reopened = []
    for allocation in live_allocations(session, Allocation.receipt_id == receipt.id):
        payment = session.get_one(Payment, allocation.payment_id, populate_existing=True)
        void_allocations(session, [allocation], touched, decision.now)
        release(session, payment, allocation.amount_minor, decision, touched)
        reopened.append(payment)
        touched = Touched()
    forgive_erased(session, reopened, decision)
    reschedule_payments(session, [payment.id for payment in reopened], now=decision.now)
    return [payment.id for payment in reopened]


def release(
    session: Session, payment: Payment, amount_minor: int, decision: Decision, touched: Touched
) -> None:
    """Take received money off a payment; a confirmed one is pending again, its write-off gone.

    One that is open or waived stays so.
    """
    standing = Standing(payment.amount_minor, payment.received_minor - amount_minor)
    if payment.status is Status.CONFIRMED:
        move(
            session, payment, Act.REOPEN, decision, target=Status.PENDING, standing=standing, touched=touched
        )
    else:
        move(session, payment, Act.RELEASE, decision, standing=standing, touched=touched)
