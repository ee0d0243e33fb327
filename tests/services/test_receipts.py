"""Money that comes in: what it settles, what it leaves alone, and that nobody is asked for nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from substrack.domain.actors import Actor
from substrack.domain.errors import NotFound, Refused
from substrack.domain.money import Money, NegativeAmount
from substrack.domain.notices import Notice
from substrack.domain.payments import ReopenCause, Status
from substrack.queries.groups import UnknownGroup
from substrack.services.claim_decisions import confirm_claim
from substrack.services.claims import claim_payments, withdraw_claim
from substrack.services.contact_rows import UnknownContact
from substrack.services.credit import credit_minor
from substrack.services.ledger import DecidedAlready
from substrack.services.payments import (
    NothingOwed,
    adjust_payment,
    confirm_payment,
    reject_payment,
    reopen_payment,
    unwaive_payment,
    waive_payment,
)
from substrack.services.periods import open_next_period
from substrack.services.putting_off import snooze_payments
from substrack.services.receipts import apply_credit_now, record_receipt, void_receipt
from substrack.services.settling import ReceivedInTheFuture, ReceivedTooLongAgo
from substrack.store import Attempt, Event, Group, Member, Payment, Receipt
from tests.support.books import check_books
from tests.support.cast import Cast, at, make_stranger, money
from tests.support.statements import statements

NOW = at("2026-02-02")


@dataclass
class Scene:
    """Two open periods; ben owes 5.00 for either, and has said that he paid the second."""

    cast: Cast
    group: Group
    ben: Member

    def due(self, sequence: int = 1) -> Payment:
        return self.cast.payment_of(self.ben, sequence)

    def claim(self, *sequences: int) -> Attempt:
        keys, by = [self.due(sequence).id for sequence in sequences], Actor.contact(self.ben.contact_id)
        [attempt] = self.cast.do(claim_payments, self.ben.contact_id, keys, by=by, now=NOW)
        return attempt

    def decide(self, act: Callable[..., Any], **terms: Any) -> Any:
        return self.cast.do(act, self.due().id, by=self.cast.olga, now=NOW, **terms)

    def money_in(self, amount: str, **terms: Any) -> Any:
        chosen: dict[str, Any] = {
            "contact_id": self.ben.contact_id,
            "payer_id": self.cast.olga_contact,
            "amount": money(amount),
            "by": self.cast.olga,
            "now": NOW,
        }
        return self.cast.do(record_receipt, self.cast.workspace_id, **chosen | terms)

    def check(self) -> None:
        self.cast.read(check_books)


def make_scene(cast: Cast) -> Scene:
    group = cast.group(price="10.00")
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    cast.do(open_next_period, group.id, by=cast.olga, now=at("2026-02-01"))
    return Scene(cast, group, ben)


def test_money_leaves_a_claim_waiting_that_it_does_not_reach(scene: Scene) -> None:
    scene.claim(2)
    scene.money_in("5.00")
    assert [scene.due(k).status for k in (1, 2)] == [Status.CONFIRMED, Status.MEMBER_CONFIRMED]
    scene.check()


def test_money_answers_a_claim_that_it_reaches(scene: Scene) -> None:
    scene.claim(2)
    scene.money_in("6.00")
    assert (scene.due(2).status, scene.due(2).received_minor) == (Status.PENDING, 100)
    scene.check()


def test_a_decision_about_a_claim_answers_all_of_it(scene: Scene) -> None:
    attempt = scene.claim(1, 2)
    scene.cast.do(confirm_claim, attempt.id, amount=money("5.00"), by=scene.cast.olga, now=NOW)
    assert [scene.due(k).status for k in (1, 2)] == [Status.CONFIRMED, Status.PENDING]
    scene.check()


def test_the_rest_of_a_claim_brings_no_money_that_was_booked_before(scene: Scene) -> None:
    attempt = scene.claim(1, 2)
    scene.decide(confirm_payment)
    scene.cast.do(confirm_claim, attempt.id, by=scene.cast.olga, now=NOW)
    assert scene.due(2).status is Status.CONFIRMED
    receipts = select(func.sum(Receipt.amount_minor)).where(Receipt.source == "admin")
    assert scene.cast.read(lambda session: session.scalar(receipts)) == 1000
    scene.check()


def test_nobody_books_money_for_the_people_of_another_workspace(scene: Scene) -> None:
    zed = make_stranger(scene.cast.runtime)
    for terms in ({}, {"payer_id": zed.olga_contact}, {"contact_id": zed.olga_contact}):
        with pytest.raises(NotFound):
            scene.cast.do(
                record_receipt,
                zed.workspace_id,
                amount=money("5.00"),
                by=zed.olga,
                now=NOW,
                **{"contact_id": scene.ben.contact_id, "payer_id": scene.cast.olga_contact} | terms,
            )
    assert scene.due().status is Status.PENDING


def test_money_is_not_kept_for_a_group_of_another_workspace(scene: Scene) -> None:
    other = make_stranger(scene.cast.runtime).group("Zed's")
    with pytest.raises(NotFound):
        scene.money_in("5.00", group_id=other.id)


def test_money_is_not_kept_for_a_group_that_is_not_there(scene: Scene) -> None:
    with pytest.raises(UnknownGroup):
        scene.money_in("1.00", group_id=999)


def test_credit_of_nobody_is_not_applied(scene: Scene) -> None:
    with pytest.raises(UnknownContact):
        scene.cast.do(apply_credit_now, 999, scene.cast.olga_contact, by=scene.cast.olga, now=NOW)


@pytest.mark.parametrize("ends_by", ["reject", "withdraw", "confirm"])
def test_a_claim_on_what_is_paid_by_now_ends_confirmed(scene: Scene, ends_by: str) -> None:
    scene.decide(confirm_payment, amount=money("2.00"))
    scene.claim(1)
    scene.decide(adjust_payment, amount=money("2.00"), reason="half a month")
    if ends_by == "withdraw":
        by = Actor.contact(scene.ben.contact_id)
        scene.cast.do(withdraw_claim, scene.ben.contact_id, [scene.due().id], by=by, now=NOW)
    elif ends_by == "reject":
        scene.decide(reject_payment, reason="you need not")
    else:
        scene.decide(confirm_payment)
    assert (scene.due().status, scene.due().received_minor) == (Status.CONFIRMED, 200)
    scene.check()


def test_a_waived_payment_that_is_paid_by_now_comes_back_confirmed(scene: Scene) -> None:
    scene.decide(confirm_payment, amount=money("2.00"))
    scene.claim(1)
    scene.decide(adjust_payment, amount=money("2.00"), reason="half a month")
    scene.decide(waive_payment, reason="never mind")
    scene.decide(unwaive_payment)
    assert scene.due().status is Status.CONFIRMED
    scene.check()


def test_lowering_an_amount_reopens_nothing(scene: Scene) -> None:
    scene.decide(confirm_payment, amount=money("4.95"))
    scene.decide(adjust_payment, amount=money("4.97"), reason="typo")
    payment = scene.due()
    assert (payment.status, payment.received_minor, payment.written_off_minor) == (Status.CONFIRMED, 495, 2)
    scene.check()


def test_a_payment_of_nothing_is_not_asked_for_again(scene: Scene) -> None:
    scene.decide(adjust_payment, amount=money("0.00"), reason="gift")
    assert scene.due().status is Status.CONFIRMED
    with pytest.raises(NothingOwed):
        scene.decide(reopen_payment, because=ReopenCause.NEVER_CAME)


def test_who_comes_late_hears_the_decision_and_not_what_came_after(scene: Scene) -> None:
    scene.claim(1)
    scene.decide(reject_payment, reason="not there")
    by, until = Actor.contact(scene.ben.contact_id), NOW.date() + timedelta(days=3)
    scene.cast.do(snooze_payments, scene.ben.contact_id, [scene.due().id], until=until, by=by, now=NOW)
    with pytest.raises(DecidedAlready) as refusal:
        scene.decide(reject_payment, reason="another sum")
    assert (refusal.value.verb, refusal.value.actor_id) == ("reject", scene.cast.olga.id)


def test_answer_names_what_the_rest_of_the_money_settled(cast: Cast) -> None:
    ben = cast.join(cast.group(price="8.97", payer_included=False), "Ben")
    mia = cast.join(cast.group("Phone plan", price="2.00", payer_included=False), "Mia")
    cast.tick(at("2026-02-01"))
    cast.tick(at("2026-03-01"))
    february = cast.payment_of(ben, 1)
    outcome = cast.do(confirm_payment, february.id, amount=money("20.00"), by=cast.olga, now=at("2026-03-02"))
    [answer] = cast.messages(correlation_id=outcome.correlation_id)
    items = {item["payment_id"]: item["received_minor"] for item in answer.payload["items"]}
    assert items == {february.id: 897, cast.payment_of(ben, 2).id: 897}
    assert (answer.payload["credit_minor"], answer.notice.value) == (206, "received")
    assert cast.payment_of(mia).received_minor == 0


@pytest.mark.parametrize(
    ("day", "refusal"),
    [(date(2026, 2, 4), ReceivedInTheFuture), (date(1999, 12, 31), ReceivedTooLongAgo)],
)
def test_money_comes_neither_in_the_future_nor_in_another_century(
    scene: Scene, day: date, refusal: type[Refused]
) -> None:
    attempt = scene.claim(1)
    with pytest.raises(refusal):
        scene.money_in("5.00", received_on=day)
    with pytest.raises(refusal):
        scene.decide(confirm_payment, received_on=day)
    with pytest.raises(refusal):
        scene.cast.do(confirm_claim, attempt.id, received_on=day, by=scene.cast.olga, now=NOW)


def test_today_is_the_workspaces(scene: Scene) -> None:
    late = at("2026-02-02", hour=23)  # past midnight in Berlin
    assert scene.money_in("1.00", received_on=date(2026, 2, 3), now=late).received_on == date(2026, 2, 3)


def test_a_day_that_has_begun_elsewhere_is_today_here(scene: Scene) -> None:
    tomorrow = date(2026, 2, 3)
    assert scene.money_in("1.00", received_on=tomorrow).received_on == date(2026, 2, 2)
    early = at("2026-02-02", hour=9)  # tomorrow has not begun anywhere
    with pytest.raises(ReceivedInTheFuture):
        scene.money_in("1.00", received_on=tomorrow, now=early)


def test_money_that_settles_nothing_yet_is_told(scene: Scene) -> None:
    scene.money_in("10.00")
    scene.money_in("50.00")
    *_, answer = scene.cast.messages(contact_id=scene.ben.contact_id)
    text = scene.cast.text_of(answer)
    assert "Olga received your" in text
    assert "50.00" in text
    assert "kept as credit" in text


def test_who_prepaid_hears_once_what_their_credit_settled(scene: Scene) -> None:
    other = scene.cast.group("VPN", price="4.00", starts_on=date(2026, 4, 1))
    scene.cast.join(other, "Ben")
    scene.money_in("16.00")
    before = len(scene.cast.messages(contact_id=scene.ben.contact_id))
    scene.cast.tick(at("2026-04-01"))
    [answer] = scene.cast.messages(contact_id=scene.ben.contact_id)[before:]
    text = scene.cast.text_of(answer)
    assert (answer.notice, len(answer.payload["items"])) == (Notice.PART_RECEIVED, 2)
    assert "Your credit with Olga" in text
    assert "1.00 € is left" in text.replace("\xa0", " ") or "€1.00 is left" in text
    scene.check()


def test_credit_that_an_admin_applies_is_told(scene: Scene) -> None:
    scene.decide(confirm_payment)
    scene.money_in("10.00")
    scene.decide(reopen_payment, because=ReopenCause.NEVER_CAME)
    assert scene.due().status is Status.PENDING
    pair = (scene.ben.contact_id, scene.cast.olga_contact)
    assert scene.cast.do(apply_credit_now, *pair, by=scene.cast.olga, now=NOW) == 1
    assert scene.due().status is Status.CONFIRMED
    *_, answer = scene.cast.messages(contact_id=scene.ben.contact_id)
    assert "has settled this" in scene.cast.text_of(answer)
    assert "Nothing of your credit is left." in scene.cast.text_of(answer)


def test_what_is_left_of_credit_is_told_when_a_part_of_it_settles_something(scene: Scene) -> None:
    scene.money_in("50.00")
    scene.cast.tick(at("2026-04-01"))

    *_, answer = scene.cast.messages(contact_id=scene.ben.contact_id)
    text = scene.cast.text_of(answer)
    assert not answer.payload["receipt_minor"]
    assert " of your credit is left." in text
    assert "Nothing of your credit" not in text


@pytest.mark.parametrize(
    ("field", "text"), [("method", "x" * 200), ("note", "a\x00b"), ("note", "n" * 10_000), ("method", "a\nb")]
)
def test_what_is_written_about_money_is_clean_or_refused(scene: Scene, field: str, text: str) -> None:
    with pytest.raises(Refused) as of_receipt:
        scene.money_in("1.00", **{field: text})
    with pytest.raises(Refused) as of_decision:
        scene.decide(confirm_payment, **{field: text})
    assert of_receipt.value.field == of_decision.value.field == field
    assert scene.due().received_minor == 0


def test_money_taken_off_a_part_paid_payment_is_no_correction_of_its_amount(scene: Scene) -> None:
    shown = scene.due().version
    receipt = scene.money_in("2.00")
    scene.cast.do(void_receipt, receipt.id, reason="bounced", by=scene.cast.olga, now=NOW)
    query = select(Event).where(Event.payment_id == scene.due().id).order_by(Event.id.desc()).limit(1)
    line = scene.cast.read(lambda session: session.scalars(query).one())
    assert (line.verb, (line.before or {})["received"], (line.after or {})["received"]) == ("release", 200, 0)
    with pytest.raises(DecidedAlready) as late:
        scene.decide(confirm_payment, version=shown)
    assert late.value.verb == "release"
    scene.check()


@pytest.mark.parametrize("reason", ["", "\x00", "r" * 10_000])
def test_a_receipt_is_taken_back_for_a_reason_that_can_be_kept(scene: Scene, reason: str) -> None:
    receipt = scene.money_in("5.00")
    with pytest.raises(Refused) as refusal:
        scene.cast.do(void_receipt, receipt.id, reason=reason, by=scene.cast.olga, now=NOW)
    assert refusal.value.field == "reason"
    assert scene.due().status is Status.CONFIRMED


class TestTakenBack:
    def take_back(self, scene: Scene, receipt: Receipt) -> list[Notice]:
        """Void a receipt; return what ben is told from then on."""
        before = len(scene.cast.messages(contact_id=scene.ben.contact_id))
        scene.cast.do(void_receipt, receipt.id, reason="Was for pizza", by=scene.cast.olga, now=NOW)
        scene.check()
        return [one.notice for one in scene.cast.messages(contact_id=scene.ben.contact_id)[before:]]

    def test_who_was_told_that_it_came_is_told_why_it_is_taken_back(self, scene: Scene) -> None:
        receipt = scene.money_in("2.00")
        scene.cast.send(NOW + timedelta(minutes=1))

        assert self.take_back(scene, receipt) == [Notice.REJECTED]
        text = scene.cast.text_of(scene.cast.messages(contact_id=scene.ben.contact_id)[-1])
        text = text.replace("\xa0", " ")
        assert "Olga had noted that your 2.00 € of 2 February 2026 came, and has taken that back." in text
        assert "Was for pizza" in text
        assert "You said you had paid" not in text
        assert "February 2026" in text.split("So this is open again:")[1]

    def test_who_was_not_told_yet_hears_of_neither(self, scene: Scene) -> None:
        receipt = scene.money_in("2.00")

        assert self.take_back(scene, receipt) == []
        assert [one.state for one in scene.cast.messages(notice=Notice.PART_RECEIVED)] == ["cancelled"]

    def test_credit_that_is_taken_back_is_told_as_well(self, cast: Cast) -> None:
        ben = cast.join(cast.group(), "Ben")
        pay = {"contact_id": ben.contact_id, "payer_id": cast.olga_contact, "amount": money("9.00")}
        receipt = cast.do(record_receipt, cast.workspace_id, **pay, by=cast.olga, now=NOW)
        cast.send(NOW + timedelta(minutes=1))

        cast.do(void_receipt, receipt.id, reason="It bounced", by=cast.olga, now=NOW)

        text = cast.text_of(cast.messages(contact_id=ben.contact_id)[-1])
        assert "has taken that back" in text
        assert "open again" not in text


def test_no_amount_can_be_corrected_below_zero(scene: Scene) -> None:
    with pytest.raises(NegativeAmount):
        scene.decide(adjust_payment, amount=Money(-5, "EUR"), reason="x")


def test_credit_kept_for_a_group_settles_nothing_elsewhere(scene: Scene) -> None:
    other = scene.cast.group("Other", price="4.00", starts_on=date(2026, 4, 1))
    scene.cast.join(other, "Ben")
    scene.money_in("3.00", group_id=other.id)
    pair = (scene.ben.contact_id, scene.cast.olga_contact)
    assert scene.cast.do(apply_credit_now, *pair, by=scene.cast.olga, now=NOW) == 0
    assert [scene.due(k).received_minor for k in (1, 2)] == [0, 0]


def test_a_decision_costs_as_many_statements_after_thirty_receipts_as_after_one(scene: Scene) -> None:
    cast = scene.cast
    for _ in range(30):
        cast.do(open_next_period, scene.group.id, by=cast.olga, now=NOW)
    keys = [scene.due(sequence).id for sequence in range(1, 33)]
    counts = []
    for key in keys:
        with statements(cast.runtime) as seen:
            cast.do(confirm_payment, key, by=cast.olga, now=NOW)
        counts.append(len(seen))
    assert counts[1:] == counts[1:2] * 31


def test_credit_is_found_by_one_statement_however_many_receipts_there_are(scene: Scene) -> None:
    cast, counts = scene.cast, []
    for _ in range(3):
        for _ in range(10):
            scene.money_in("7.00")
        with statements(cast.runtime) as seen:
            credit = cast.read(lambda s: credit_minor(s, scene.ben.contact_id, cast.olga_contact, "EUR"))
        counts.append((len(seen), credit))
    assert counts == [(counts[0][0], minor) for minor in (6000, 13000, 20000)]
