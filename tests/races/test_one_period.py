"""Several clocks and several admins at one period: opened once, asked once, and the sum holds."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from substrack.domain.actors import Actor
from substrack.domain.errors import Refused
from substrack.domain.shares import SplitKind
from substrack.queries.undoing import correction_to_undo
from substrack.services.bill_undo import take_back_bill
from substrack.services.claims import claim_payments
from substrack.services.ledger import DecidedAlready
from substrack.services.payments import adjust_payment, confirm_payment
from substrack.services.periods import OpenedAlready, edit_period, open_next_period
from substrack.services.undo import TooLateToUndo, undo_decision
from substrack.services.voiding import NotVoid, PlaceTaken, restore_period, void_period
from substrack.store import Period
from tests.races.conftest import NOW, Race
from tests.races.crowd import all_at_once
from tests.support.books import check_books
from tests.support.cast import Cast, at, money

SPRING = at("2026-04-08")


def test_clocks_that_tick_at_once_open_each_period_and_ask_each_person_once(cast: Cast) -> None:
    for number in range(4):
        group = cast.group(f"Group {number}")
        for name in ("Ben", "Mia"):
            cast.join(group, name, shares_mailbox=True)
    all_at_once([lambda: cast.tick(SPRING)] * 4)
    counts = cast.read(
        lambda session: session.execute(
            select(Period.group_id, Period.sequence, func.count()).group_by(Period.group_id, Period.sequence)
        ).all()
    )
    assert [count for _group, _sequence, count in counts] == [1] * 12
    all_at_once([lambda: cast.tick(SPRING + timedelta(days=3))] * 4)
    asked = [message.contact_id for message in cast.messages(notice="request")]
    assert len(asked) == len(set(asked)) == 2
    cast.read(check_books)


def test_confirming_too_much_while_periods_open_ends_in_peace(race: Race) -> None:
    spare = [race.cast.join(race.group, name) for name in ("Cleo", "Dan", "Eve")]
    race.cast.tick(at("2026-03-01"))
    owed = [race.cast.payment_of(race.ben), race.cast.payment_of(race.mia)]
    owed += [race.cast.payment_of(member, sequence=2) for member in spare]

    def confirm(payment_id: int) -> Any:
        terms: dict[str, Any] = {"amount": money("20.00"), "by": race.cast.olga, "now": SPRING}
        return race.cast.do(confirm_payment, payment_id, **terms)

    answers = all_at_once(
        [
            *[lambda key=payment.id: confirm(key) for payment in owed],
            *[lambda: race.cast.tick(SPRING)] * 3,
        ]
    )
    assert not [answer for answer in answers if isinstance(answer, Refused)]
    race.check_books()


def test_two_corrections_of_one_period_keep_the_sum(race: Race) -> None:
    owed = [race.cast.payment_of(member) for member in (race.ben, race.mia)]

    def adjust(payment_id: int, amount: str) -> Any:
        terms: dict[str, Any] = {"amount": money(amount), "reason": "typo", "by": race.cast.olga}
        return race.cast.do(adjust_payment, payment_id, now=NOW, **terms)

    works = [
        lambda key=payment.id, amount=amount: adjust(key, amount)
        for payment in owed
        for amount in ("1.00", "2.50", "3.10", "0.50", "7.00")
    ]
    assert not [answer for answer in all_at_once(works) if isinstance(answer, Refused)]
    race.check_books()


def test_an_undo_beside_a_correction_keeps_the_sum(race: Race) -> None:
    ben, mia = (race.cast.payment_of(member) for member in (race.ben, race.mia))
    terms: dict[str, Any] = {"reason": "typo", "by": race.cast.olga, "now": NOW}
    first = race.cast.do(adjust_payment, ben.id, amount=money("1.00"), **terms)

    def undo() -> Any:
        return race.cast.do(undo_decision, first.correlation_id, by=race.cast.olga, now=NOW)

    def adjust() -> Any:
        return race.cast.do(adjust_payment, mia.id, amount=money("2.00"), **terms)

    answers = all_at_once([undo, adjust] * 4)
    refusals = {type(answer) for answer in answers if isinstance(answer, Refused)}
    assert refusals <= {TooLateToUndo, DecidedAlready}
    race.check_books()


def test_a_bill_is_taken_back_or_claimed_and_never_both(race: Race) -> None:
    pitch = race.cast.group("Pitch", split=SplitKind.VARIABLE)
    cleo = race.cast.join(pitch, "Cleo")
    race.cast.tick(NOW)
    query = select(Period.id).where(Period.group_id == pitch.id)
    key = race.cast.read(lambda session: session.scalars(query).one())
    terms: dict[str, Any] = {"by": race.cast.olga, "now": NOW}
    race.cast.do(edit_period, key, total=money("312.00"), **terms)
    bill = race.cast.read(lambda session: correction_to_undo(session, key)) or ""
    payment = race.cast.payment_of(cleo)

    def claim() -> Any:
        by = Actor.contact(cleo.contact_id)
        return race.cast.do(claim_payments, cleo.contact_id, [payment.id], by=by, now=NOW)

    def take_back() -> Any:
        return race.cast.do(take_back_bill, bill, **terms)

    answers = all_at_once([claim, take_back, lambda: race.cast.tick(NOW)] * 3)
    is_back = any(answer is True for answer in answers)
    live = race.cast.payments(group_id=pitch.id, voided_at=None)
    assert [one.status.value for one in live] == ([] if is_back else ["confirmed", "member_confirmed"])
    race.check_books()


def test_a_request_goes_out_once_however_many_clocks_tick(race: Race) -> None:
    for _ in range(2):
        all_at_once([lambda: race.cast.tick(at("2026-02-04"))] * 5)
    asked = [message.contact_id for message in race.cast.messages(notice="request")]
    assert sorted(map(str, asked)) == sorted(map(str, [race.ben.contact_id, race.mia.contact_id]))


def test_a_month_given_back_is_opened_once_however_many_reach_for_it(race: Race) -> None:
    slip, april = at("2026-03-02"), at("2026-04-01")
    terms: dict[str, Any] = {"by": race.cast.olga}
    race.cast.tick(at("2026-03-01"))
    early = race.cast.do(open_next_period, race.group.id, **terms, now=slip).id
    race.cast.do(void_period, early, reason="a slip", **terms, now=slip)

    def restore() -> Any:
        return race.cast.do(restore_period, early, **terms, now=april)

    def open_by_hand() -> Any:
        return race.cast.do(open_next_period, race.group.id, expected_sequence=3, **terms, now=april)

    answers = all_at_once([lambda: race.cast.tick(april), restore, open_by_hand] * 3)
    refusals = {type(answer) for answer in answers if isinstance(answer, Refused)}
    assert refusals <= {PlaceTaken, NotVoid, OpenedAlready}
    live = select(Period.starts_on).where(Period.voided_at.is_(None), Period.starts_on >= april.date())
    assert race.cast.read(lambda session: list(session.scalars(live))) == [april.date()]
    race.cast.tick(at("2026-05-01"))
    race.check_books()
