"""The ledger's moves: what confirming, rejecting, waiving and the rest are made of.

A status only changes here: by a conditional UPDATE, with its Event, under the lock of the contact
(`services.locks`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, ActorKind, credit_of
from substrack.domain.payments import ASKABLE, TRANSITIONS, Act, Standing, Status, WrongStatus
from substrack.services.access import NoSuchPayment
from substrack.services.correlation import new_correlation_id
from substrack.services.journal import record_payment
from substrack.services.locks import lock_contacts
from substrack.services.shown import flag_shown
from substrack.store import Event, Payment, User


class DecidedAlready(WrongStatus):
    """Somebody decided differently in the meantime: carries what, who (a user by name) and when."""

    def __init__(self, act: Act, status: Status, event: Event | None, name: str | None = None) -> None:
        super().__init__(act, status)
        self.verb = event.verb if event else None
        self.actor_kind = event.actor_kind if event else None
        self.actor_id = event.actor_id if event else None
        self.at = event.at if event else None
        if event is not None:
            who = name or f"the {event.actor_kind.value}"
            self.args = (
                f"{self} The last act was “{event.verb}”, by {who}, {event.at:%d %B %Y at %H:%M} UTC.",
            )


@dataclass(frozen=True)
class Decision:
    """Who acts, when and why; the correlation id joins all events and messages of it."""

    by: Actor
    now: datetime
    reason: str | None = None
    correlation_id: str = field(default_factory=new_correlation_id)

    def taken_by(self, actor: Actor) -> Decision:
        """The same decision in another actor's name, as when credit settles in its course."""
        return Decision(actor, self.now, self.reason, self.correlation_id)

    def without_reason(self) -> Decision:
        """The same decision for what follows from it elsewhere, for which its reason says nothing."""
        return Decision(self.by, self.now, None, self.correlation_id)


@dataclass
class Touched:
    """The rows besides the payment that one move made or closed, so that an undo can put them back."""

    receipts_made: list[int] = field(default_factory=list)
    receipts_voided: list[int] = field(default_factory=list)
    allocations_made: list[int] = field(default_factory=list)
    allocations_voided: list[int] = field(default_factory=list)
    items_closed: list[int] = field(default_factory=list)

    def as_dict(self) -> dict[str, list[int]]:
        """Give the rows that were touched, for the Event."""
        return {name: keys for name, keys in vars(self).items() if keys}


def locked_payment(session: Session, payment_id: int) -> Payment:
    """Lock a payment's contact and load the payment as it is now.

    Raises:
        NoSuchPayment: there is none, or it is voided.
    """
    payments = locked_payments(session, [payment_id])
    if not payments:
        raise NoSuchPayment
    return payments[0]


def locked_payments(session: Session, payment_ids: Collection[int]) -> list[Payment]:
    """Lock the contacts of payments and load those not voided as they are now, oldest first."""
    owners = session.scalars(select(Payment.contact_id).where(Payment.id.in_(payment_ids)))
    lock_contacts(session, owners)
    return payments_now(session, Payment.id.in_(payment_ids))


def payments_now(session: Session, *conditions: ColumnElement[bool]) -> list[Payment]:
    """Load payments that are not voided, fresh from the database, oldest first (due date, then key)."""
    query = select(Payment).where(Payment.voided_at.is_(None), *conditions)
    return list(
        session.scalars(query.order_by(Payment.due_on, Payment.id).execution_options(populate_existing=True))
    )


def standing_of(payment: Payment) -> Standing:
    """Return the money side of a payment."""
    return Standing(payment.amount_minor, payment.received_minor, payment.written_off_minor)


def snapshot(payment: Payment) -> dict[str, Any]:
    """Describe a payment for `before` and `after` of an Event: what a decision can change."""
    return {
        "status": payment.status.value,
        "amount": payment.amount_minor,
        "received": payment.received_minor,
        "written_off": payment.written_off_minor,
        "is_fixed": payment.is_fixed,
        "version": payment.version,
    }


def move(
    session: Session,
    payment: Payment,
    act: Act,
    decision: Decision,
    *,
    target: Status | None = None,
    standing: Standing | None = None,
    touched: Touched | None = None,
    expected_version: int | None = None,
    facts: dict[str, Any] | None = None,
    **values: Any,
) -> Event:
    """Change a payment by one conditional UPDATE and write its Event.

    Without a target the status stays. Becoming pending starts the waiting for requests and lapse afresh, with
    a round of requests of its own; a status that closes takes the payment out of time's hands (callers
    reschedule the others).

    Raises:
        DecidedAlready: the status or version is not what this act needs.
    """
    before = snapshot(payment) | _times(payment)
    if standing is not None:
        values["amount_minor"] = standing.amount_minor
        values["received_minor"] = standing.received_minor
        values["written_off_minor"] = standing.written_off_minor
    if target is not None:
        values |= {"status": target} | _on_arrival(payment.status, target, decision.now)
    version = payment.version if expected_version is None else expected_version
    if not _change(session, payment, act, version, values):
        raise decided_already(session, payment, act)
    session.refresh(payment)
    flag_shown(session, [payment.id], now=decision.now)
    after = snapshot(payment) | (facts or {}) | _rows(touched)
    return record_payment(
        session,
        act.value,
        payment,
        by=decision.by,
        now=decision.now,
        reason=decision.reason,
        before=before,
        after=after,
        correlation_id=decision.correlation_id,
    )


def _times(payment: Payment) -> dict[str, Any]:
    """Describe what a status brings along and an undo puts back."""
    return {
        "pending_at": payment.pending_at.isoformat(),
        "requests_before": payment.requests_before,
        "exhausted_at": payment.exhausted_at.isoformat() if payment.exhausted_at else None,
        "closed_at": payment.closed_at.isoformat() if payment.closed_at else None,
    }


def _change(session: Session, payment: Payment, act: Act, version: int, values: dict[str, Any]) -> bool:
    """Change a live payment if it is of this version and in a status that the act may begin from."""
    changed = session.execute(
        update(Payment)
        .where(
            Payment.id == payment.id,
            Payment.status.in_(TRANSITIONS[act].sources),
            Payment.voided_at.is_(None),
            Payment.version == version,
        )
        .values(version=Payment.version + 1, **values)
        .returning(Payment.id)
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None


def settle_if_covered(session: Session, payment: Payment, decision: Decision) -> None:
    """Confirm a payment that became pending with nothing left to pay; nobody is asked for nothing.

    It happens when the amount was lowered to what had come while a claim waited.
    """
    if payment.status is Status.PENDING and standing_of(payment).is_covered:
        credit = decision.taken_by(credit_of(decision.by))
        move(session, payment, Act.CONFIRM, credit, target=Status.CONFIRMED)


def decided_already(session: Session, payment: Payment, act: Act) -> DecidedAlready:
    """Say what was decided about a payment last, and by whom."""
    session.refresh(payment)
    last = _last_act(session, payment)
    return DecidedAlready(act, payment.status, last, _name_of_user(session, last))


def is_last_act(session: Session, payment: Payment, act: Act, *, like: Decision | None = None) -> bool:
    """Tell whether this was done to a payment last, by the same actor for the same reason if `like` is given.

    What credit settled in the course of it is part of it.
    """
    last = _last_act(session, payment)
    if last is None:
        return False
    same = [Event.payment_id == payment.id, Event.correlation_id == last.correlation_id]
    if like is not None:
        same += [Event.actor_kind == like.by.kind, Event.actor_id == like.by.id, Event.reason == like.reason]
    return session.scalar(select(Event.id).where(*same, Event.verb == act.value).limit(1)) is not None


def _last_act(session: Session, payment: Payment) -> Event | None:
    acts = select(Event).where(Event.payment_id == payment.id, Event.verb.in_([act.value for act in Act]))
    return session.scalar(acts.order_by(Event.id.desc()).limit(1))


def _name_of_user(session: Session, event: Event | None) -> str | None:
    if event is None or event.actor_kind is not ActorKind.USER:
        return None
    user = session.get(User, event.actor_id)
    return user.name if user else None


def _on_arrival(source: Status, target: Status, now: datetime) -> dict[str, Any]:
    """What goes with a new status: since when it is pending, in which round of requests, when it closed."""
    values: dict[str, Any] = {"closed_at": None if target in ASKABLE else now}
    if target is Status.MEMBER_CONFIRMED:
        values["closed_at"] = None
    if target is Status.PENDING and source is not Status.PENDING:
        values |= {"pending_at": now, "nudged_at": None}
        values |= {"requests_before": Payment.requests_sent, "exhausted_at": None}
    return values


def _rows(touched: Touched | None) -> dict[str, Any]:
    rows = touched.as_dict() if touched else {}
    return {"rows": rows} if rows else {}
