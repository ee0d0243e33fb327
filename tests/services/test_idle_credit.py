"""Credit that waits for a claim, a waiver or a reopened payment: it moves once something is owed again."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.actors import Actor, ActorKind
from substrack.domain.notices import Notice
from substrack.domain.payments import Act, ReopenCause, Status
from substrack.services.claim_decisions import reject_claim
from substrack.services.claims import claim_payments, withdraw_claim
from substrack.services.credit import credit_minor
from substrack.services.payments import (
    confirm_payment,
    reject_payment,
    reopen_payment,
    unwaive_payment,
    waive_payment,
)
from substrack.services.periods import open_next_period
from substrack.services.receipts import record_receipt
from substrack.services.undo import undo_decision
from substrack.store import Event, Member
from tests.support.books import check_books
from tests.support.cast import Cast, at, money

OPENED, SAID, CAME, DECIDED = at("2026-02-01"), at("2026-02-02"), at("2026-02-03"), at("2026-02-04")


@pytest.fixture
def ben(cast: Cast) -> Member:
    """Make ben owe 9.00 for each of two periods."""
    group = cast.group()
    ben = cast.join(group, "Ben")
    cast.tick(OPENED)
    cast.do(open_next_period, group.id, by=cast.olga, now=OPENED)
    return ben


def claim(cast: Cast, ben: Member) -> int:
    keys, by = [cast.payment_of(ben).id], Actor.contact(ben.contact_id)
    [attempt] = cast.do(claim_payments, ben.contact_id, keys, by=by, now=SAID)
    return attempt.id


def money_comes(cast: Cast, ben: Member, amount: str) -> None:
    """Let money come that settles the second period first."""
    cast.do(
        record_receipt,
        cast.workspace_id,
        contact_id=ben.contact_id,
        payer_id=cast.olga_contact,
        amount=money(amount),
        payment_ids=[cast.payment_of(ben, 2).id],
        by=cast.olga,
        now=CAME,
    )


def standing(cast: Cast, ben: Member) -> tuple[Status, int, int]:
    """Tell of the first period its status and what came, and what is left of the credit."""
    cast.read(check_books)
    payment = cast.payment_of(ben)
    pair = (ben.contact_id, cast.olga_contact)
    credit = cast.read(lambda session: credit_minor(session, *pair, "EUR"))
    return payment.status, payment.received_minor, credit


def decide(cast: Cast, ben: Member, act: Callable[..., Any], sequence: int = 1, **terms: Any) -> Any:
    return cast.do(act, cast.payment_of(ben, sequence).id, by=cast.olga, now=DECIDED, **terms)


def reject_one(cast: Cast, ben: Member, _attempt_id: int) -> str:
    return str(decide(cast, ben, reject_payment, reason="not there").correlation_id)


def reject_all(cast: Cast, _ben: Member, attempt_id: int) -> str:
    terms = {"reason": "not there", "by": cast.olga, "now": DECIDED}
    return cast.do(reject_claim, attempt_id, **terms).correlation_id


@pytest.mark.parametrize("reject", [reject_one, reject_all])
def test_credit_that_waited_for_a_claim_settles_it_when_it_is_rejected(
    cast: Cast, ben: Member, reject: Callable[..., str]
) -> None:
    attempt_id = claim(cast, ben)
    money_comes(cast, ben, "50.00")
    assert standing(cast, ben) == (Status.MEMBER_CONFIRMED, 0, 4100)
    correlation_id = reject(cast, ben, attempt_id)
    assert standing(cast, ben) == (Status.CONFIRMED, 900, 3200)
    cast.do(undo_decision, correlation_id, by=cast.olga, now=DECIDED)
    assert standing(cast, ben) == (Status.MEMBER_CONFIRMED, 0, 4100)
    assert not {m.state.value for m in cast.messages(correlation_id=correlation_id)} - {"cancelled"}


def test_who_had_credit_is_asked_for_nothing_after_a_rejection(cast: Cast, ben: Member) -> None:
    attempt_id = claim(cast, ben)
    money_comes(cast, ben, "18.00")
    reject_all(cast, ben, attempt_id)
    cast.tick(at("2026-02-20"))
    assert cast.messages(notice=Notice.REQUEST) == []
    told = [m for m in cast.messages(notice=Notice.RECEIVED) if m.created_at == DECIDED]
    assert "Your credit with Olga has settled this." in cast.text_of(told[0], at("2026-02-20"))


def test_credit_settles_what_is_asked_for_again_after_a_waiver(cast: Cast, ben: Member) -> None:
    decide(cast, ben, waive_payment, reason="birthday")
    money_comes(cast, ben, "12.00")
    outcome = decide(cast, ben, unwaive_payment)
    assert standing(cast, ben) == (Status.PENDING, 300, 0)
    cast.do(undo_decision, outcome.correlation_id, by=cast.olga, now=DECIDED)
    assert standing(cast, ben) == (Status.WAIVED, 0, 300)


def hold_back_by_claim(cast: Cast, ben: Member) -> None:
    claim(cast, ben)


def hold_back_by_waiver(cast: Cast, ben: Member) -> None:
    decide(cast, ben, waive_payment, reason="birthday")


@pytest.mark.parametrize("amount", ["12.00", "50.00"])
@pytest.mark.parametrize(
    ("hold_back", "act", "terms"),
    [
        (hold_back_by_claim, reject_payment, {"reason": "not there"}),
        (hold_back_by_waiver, unwaive_payment, {}),
    ],
)
def test_a_second_press_is_calm_whatever_credit_settled_in_the_course_of_the_first(
    cast: Cast,
    ben: Member,
    hold_back: Callable[..., None],
    act: Callable[..., Any],
    terms: dict[str, Any],
    amount: str,
) -> None:
    hold_back(cast, ben)
    money_comes(cast, ben, amount)
    assert decide(cast, ben, act, **terms).changed
    stands = standing(cast, ben)

    assert not decide(cast, ben, act, **terms).changed

    assert standing(cast, ben) == stands


def test_money_that_was_for_something_else_settles_what_else_is_owed(cast: Cast, ben: Member) -> None:
    decide(cast, ben, confirm_payment, 2)
    outcome = decide(cast, ben, reopen_payment, 2, because=ReopenCause.SOMETHING_ELSE)
    assert standing(cast, ben) == (Status.CONFIRMED, 900, 0)
    assert cast.payment_of(ben, 2).status is Status.PENDING
    cast.do(undo_decision, outcome.correlation_id, by=cast.olga, now=DECIDED)
    assert standing(cast, ben) == (Status.PENDING, 0, 0)
    assert cast.payment_of(ben, 2).status is Status.CONFIRMED


def test_money_that_never_came_moves_no_credit(cast: Cast, ben: Member) -> None:
    decide(cast, ben, confirm_payment)
    money_comes(cast, ben, "18.00")
    decide(cast, ben, reopen_payment, because=ReopenCause.NEVER_CAME)
    assert standing(cast, ben) == (Status.PENDING, 0, 900)


def test_credit_settles_what_a_member_no_longer_claims_and_not_in_their_name(cast: Cast, ben: Member) -> None:
    claim(cast, ben)
    money_comes(cast, ben, "18.00")
    keys, by = [cast.payment_of(ben).id], Actor.contact(ben.contact_id)
    cast.do(withdraw_claim, ben.contact_id, keys, by=by, now=DECIDED)
    assert standing(cast, ben) == (Status.CONFIRMED, 900, 0)
    by_credit = select(Event).where(Event.payment_id == keys[0], Event.actor_kind == ActorKind.CREDIT)
    event = cast.read(lambda session: session.scalars(by_credit).one())
    assert (event.verb, event.actor_id) == (Act.CONFIRM, None)
