"""What all decisions share: the refusals, and the checks before anything is moved."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from substrack.domain.errors import Phrase, Refused
from substrack.domain.money import Money, NegativeAmount
from substrack.domain.payments import TRANSITIONS, Act, Status
from substrack.domain.wording import clean_text
from substrack.services.claim_items import close_claim_item
from substrack.services.ledger import (
    Decision,
    Touched,
    decided_already,
    is_last_act,
    move,
    settle_if_covered,
)
from substrack.store import AttemptState, Payment


class ReasonMissing(Refused):
    """The member will read why; without a reason there is nothing to read."""

    field = "reason"
    sentence: str = Phrase("Say why; the member will read it.")

    def __init__(self) -> None:
        super().__init__(self.sentence)


class ReasonForHistoryMissing(ReasonMissing):
    """A correction goes without a letter; its reason is for whoever asks later."""

    sentence = Phrase("Say why; it stands in the history.")


class NothingArrived(Refused):
    """A confirmation needs money; without any, reject or waive instead."""

    field = "amount"

    def __init__(self) -> None:
        super().__init__("Enter what arrived, more than zero. If nothing came, reject; to forgive it, waive.")


class OtherCurrencyReceived(Refused):
    """Money of one currency cannot settle a payment of another."""

    field = "amount"

    def __init__(self, currency: str) -> None:
        super().__init__(
            "This is owed in %(currency)s; enter the amount in that currency.", currency=currency
        )
        self.currency = currency


def check_arrived(money: Money, payments: Sequence[Payment], *, expected: Money) -> None:
    """Refuse money in another currency, and none while some is `expected` and something is left to pay.

    None is expected for a claim whose whole sum was booked with some of its payments: the others are settled
    with what came then.

    Raises:
        OtherCurrencyReceived, NothingArrived.
    """
    if money.currency != expected.currency:
        raise OtherCurrencyReceived(expected.currency)
    are_covered = all(payment.amount_minor == payment.received_minor for payment in payments)
    if money.minor < 0 or (money.minor == 0 and expected.minor and not are_covered):
        raise NothingArrived


def check_not_negative(amount: Money, field: str = "amount") -> None:
    """Refuse an amount below zero.

    Raises:
        NegativeAmount.
    """
    if amount.minor < 0:
        refusal = NegativeAmount("An amount cannot be negative; leave out the minus.", amount.major())
        refusal.field = field
        raise refusal


def is_repeated(session: Session, payment: Payment, act: Act, *, like: Decision | None = None) -> bool:
    """Tell whether an act is the last that was done; with `like` by the same actor for the same reason."""
    is_done = payment.status not in TRANSITIONS[act].sources
    return is_done and is_last_act(session, payment, act, like=like)


def check_source(session: Session, payment: Payment, act: Act) -> None:
    """Refuse an act that the payment's status does not allow.

    Raises:
        DecidedAlready.
    """
    if payment.status not in TRANSITIONS[act].sources:
        raise decided_already(session, payment, act)


def check_versions(
    session: Session, payments: Sequence[Payment], versions: dict[int, int] | None, act: Act
) -> None:
    """Refuse to decide about payments that changed since they were shown.

    Raises:
        DecidedAlready.
    """
    for payment in payments:
        if versions is not None and versions.get(payment.id) != payment.version:
            raise decided_already(session, payment, act)


def reject_one(session: Session, payment: Payment, decision: Decision, version: int | None) -> None:
    """Reject the claim on one locked payment; telling the member is the caller's."""
    touched = Touched()
    close_claim_item(session, payment, AttemptState.REJECTED, touched, decision.now, reason=decision.reason)
    move(
        session,
        payment,
        Act.REJECT,
        decision,
        target=Status.PENDING,
        touched=touched,
        expected_version=version,
    )
    settle_if_covered(session, payment, decision)


def clean_reason(text: str, missing: type[ReasonMissing] = ReasonMissing) -> str:
    """Return a reason in clean words.

    Raises:
        ReasonMissing (or what is given as `missing`), TextTooLong, CharacterRefused.
    """
    cleaned = clean_text(text, field="reason", maximum=500)
    if not cleaned:
        raise missing
    return cleaned
