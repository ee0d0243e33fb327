"""Settling: book money that arrived, and let it settle payments in the order given.

The use cases that begin with a lock are in `payments`, `claim_decisions` and `receipts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from substrack.domain.cycles import has_begun, local_date
from substrack.domain.errors import Refused
from substrack.domain.money import Money
from substrack.domain.payments import Act, Status, after_receiving
from substrack.domain.wording import clean_line, clean_text
from substrack.services.allocations import allocate
from substrack.services.answers import Settled
from substrack.services.claim_items import close_claim_item
from substrack.services.journal import record
from substrack.services.ledger import Decision, Touched, move, standing_of
from substrack.services.schedule import reschedule_payments
from substrack.store import AttemptState, Direction, Group, Payment, Receipt, ReceiptSource, Workspace

EARLIEST = date(2000, 1, 1)
"""Before this day no money can have come or been sent: it is a slip, such as a year typed with two digits."""


class ReceivedInTheFuture(Refused):
    """Money is booked when it is there."""

    field = "received_on"

    def __init__(self) -> None:
        super().__init__("The day it arrived can't be in the future.")


class ReceivedTooLongAgo(Refused):
    """The day is a slip."""

    field = "received_on"

    def __init__(self) -> None:
        super().__init__("Choose a day from the year %(year)s on.", year=str(EARLIEST.year))


@dataclass
class Arrival:
    """What is told of money that arrived, in clean words; fills up with what it settled.

    Raises:
        TextRefused: the method or the note can't be kept.
    """

    received_on: date
    method: str | None = None
    note: str | None = None
    attempt_id: int | None = None
    group_id: int | None = None
    source: ReceiptSource = ReceiptSource.ADMIN
    settled: list[Settled] = field(default_factory=list)

    def __post_init__(self) -> None:
        told = self.method and self.method.strip()
        self.method = clean_line(self.method or "", field="method") if told else None
        self.note = clean_text(self.note or "", field="note") or None


def receive(
    session: Session,
    workspace_id: int,
    contact_id: int,
    payer_id: int,
    amount: Money,
    payments: Sequence[Payment],
    *,
    decision: Decision,
    arrival: Arrival,
    expected_version: int | None = None,
    answers_claims: bool = False,
) -> Receipt | None:
    """Book a receipt and settle locked payments with it in the order given; no receipt for an amount of zero.

    A payment that gets some of it is answered: its claim closes. With `answers_claims` (a decision about
    them) so is one that gets nothing; money that merely came in leaves such a claim waiting. Fills
    `arrival.settled` for the answer to the member.
    """
    touched = Touched()
    receipt = _book(session, workspace_id, contact_id, payer_id, amount, decision, arrival)
    if receipt is not None:
        touched.receipts_made.append(receipt.id)
    left_minor = amount.minor
    for payment in payments:
        part = min(left_minor, payment.amount_minor - payment.received_minor)
        is_answered = answers_claims and payment.status is Status.MEMBER_CONFIRMED
        if part == 0 and not is_answered:
            continue
        _settle(session, payment, receipt, part, decision, arrival, touched, expected_version)
        left_minor -= part
        touched = Touched()
    reschedule_payments(session, [payment.id for payment in payments], now=decision.now)
    return receipt


def _book(
    session: Session,
    workspace_id: int,
    contact_id: int,
    payer_id: int,
    amount: Money,
    decision: Decision,
    arrival: Arrival,
) -> Receipt | None:
    if amount.minor == 0:
        return None
    receipt = Receipt(
        workspace_id=workspace_id,
        contact_id=contact_id,
        payer_id=payer_id,
        group_id=arrival.group_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        direction=Direction.IN,
        received_on=arrival.received_on,
        method=arrival.method,
        source=arrival.source,
        note=arrival.note,
        attempt_id=arrival.attempt_id,
        created_at=decision.now,
    )
    session.add(receipt)
    session.flush()
    record_receipt_event(session, "receive", receipt, decision)
    return receipt


def record_receipt_event(
    session: Session,
    verb: str,
    receipt: Receipt,
    decision: Decision,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Append a line about a receipt: its amount, and what an act changed of it, as it was and is."""
    facts: dict[str, Any] = {"amount": receipt.amount_minor, "currency": receipt.currency}
    record(
        session,
        verb,
        by=decision.by,
        now=decision.now,
        workspace_id=receipt.workspace_id,
        group_id=receipt.group_id,
        subject_kind="receipt",
        subject_id=receipt.id,
        reason=decision.reason,
        before=before,
        after=facts | (after or {}),
        correlation_id=decision.correlation_id,
    )


def _settle(
    session: Session,
    payment: Payment,
    receipt: Receipt | None,
    part_minor: int,
    decision: Decision,
    arrival: Arrival,
    touched: Touched,
    expected_version: int | None,
) -> None:
    if receipt is not None and part_minor:
        allocate(session, receipt, payment, part_minor, touched, decision.now)
    # What came for another payment of the claim forgives no rest of this one.
    tolerance_minor = session.get_one(Group, payment.group_id).tolerance_minor if part_minor else 0
    standing = after_receiving(standing_of(payment), part_minor, tolerance_minor=tolerance_minor)
    state = AttemptState.CONFIRMED if standing.is_covered else AttemptState.PART_CONFIRMED
    close_claim_item(session, payment, state, touched, decision.now)
    target = Status.CONFIRMED if standing.is_covered else Status.PENDING
    move(
        session,
        payment,
        Act.CONFIRM,
        decision,
        target=target,
        standing=standing,
        touched=touched,
        expected_version=expected_version,
        facts={"allocated": part_minor},
    )
    arrival.settled.append(Settled(payment.id, part_minor, standing.left_minor))


def day_received(
    session: Session, workspace_id: int, received_on: date | None, now: datetime, *, said: date | None = None
) -> date:
    """Say on which day money came: as told, else as the member `said`, else today.

    A day of money is one by the workspace's clock, so that all its books keep one calendar. Whoever tells it,
    an admin or a member, may live where the next day has begun: that is today here. Only a day that has begun
    nowhere on Earth lies in the future; claims keep to the same rule.

    Raises:
        ReceivedInTheFuture, ReceivedTooLongAgo.
    """
    today = today_of_books(session, workspace_id, now)
    if received_on is None:
        return min(said or today, today)
    if not has_begun(received_on, now):
        raise ReceivedInTheFuture
    if received_on < EARLIEST:
        raise ReceivedTooLongAgo
    return min(received_on, today)


def today_of_books(session: Session, workspace_id: int, now: datetime) -> date:
    """Say which day it is by the workspace's clock, which is the one that its books keep."""
    return local_date(now, session.get_one(Workspace, workspace_id).time_zone)
