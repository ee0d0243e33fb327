"""Decisions about a whole claim: everything one press named, confirmed or rejected together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, Via
from substrack.domain.claims import TOO_QUICK
from substrack.domain.errors import NotFound
from substrack.domain.money import Money
from substrack.domain.payments import Act, check_actor
from substrack.queries.claim_sums import load_sums
from substrack.services.access import check_admin
from substrack.services.answers import queue_received, queue_rejected
from substrack.services.credit import apply_credit, apply_credits
from substrack.services.deciding import check_arrived, check_versions, clean_reason, reject_one
from substrack.services.ledger import Decision, payments_now
from substrack.services.locks import lock_contacts
from substrack.services.schedule import reschedule_payments
from substrack.services.settling import Arrival, day_received, receive
from substrack.store import Attempt, AttemptItem, AttemptState, Message, Payment


class NoSuchClaim(NotFound):
    """There is no such claim."""

    def __init__(self) -> None:
        super().__init__("There is no such claim.")


class ClaimDecided(NotFound):
    """Nothing of the claim waits any more."""

    def __init__(self) -> None:
        super().__init__("This claim was decided or withdrawn in the meantime; nothing was changed.")


@dataclass(frozen=True)
class ClaimOutcome:
    """The payments of a claim after a decision, and the correlation id that undoes it."""

    attempt: Attempt
    payments: Sequence[Payment]
    correlation_id: str


@dataclass(frozen=True)
class HeldClaim:
    """A claim under lock, with the versions (payment key → version) of what waits of it."""

    attempt_id: int
    versions: dict[int, int]


def confirm_claim(
    session: Session,
    attempt_id: int,
    *,
    amount: Money | None = None,
    received_on: date | None = None,
    by: Actor,
    now: datetime,
    versions: dict[int, int] | None = None,
) -> ClaimOutcome:
    """Confirm a whole claim with one receipt over the sum it states, or over `amount`, oldest payment first.

    What was booked of that sum before is taken off (see `domain.claims.stands_for`); when that was all of it
    there is no receipt. A smaller sum answers every payment of the claim: covered ones are confirmed, the
    others pending for the rest, which the member's credit then settles as far as it goes. `versions` (payment
    key → version shown) refuses the decision when something changed since it was shown.

    Raises:
        NoSuchClaim, ClaimDecided, NotAllowed, NothingArrived, OtherCurrencyReceived, DecidedAlready,
        ReceivedInTheFuture, ReceivedTooLongAgo.
    """
    check_actor(Act.CONFIRM, by)
    attempt, payments = _open_claim(session, attempt_id, by)
    check_versions(session, payments, versions, Act.CONFIRM)
    _flag_quick_press(session, attempt, by, now)
    expected = load_sums(session, [attempt.id])[attempt.id]
    money = amount or expected
    check_arrived(money, payments, expected=expected)
    decision = Decision(by, now)
    day = day_received(session, attempt.workspace_id, received_on, now, said=attempt.paid_on)
    arrival = Arrival(day, method=attempt.method, attempt_id=attempt.id)
    receipt = receive(
        session,
        attempt.workspace_id,
        attempt.contact_id,
        attempt.payer_id,
        money,
        payments,
        decision=decision,
        arrival=arrival,
        answers_claims=True,
    )
    by_credit = apply_credit(session, attempt.contact_id, attempt.payer_id, decision, just_came=receipt)
    queue_received(session, attempt.contact_id, arrival.settled, by_credit, receipt, decision)
    return ClaimOutcome(attempt, payments, decision.correlation_id)


def reject_claim(
    session: Session,
    attempt_id: int,
    *,
    reason: str,
    by: Actor,
    now: datetime,
    versions: dict[int, int] | None = None,
) -> ClaimOutcome:
    """Reject everything of a claim that still waits; the member gets one answer with the reason.

    Credit of theirs that waited for the claim settles it as far as it goes.

    Raises:
        NoSuchClaim, ClaimDecided, NotAllowed, ReasonMissing, DecidedAlready.
    """
    check_actor(Act.REJECT, by)
    decision = Decision(by, now, clean_reason(reason))
    attempt, payments = _open_claim(session, attempt_id, by)
    check_versions(session, payments, versions, Act.REJECT)
    _flag_quick_press(session, attempt, by, now)
    for payment in payments:
        reject_one(session, payment, decision, None)
    queue_rejected(session, payments, decision)
    apply_credits(session, [(attempt.contact_id, attempt.payer_id)], decision.without_reason)
    reschedule_payments(session, [payment.id for payment in payments], now=now)
    return ClaimOutcome(attempt, payments, decision.correlation_id)


def hold_claims(session: Session, public_ids: Sequence[str]) -> dict[str, HeldClaim]:
    """Lock several claims for one decision about all of them, in their order, without those that are gone.

    What was read of them before is read anew from then on.
    """
    query = select(Attempt.public_id, Attempt.id, Attempt.contact_id).where(Attempt.public_id.in_(public_ids))
    found = {row.public_id: row for row in session.execute(query)}
    lock_contacts(session, {row.contact_id for row in found.values()})
    session.expire_all()
    waiting = (
        select(AttemptItem.attempt_id, Payment.id, Payment.version)
        .join(Payment, Payment.id == AttemptItem.payment_id)
        .where(
            AttemptItem.attempt_id.in_([row.id for row in found.values()]),
            AttemptItem.state == AttemptState.OPEN,
        )
    )
    versions: dict[int, dict[int, int]] = {}
    for attempt_id, payment_id, version in session.execute(waiting):
        versions.setdefault(attempt_id, {})[payment_id] = version
    ids = [(public_id, found[public_id].id) for public_id in public_ids if public_id in found]
    return {public_id: HeldClaim(key, versions.get(key, {})) for public_id, key in ids}


def _flag_quick_press(session: Session, attempt: Attempt, by: Actor, now: datetime) -> None:
    """Flag a claim that was decided by a mail's link within a minute of the mail: a scanner is that quick."""
    if by.via is not Via.LINK:
        return
    told_at = session.scalar(select(func.max(Message.sent_at)).where(Message.attempt_id == attempt.id))
    if told_at is not None and now - told_at < TOO_QUICK:
        attempt.flagged = True


def _open_claim(session: Session, attempt_id: int, by: Actor) -> tuple[Attempt, list[Payment]]:
    attempt = session.get(Attempt, attempt_id)
    if attempt is None:
        raise NoSuchClaim
    check_admin(session, by, attempt.workspace_id)
    lock_contacts(session, [attempt.contact_id])
    session.refresh(attempt)
    waiting = select(AttemptItem.payment_id).where(
        AttemptItem.attempt_id == attempt_id, AttemptItem.state == AttemptState.OPEN
    )
    payments = payments_now(session, Payment.id.in_(waiting))
    if not payments:
        raise ClaimDecided
    return attempt, payments
