"""Claims: "I've paid", said once for all payments it names, and taken back while nobody has decided.

A press is one attempt and one notice to each admin. A second press on the same payments changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, ActorKind, Via
from substrack.domain.claims import TOO_QUICK
from substrack.domain.cycles import has_begun
from substrack.domain.errors import Refused
from substrack.domain.money import Money
from substrack.domain.notices import Notice
from substrack.domain.payments import ASKABLE, Act, PaymentKind, Status, check_actor
from substrack.domain.wording import clean_line, clean_text
from substrack.services.access import NoSuchPayment, check_owner
from substrack.services.claim_items import close_claim_item
from substrack.services.credit import apply_credits
from substrack.services.deciding import OtherCurrencyReceived
from substrack.services.ledger import (
    Decision,
    Touched,
    locked_payments,
    move,
    payments_now,
    settle_if_covered,
)
from substrack.services.locks import lock_contacts
from substrack.services.outbox import Draft, admin_contacts, queue
from substrack.services.schedule import reschedule_payments
from substrack.services.settling import EARLIEST
from substrack.store import Attempt, AttemptItem, AttemptState, Message, Payment

CLAIMS_A_DAY = 3
NOTICES_AN_HOUR = 10


class TooManyClaims(Refused):
    """The same payment was claimed and given back too often within a day."""

    def __init__(self) -> None:
        super().__init__("You have said so three times today. Give it a day, or write to the person you pay.")


class SeveralPayers(Refused):
    """One press is money on its way to one person in one currency."""

    def __init__(self) -> None:
        super().__init__(
            "These go to different people or in different currencies; say it for each by itself."
        )


class NothingClaimed(Refused):
    """A claim over nothing, or less."""

    field = "amount"

    def __init__(self) -> None:
        super().__init__("Enter what you paid; it must be more than zero.")


class PaidInTheFuture(Refused):
    """The day somebody says they paid lies ahead."""

    field = "paid_on"

    def __init__(self) -> None:
        super().__init__("The day you paid can't be in the future.")


class PaidTooLongAgo(Refused):
    """The day somebody says they paid is a slip."""

    field = "paid_on"

    def __init__(self) -> None:
        super().__init__("Choose a day from the year %(year)s on.", year=str(EARLIEST.year))


def claim_payments(
    session: Session,
    contact_id: int,
    payment_ids: Collection[int],
    *,
    by: Actor,
    now: datetime,
    amount: Money | None = None,
    paid_on: date | None = None,
    method: str | None = None,
    note: str | None = None,
    flagged: bool = False,
) -> list[Attempt]:
    """Record that a contact says they paid; returns the new attempts, none when nothing was left to claim.

    Payments to different payers or in different currencies become one attempt each. Only payments that are
    open and the contact's own are named; the rest of the press is ignored calmly, as are those the contact
    claimed three times today while others are left. Every admin gets one
    notice for each attempt, or a summary when more than ten came within the hour.

    Raises:
        NoSuchPayment: one of them is not this contact's.
        TooManyClaims: all of them were claimed three times today.
        PaidInTheFuture, PaidTooLongAgo, NotAllowed, NothingClaimed, OtherCurrencyReceived, TextRefused.
        SeveralPayers: one amount is given for several payers.
    """
    check_actor(Act.CLAIM, by)
    check_owner(session, by, contact_id)
    lock_contacts(session, [contact_id])
    payments = _claimable(session, contact_id, payment_ids)
    if by.kind is ActorKind.CONTACT:
        payments = _not_worn_out(session, payments, now)
    _check_day(paid_on, now)
    groups = _by_payer(payments)
    if amount is not None:
        _check_amount(amount, groups)
    terms = {
        "paid_on": paid_on,
        "method": clean_line(method, field="method") if method and method.strip() else None,
        "note": clean_text(note, field="note") or None if note else None,
        "flagged": flagged or _pressed_too_quickly(session, contact_id, by, now),
    }
    return [_claim(session, owed, amount, terms, Decision(by, now)) for owed in groups]


def withdraw_claim(
    session: Session, contact_id: int, payment_ids: Collection[int], *, by: Actor, now: datetime
) -> list[Payment]:
    """Take "I've paid" back for payments nobody has decided about; return those whose claim that ended.

    They are pending again, and credit that waited for the claim settles them as far as it goes.

    Raises:
        NotAllowed: the actor is neither the member nor an admin.
    """
    check_actor(Act.WITHDRAW, by)
    check_owner(session, by, contact_id)
    lock_contacts(session, [contact_id])
    payments = payments_now(
        session,
        Payment.contact_id == contact_id,
        Payment.id.in_(payment_ids),
        Payment.status == Status.MEMBER_CONFIRMED,
    )
    decision = Decision(by, now)
    for payment in payments:
        touched = Touched()
        close_claim_item(session, payment, AttemptState.WITHDRAWN, touched, now)
        move(session, payment, Act.WITHDRAW, decision, target=Status.PENDING, touched=touched)
        settle_if_covered(session, payment, decision)
    apply_credits(session, {(contact_id, payment.payer_id) for payment in payments}, decision.without_reason)
    reschedule_payments(session, [payment.id for payment in payments], now=now)
    return payments


def _claimable(session: Session, contact_id: int, payment_ids: Collection[int]) -> list[Payment]:
    named = locked_payments(session, payment_ids)
    if any(payment.contact_id != contact_id or payment.kind is PaymentKind.OWN for payment in named):
        raise NoSuchPayment
    return [payment for payment in named if payment.status in ASKABLE]


def _not_worn_out(session: Session, payments: list[Payment], now: datetime) -> list[Payment]:
    """Leave out what was claimed too often today; refuse when nothing else is there."""
    counts = session.execute(
        select(AttemptItem.payment_id, func.count())
        .join(Attempt, Attempt.id == AttemptItem.attempt_id)
        .where(
            AttemptItem.payment_id.in_([payment.id for payment in payments]),
            Attempt.made_at > now - timedelta(days=1),
        )
        .group_by(AttemptItem.payment_id)
    )
    worn_out = {payment_id for payment_id, count in counts if count >= CLAIMS_A_DAY}
    left = [payment for payment in payments if payment.id not in worn_out]
    if worn_out and not left:
        raise TooManyClaims
    return left


def _check_amount(amount: Money, groups: Sequence[Sequence[Payment]]) -> None:
    if len(groups) > 1:
        raise SeveralPayers
    if amount.minor <= 0:
        raise NothingClaimed
    if groups and amount.currency != groups[0][0].currency:
        raise OtherCurrencyReceived(groups[0][0].currency)


def _check_day(paid_on: date | None, now: datetime) -> None:
    if paid_on is not None and not has_begun(paid_on, now):
        raise PaidInTheFuture
    if paid_on is not None and paid_on < EARLIEST:
        raise PaidTooLongAgo


def _by_payer(payments: Sequence[Payment]) -> list[list[Payment]]:
    groups: dict[tuple[int, str], list[Payment]] = {}
    for payment in payments:
        groups.setdefault((payment.payer_id, payment.currency), []).append(payment)
    return list(groups.values())


def _claim(
    session: Session,
    payments: Sequence[Payment],
    amount: Money | None,
    terms: Mapping[str, object],
    decision: Decision,
) -> Attempt:
    first = payments[0]
    owed_minor = sum(payment.amount_minor - payment.received_minor for payment in payments)
    attempt = Attempt(
        workspace_id=first.workspace_id,
        contact_id=first.contact_id,
        payer_id=first.payer_id,
        amount_minor=owed_minor if amount is None else amount.minor,
        currency=first.currency,
        made_at=decision.now,
        via=decision.by.via,
        **terms,
    )
    session.add(attempt)
    session.flush()
    for payment in payments:
        session.add(AttemptItem(attempt_id=attempt.id, payment_id=payment.id))
        move(
            session,
            payment,
            Act.CLAIM,
            decision,
            target=Status.MEMBER_CONFIRMED,
            facts={"attempt": attempt.id},
            nudged_at=decision.now,
        )
    reschedule_payments(session, [payment.id for payment in payments], now=decision.now)
    _tell_admins(session, attempt, decision)
    return attempt


def _tell_admins(session: Session, attempt: Attempt, decision: Decision) -> None:
    drafts = [
        _notice(session, attempt, admin, decision) for admin in admin_contacts(session, attempt.workspace_id)
    ]
    queue(session, drafts, now=decision.now)


def _notice(session: Session, attempt: Attempt, admin_contact_id: int, decision: Decision) -> Draft:
    now = decision.now
    if _told_within_the_hour(session, admin_contact_id, now) < NOTICES_AN_HOUR:
        key, notice, due_at = f"claim:{attempt.public_id}:{admin_contact_id}", Notice.CLAIM_RECEIVED, now
        payload = {"attempt_id": attempt.id}
        attempt_id = attempt.id
    else:
        due_at = (now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
        key, notice = f"claims:{admin_contact_id}:{due_at:%Y%m%d%H}", Notice.CLAIMS_WAITING
        payload, attempt_id = {}, None
    return Draft(
        workspace_id=attempt.workspace_id,
        contact_id=admin_contact_id,
        notice=notice,
        dedupe_key=key,
        due_at=due_at,
        payload=payload,
        correlation_id=decision.correlation_id,
        attempt_id=attempt_id,
    )


def _told_within_the_hour(session: Session, contact_id: int, now: datetime) -> int:
    """Count the claims an admin was told of, by mail or in a chat or both ways."""
    found = session.scalar(
        select(func.count(Message.attempt_id.distinct())).where(
            Message.contact_id == contact_id,
            Message.notice == Notice.CLAIM_RECEIVED,
            Message.created_at > now - timedelta(hours=1),
        )
    )
    return int(found or 0)


def _pressed_too_quickly(session: Session, contact_id: int, by: Actor, now: datetime) -> bool:
    """Tell whether the press came within a minute of the mail: a scanner that submits forms is that quick.

    No scanner presses a button in a chat.
    """
    if by.kind is not ActorKind.CONTACT or by.via is Via.TELEGRAM:
        return False
    sent_at = session.scalar(select(func.max(Message.sent_at)).where(Message.contact_id == contact_id))
    return sent_at is not None and now - sent_at < TOO_QUICK
