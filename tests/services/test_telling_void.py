"""Claims about the letters that tell of a void: in how many statements, to whom, and of what money."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from substrack.domain.actors import Actor
from substrack.domain.payments import ReopenCause
from substrack.queries.pay_history import load_events, newest
from substrack.services import places, voiding
from substrack.services.asking_now import ask_people
from substrack.services.claims import claim_payments, withdraw_claim
from substrack.services.ledger import Decision
from substrack.services.payments import confirm_payment, reject_payment, reopen_payment
from substrack.services.periods import open_next_period
from substrack.services.putting_off import object_to_payments
from substrack.services.receipts import apply_credit_now, record_receipt
from substrack.services.telling_void import TakenOff, find_known, tell_void
from substrack.services.voiding import void_period
from substrack.store import Member
from tests.support.cast import Cast, at, money
from tests.support.statements import statements

VOIDED_AT = at("2026-02-06")


def test_letters_about_a_void_take_as_many_statements_for_many_as_for_few(cast: Cast) -> None:
    group = cast.group()
    for name in "abcdefghi":
        cast.join(group, name)
    cast.tick(at("2026-02-01"))
    payments = cast.payments(kind="dues")
    few, many = ([TakenOff(payment, False, 100) for payment in some] for some in (payments[:2], payments[2:]))

    def count(taken: list[TakenOff]) -> int:
        with cast.runtime.transaction() as session, statements(cast.runtime) as seen:
            find_known(session, [one.payment for one in taken])
            tell_void(session, cast.workspace_id, taken, Decision(cast.olga, VOIDED_AT, "a free month"))
        return len(seen)

    assert count(few) == count(many)
    assert len(cast.messages(notice="waived")) == len(payments)


@pytest.mark.parametrize(("price", "told"), [("20.00", ""), ("14.00", "3.00")])
def test_a_letter_about_a_void_that_waited_names_no_credit_that_is_spent(
    cast: Cast, price: str, told: str
) -> None:
    group = cast.group("Gym", "20.00")
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    payment = cast.payment_of(ben)
    cast.do(confirm_payment, payment.id, by=cast.olga, now=at("2026-02-02"))
    cast.do(void_period, payment.period_id, reason="closed", by=cast.olga, now=VOIDED_AT)
    [letter] = cast.messages(notice="waived")
    assert "10.00 € that had come for it is your credit." in cast.text_of(letter, VOIDED_AT)

    other = cast.group("Choir", price)
    cast.join(other, "Ben")
    cast.do(open_next_period, other.id, by=cast.olga, now=VOIDED_AT)
    cast.do(apply_credit_now, ben.contact_id, cast.olga_contact, by=cast.olga, now=VOIDED_AT)

    text = cast.text_of(letter, VOIDED_AT)
    assert "nothing is owed for it" in text
    assert "10.00 € that had come" not in text
    assert (f"{told} € that had come for it is your credit." in text) is bool(told)


@pytest.mark.parametrize("in_one", [False, True])
def test_two_letters_about_voids_name_no_credit_twice(cast: Cast, in_one: bool) -> None:
    ben = voided_twice(cast, in_one=in_one)
    assert told_of_credit(cast) == ["10.00", "10.00"]
    spend_ten(cast)
    assert told_of_credit(cast) == ["", "10.00"]
    other = {"contact_id": ben.contact_id, "payer_id": cast.olga_contact, "amount": money("30.00")}
    cast.do(record_receipt, cast.workspace_id, **other, by=cast.olga, now=VOIDED_AT)
    assert told_of_credit(cast) == ["", "10.00"]


@pytest.mark.parametrize("in_one", [False, True])
def test_a_letter_about_a_later_void_names_what_it_freed(cast: Cast, in_one: bool) -> None:
    voided_twice(cast, in_one=in_one, spends_between=True)
    assert told_of_credit(cast) == ["", "10.00"]


def voided_twice(cast: Cast, *, in_one: bool, spends_between: bool = False) -> Member:
    """Void two periods that ben had paid, 10.00 each, with one receipt or with two."""
    group = cast.group("Gym", "20.00")
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    cast.do(open_next_period, group.id, by=cast.olga, now=at("2026-02-01"))
    dues = [cast.payment_of(ben, sequence) for sequence in (1, 2)]
    for due in dues[:1] if in_one else dues:
        amount = money("20.00" if in_one else "10.00")
        cast.do(confirm_payment, due.id, amount=amount, by=cast.olga, now=at("2026-02-02"))
    for hours, due in enumerate(dues):
        voided_at = VOIDED_AT + timedelta(hours=hours)
        cast.do(void_period, due.period_id, reason="closed", by=cast.olga, now=voided_at)
        if spends_between and due is dues[0]:
            spend_ten(cast)
    return ben


def spend_ten(cast: Cast) -> None:
    """Let ben owe 10.00 elsewhere, which his credit settles."""
    choir = cast.group("Choir", "20.00")
    cast.join(choir, "Ben")
    cast.do(open_next_period, choir.id, by=cast.olga, now=VOIDED_AT)


def told_of_credit(cast: Cast) -> list[str]:
    """List what each letter about a void says to be credit."""
    texts = [cast.text_of(letter, VOIDED_AT) for letter in cast.messages(notice="waived")]
    found = [re.search(r"(\S+) € that had come for it is your credit", text) for text in texts]
    return [one[1] if one else "" for one in found]


def rejected(cast: Cast, ben: Member, now: datetime) -> None:
    payment, by = cast.payment_of(ben), Actor.contact(ben.contact_id)
    cast.do(claim_payments, ben.contact_id, [payment.id], by=by, now=now)
    cast.do(reject_payment, payment.id, reason="not there yet", by=cast.olga, now=now)


def taken_back(cast: Cast, ben: Member, now: datetime) -> None:
    payment, by = cast.payment_of(ben), Actor.contact(ben.contact_id)
    cast.do(claim_payments, ben.contact_id, [payment.id], by=by, now=now)
    cast.do(withdraw_claim, ben.contact_id, [payment.id], by=by, now=now)


def confirmed(cast: Cast, ben: Member, now: datetime) -> None:
    cast.do(confirm_payment, cast.payment_of(ben).id, by=cast.olga, now=now)


def objected(cast: Cast, ben: Member, now: datetime) -> None:
    payment, by = cast.payment_of(ben), Actor.contact(ben.contact_id)
    cast.do(object_to_payments, ben.contact_id, [payment.id], text="I left", by=by, now=now)


@pytest.mark.parametrize(
    ("act", "is_sent", "knows"),
    [
        (objected, False, True),
        (rejected, False, True),
        (rejected, True, True),
        (taken_back, False, True),
        (confirmed, False, False),
        (confirmed, True, True),
    ],
)
def test_whoever_had_said_or_heard_something_of_a_share_hears_that_it_is_void(
    cast: Cast, act: Callable[[Cast, Member, datetime], None], is_sent: bool, knows: bool
) -> None:
    group = cast.group()
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    act(cast, ben, at("2026-02-01", 11))
    if is_sent:
        cast.send(at("2026-02-01", 12))
    payment = cast.payment_of(ben)
    if act is confirmed:
        because, later = ReopenCause.NEVER_CAME, at("2026-02-01", 13)
        cast.do(reopen_payment, payment.id, because=because, by=cast.olga, now=later)

    cast.do(void_period, payment.period_id, reason="a slip", by=cast.olga, now=at("2026-02-02"))

    told = [letter.contact_id for letter in cast.messages(notice="waived")]
    assert told == ([ben.contact_id] if knows else [])
    assert lines_of(cast, ben) == (["void"] if knows else [])
    assert lines_of(cast, mia) == []


@pytest.mark.only_postgresql
def test_who_is_asked_while_a_period_is_being_voided_hears_that_it_is_void(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = cast.group()
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    payment = cast.payment_of(ben)
    cast.do(ask_people, cast.workspace_id, [ben.contact_id], by=cast.olga, now=VOIDED_AT)

    def give_back_places(*given: Any, **terms: Any) -> bool:
        cast.send(VOIDED_AT + timedelta(minutes=1))  # a worker, which had the request in hand
        return places.give_back_places(*given, **terms)

    monkeypatch.setattr(voiding, "give_back_places", give_back_places)
    cast.do(void_period, payment.period_id, reason="a slip", by=cast.olga, now=VOIDED_AT)

    assert [letter.contact_id for letter in cast.messages(notice="waived")] == [ben.contact_id]
    assert (lines_of(cast, ben), lines_of(cast, mia)) == (["void"], [])


def lines_of(cast: Cast, member: Member) -> list[str]:
    """List what the member's page tells of the past, the newest first."""
    return cast.read(
        lambda session: [event.verb for event in newest(load_events(session, member.contact_id))]
    )
