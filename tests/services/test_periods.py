"""Periods by an admin's hand: billed, corrected, voided, restored; and what that does to what people owe."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.actors import Actor
from substrack.domain.delivery import MessageState
from substrack.domain.errors import NotFound, Refused
from substrack.domain.notices import Notice
from substrack.domain.payments import NotAllowed, Status
from substrack.domain.shares import FixedAmountsOverTotal, PartPeriod, SplitKind
from substrack.queries.period_claims import load_period_claims
from substrack.queries.undoing import correction_to_undo
from substrack.services.claims import claim_payments
from substrack.services.credit import credit_minor
from substrack.services.deciding import OtherCurrencyReceived, ReasonForHistoryMissing, ReasonMissing
from substrack.services.groups import archive_group, pause_group
from substrack.services.members import add_member, edit_member, leave_group
from substrack.services.payments import adjust_payment, confirm_payment, waive_payment
from substrack.services.periods import (
    DueBeforeStart,
    GroupClosed,
    NoSuchPeriod,
    NothingToChange,
    PeriodChanged,
    PeriodVoided,
    edit_period,
    open_next_period,
)
from substrack.services.receipts import apply_credit_now
from substrack.services.undo import TooLateToUndo, undo_decision
from substrack.services.voiding import NotVoid, VoidAlready, restore_period, void_period
from substrack.store import Attempt, AttemptState, Event, Group, Member, Message, Payment, Period
from tests.support.books import check_books
from tests.support.cast import Cast, at, make_stranger, money

NOW = at("2026-02-02")


@dataclass
class Scene:
    """A group of three at 9.00: ben and mia owe 3.00 each, the rest is olga's."""

    cast: Cast
    group: Group
    ben: Member
    mia: Member

    @property
    def period(self) -> Period:
        query = select(Period).order_by(Period.id).limit(1)
        return self.cast.read(lambda session: session.scalars(query).one())

    def due(self, member: Member | None = None) -> Payment:
        return self.cast.payment_of(member or self.ben)

    def change(self, act: Callable[..., Any] = edit_period, **terms: Any) -> Any:
        chosen: dict[str, Any] = {"by": self.cast.olga, "now": NOW}
        return self.cast.do(act, self.period.id, **chosen | terms)

    def decide(self, act: Callable[..., Any], **terms: Any) -> Any:
        return self.cast.do(act, self.due().id, by=self.cast.olga, now=NOW, **terms)

    def claim(self) -> Attempt:
        by, keys = Actor.contact(self.ben.contact_id), [self.due().id]
        [attempt] = self.cast.do(claim_payments, self.ben.contact_id, keys, by=by, now=NOW)
        return attempt

    def correction(self) -> str | None:
        """Find what would be undone."""
        return self.cast.read(lambda session: correction_to_undo(session, self.period.id))

    def lines(self) -> list[Any]:
        """List what the journal says of the period itself."""
        query = select(Event).where(Event.subject_kind == "period", Event.subject_id == self.period.id)
        return self.cast.read(lambda session: list(session.scalars(query.order_by(Event.id))))

    def credit(self) -> int:
        pair = (self.ben.contact_id, self.cast.olga_contact)
        return self.cast.read(lambda session: credit_minor(session, *pair, "EUR"))

    def amounts(self) -> list[int]:
        """List what everybody owes, olga first."""
        return [payment.amount_minor for payment in self.cast.payments(voided_at=None)]

    def check(self) -> None:
        self.cast.read(check_books)


def make_scene(cast: Cast) -> Scene:
    group = cast.group(price="9.00")
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    return Scene(cast, group, ben, mia)


def test_a_corrected_total_is_shared_again(scene: Scene) -> None:
    scene.change(total=money("12.00"), reason="dearer")
    assert scene.amounts() == [400, 400, 400]
    scene.check()


def test_a_correction_knows_the_members_and_weights_of_the_opening(cast: Cast) -> None:
    group = cast.group(price="9.00", split=SplitKind.WEIGHTS)
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    scene = Scene(cast, group, ben, mia)
    cast.do(edit_member, ben.id, weight=5, by=cast.olga, now=NOW)
    cast.do(leave_group, mia.id, by=cast.olga, now=NOW)
    cast.do(add_member, group.id, name="Dan", by=cast.olga, now=NOW)
    scene.change(total=money("12.00"), reason="dearer")
    assert scene.amounts() == [400, 400, 400]


def test_a_correction_keeps_the_days_of_a_part_period(cast: Cast) -> None:
    group = cast.group(price="12.00", payer_included=False, part_period=PartPeriod.DAYS)
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia", joined_on=date(2026, 2, 15))
    cast.tick(at("2026-02-01"))
    scene = Scene(cast, group, ben, mia)
    assert scene.amounts() == [800, 400]
    scene.change(total=money("24.00"), reason="dearer")
    assert scene.amounts() == [1600, 800]


def test_what_was_set_by_hand_or_waived_stays(scene: Scene) -> None:
    scene.decide(adjust_payment, amount=money("1.00"), reason="half a month")
    scene.cast.do(waive_payment, scene.due(scene.mia).id, reason="birthday", by=scene.cast.olga, now=NOW)
    scene.change(total=money("12.00"), reason="dearer")
    assert scene.amounts() == [800, 100, 300]
    scene.check()


def test_a_higher_total_reopens_what_was_paid_and_a_lower_one_leaves_credit(scene: Scene) -> None:
    scene.decide(confirm_payment)
    scene.change(total=money("12.00"), reason="dearer")
    assert (scene.due().status, scene.due().received_minor) == (Status.PENDING, 300)
    scene.change(total=money("6.00"), reason="cheaper after all")
    assert (scene.due().status, scene.due().received_minor, scene.credit()) == (Status.CONFIRMED, 200, 100)
    scene.check()


def test_a_claim_goes_on_waiting_when_the_total_changes(scene: Scene) -> None:
    scene.claim()
    scene.change(total=money("12.00"), reason="dearer")
    assert (scene.due().status, scene.due().amount_minor) == (Status.MEMBER_CONFIRMED, 400)
    scene.check()


def test_a_total_below_the_fixed_amounts_changes_nothing(scene: Scene) -> None:
    scene.decide(adjust_payment, amount=money("4.00"), reason="more for ben")
    with pytest.raises(FixedAmountsOverTotal):
        scene.change(total=money("3.00"), reason="typo")
    assert scene.amounts() == [200, 400, 300]


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({}, NothingToChange),
        ({"total": money("1.00")}, ReasonMissing),
        ({"due_on": date(2026, 2, 20)}, ReasonMissing),
        ({"total": money("1.00", "USD"), "reason": "why"}, OtherCurrencyReceived),
        ({"due_on": date(2026, 1, 31), "reason": "why"}, DueBeforeStart),
        ({"total": money("1.00"), "reason": "why", "version": 7}, PeriodChanged),
        ({"total": money("1.00"), "reason": "why", "by": Actor.contact(1)}, NotAllowed),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(
    scene: Scene, terms: dict[str, Any], refusal: type[Refused]
) -> None:
    with pytest.raises(refusal):
        scene.change(**terms)
    assert scene.amounts() == [300, 300, 300]


def test_a_stranger_finds_no_period(scene: Scene) -> None:
    zed = make_stranger(scene.cast.runtime).olga
    for act, terms in (
        (edit_period, {"total": money("1.00"), "reason": "mine"}),
        (void_period, {"reason": "mine"}),
        (restore_period, {}),
    ):
        with pytest.raises(NotFound):
            scene.change(act, by=zed, **terms)
    with pytest.raises(NotFound):
        scene.cast.do(open_next_period, scene.group.id, by=zed, now=NOW)
    with pytest.raises(NoSuchPeriod):
        scene.cast.do(edit_period, 10**6, total=money("1.00"), by=scene.cast.olga, now=NOW)


def test_a_later_due_date_is_asked_for_later(scene: Scene) -> None:
    scene.change(due_on=date(2026, 2, 20), reason="the bank was slow")
    payment = scene.due()
    assert (payment.due_on, payment.asked_on) == (date(2026, 2, 20), date(2026, 2, 20))
    assert payment.next_action_at == at("2026-02-23", 9)


def test_the_bill_of_a_variable_period_needs_no_reason_and_its_correction_does(cast: Cast) -> None:
    group = cast.group(split=SplitKind.VARIABLE)
    scene = Scene(cast, group, cast.join(group, "Ben"), cast.join(group, "Mia"))
    cast.tick(at("2026-02-01"))
    scene.change(total=money("31.20"))
    assert scene.amounts() == [1040, 1040, 1040]
    with pytest.raises(ReasonMissing):
        scene.change(total=money("30.00"))
    scene.change(total=money("30.00"), reason="misread")
    assert scene.amounts() == [1000, 1000, 1000]
    scene.check()


def test_a_correction_beyond_the_bill_is_measured_by_the_bill_that_was_corrected_last(cast: Cast) -> None:
    group = cast.group(split=SplitKind.VARIABLE)
    scene = Scene(cast, group, cast.join(group, "Ben"), cast.join(group, "Mia"))
    cast.tick(at("2026-02-01"))
    unbilled = scene.period
    assert unbilled.billed_minor is None
    scene.change(total=money("31.20"))
    scene.change(total=money("30.00"), reason="misread")
    scene.decide(adjust_payment, amount=money("90.00"), reason="typo")
    assert (scene.period.total_minor, scene.period.billed_minor) == (10000, 3000)
    scene.decide(adjust_payment, amount=money("9.00"), reason="meant 9.00")
    assert (scene.period.total_minor, scene.amounts()) == (3000, [1100, 900, 1000])
    scene.check()


@pytest.mark.parametrize(("entered", "due"), [("2026-02-01", 3), ("2026-02-03", 3), ("2026-02-07", 7)])
def test_nothing_is_due_before_its_bill_came(cast: Cast, entered: str, due: int) -> None:
    group = cast.group(split=SplitKind.VARIABLE, due_days=2)
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    [period] = cast.read(lambda session: list(session.scalars(select(Period))))

    cast.do(edit_period, period.id, total=money("20.00"), by=cast.olga, now=at(entered))

    assert cast.payment_of(ben).due_on == date(2026, 2, due)
    moved = cast.read(lambda session: session.get_one(Period, period.id).due_on)
    assert moved == date(2026, 2, due)


def test_a_bill_of_nothing_is_a_bill(cast: Cast) -> None:
    group = cast.group(split=SplitKind.VARIABLE)
    scene = Scene(cast, group, cast.join(group, "Ben"), cast.join(group, "Mia"))
    cast.tick(at("2026-02-01"))
    scene.change(total=money("0.00"))
    assert scene.due().status is Status.CONFIRMED
    assert scene.period.billed_at == NOW
    scene.check()


@pytest.mark.parametrize("rests", [pause_group, archive_group])
def test_a_group_that_rests_opens_nothing_by_hand_either(scene: Scene, rests: Callable[..., Any]) -> None:
    scene.cast.do(rests, scene.group.id, by=scene.cast.olga, now=NOW)
    with pytest.raises(GroupClosed):
        scene.cast.do(open_next_period, scene.group.id, by=scene.cast.olga, now=NOW)


def test_a_void_period_counts_for_nothing_and_asks_nobody(scene: Scene) -> None:
    scene.change(void_period, reason="opened twice")
    assert scene.amounts() == []
    assert scene.cast.tick(at("2026-02-20")).messages_queued == 0
    with pytest.raises(PeriodVoided):
        scene.change(total=money("1.00"), reason="late")
    scene.check()


def test_voiding_closes_claims_and_leaves_money_as_credit_that_stays_put(scene: Scene) -> None:
    scene.cast.do(open_next_period, scene.group.id, by=scene.cast.olga, now=NOW)
    attempt = scene.claim()
    scene.decide(confirm_payment, amount=money("2.00"))
    scene.claim()
    scene.change(void_period, reason="opened twice")
    attempts = scene.cast.read(lambda session: list(session.scalars(select(Attempt).order_by(Attempt.id))))
    states = [AttemptState.PART_CONFIRMED, AttemptState.VOIDED]
    assert ([one.state for one in attempts], attempts[0].id) == (states, attempt.id)
    assert scene.credit() == 200
    assert scene.cast.payment_of(scene.ben, 2).received_minor == 0
    scene.check()


def test_a_restored_period_gets_its_money_back(scene: Scene) -> None:
    scene.decide(confirm_payment)
    before = scene.cast.payments()
    scene.change(void_period, reason="by mistake")
    scene.change(restore_period)
    after = scene.cast.payments()
    assert [(one.status, one.received_minor) for one in after] == [
        (one.status, one.received_minor) for one in before
    ]
    assert scene.credit() == 0
    assert scene.due(scene.mia).next_action_at is not None
    scene.check()


def test_a_restored_period_writes_off_what_was_written_off_before_and_no_more(scene: Scene) -> None:
    scene.cast.do(open_next_period, scene.group.id, by=scene.cast.olga, now=NOW)
    scene.decide(confirm_payment, amount=money("5.97"))  # credit of 2.97 settles most of the next
    scene.cast.do(confirm_payment, scene.due(scene.mia).id, amount=money("2.97"), by=scene.cast.olga, now=NOW)
    of_ben, of_mia = scene.cast.payment_of(scene.ben, 2), scene.due(scene.mia)
    for period_id in (of_ben.period_id, of_mia.period_id):
        scene.cast.do(void_period, period_id, reason="by mistake", by=scene.cast.olga, now=NOW)
        scene.cast.do(restore_period, period_id, by=scene.cast.olga, now=NOW)
    of_ben, of_mia = scene.cast.payment_of(scene.ben, 2), scene.due(scene.mia)
    assert (of_ben.status, of_ben.received_minor, of_ben.written_off_minor) == (Status.PENDING, 297, 0)
    assert (of_mia.status, of_mia.received_minor, of_mia.written_off_minor) == (Status.CONFIRMED, 297, 3)
    scene.check()


def test_money_used_elsewhere_in_the_meantime_does_not_come_back(scene: Scene) -> None:
    scene.cast.do(open_next_period, scene.group.id, by=scene.cast.olga, now=NOW)
    scene.decide(confirm_payment)
    scene.change(void_period, reason="by mistake")
    scene.cast.do(
        apply_credit_now, scene.ben.contact_id, scene.cast.olga_contact, by=scene.cast.olga, now=NOW
    )
    scene.change(restore_period)
    assert (scene.due().status, scene.due().received_minor) == (Status.PENDING, 0)
    assert scene.cast.payment_of(scene.ben, 2).status is Status.CONFIRMED
    scene.check()


def test_a_claim_that_a_void_closed_waits_again(scene: Scene) -> None:
    attempt = scene.claim()
    scene.change(void_period, reason="by mistake")
    scene.change(restore_period)
    assert scene.due().status is Status.MEMBER_CONFIRMED
    assert scene.cast.read(lambda session: session.get_one(Attempt, attempt.id)).state is AttemptState.OPEN
    scene.check()
    scene.decide(confirm_payment)
    assert scene.due().status is Status.CONFIRMED
    scene.check()


def test_a_waived_payment_comes_back_waived(scene: Scene) -> None:
    scene.decide(waive_payment, reason="birthday")
    scene.change(void_period, reason="by mistake")
    scene.change(restore_period)
    assert scene.due().status is Status.WAIVED
    scene.check()


def test_nobody_is_promised_that_the_member_reads_why_a_correction_was_made(scene: Scene) -> None:
    words = "it stands in the history"
    with pytest.raises(ReasonForHistoryMissing, match=words):
        scene.decide(adjust_payment, amount=money("1.00"), reason="")
    with pytest.raises(ReasonForHistoryMissing, match=words):
        scene.change(total=money("12.00"))
    with pytest.raises(ReasonForHistoryMissing, match=words):
        scene.change(void_period, reason="")


def test_voiding_and_restoring_twice_is_refused(scene: Scene) -> None:
    with pytest.raises(ReasonMissing):
        scene.change(void_period, reason=" ")
    with pytest.raises(NotVoid):
        scene.change(restore_period)
    scene.change(void_period, reason="by mistake")
    with pytest.raises(VoidAlready):
        scene.change(void_period, reason="by mistake")


def test_a_void_period_does_not_open_again_by_itself(scene: Scene) -> None:
    scene.change(void_period, reason="a free month")
    scene.cast.tick(at("2026-03-01"))
    sequences = scene.cast.read(
        lambda session: list(session.scalars(select(Period.sequence).where(Period.voided_at.is_(None))))
    )
    assert sequences == [2]


def test_what_a_lower_total_frees_settles_what_else_is_owed_and_the_member_hears(scene: Scene) -> None:
    scene.cast.do(open_next_period, scene.group.id, by=scene.cast.olga, now=NOW)
    scene.decide(confirm_payment)
    scene.change(total=money("6.00"), reason="a discount")
    next_one = scene.cast.payment_of(scene.ben, 2)
    assert (scene.due().amount_minor, scene.due().status) == (200, Status.CONFIRMED)
    assert (next_one.received_minor, scene.credit()) == (100, 0)
    told = scene.cast.messages(contact_id=scene.ben.contact_id)[-1]
    assert told.payload["items"] == [
        {"payment_id": next_one.id, "received_minor": 100, "left_minor": 200, "credit_minor": 100}
    ]
    scene.check()


def test_a_higher_total_is_settled_from_credit_there_is(scene: Scene) -> None:
    scene.decide(confirm_payment, amount=money("4.00"))
    scene.change(total=money("12.00"), reason="a new price")
    assert (scene.due().amount_minor, scene.due().status) == (400, Status.CONFIRMED)
    assert scene.credit() == 0
    scene.check()


def test_a_corrected_total_can_be_undone_with_all_that_followed(scene: Scene) -> None:
    scene.cast.do(open_next_period, scene.group.id, by=scene.cast.olga, now=NOW)
    scene.decide(confirm_payment)
    before = [(one.amount_minor, one.received_minor, one.status) for one in scene.cast.payments()]
    scene.change(total=money("5.00"), reason="a slip")
    told = scene.cast.messages(contact_id=scene.ben.contact_id)[-1]
    edited = scene.cast.read(lambda session: correction_to_undo(session, scene.period.id))
    assert edited is not None
    scene.cast.do(undo_decision, edited, by=scene.cast.olga, now=NOW)
    after = [(one.amount_minor, one.received_minor, one.status) for one in scene.cast.payments()]
    assert after == before
    period = scene.period
    assert (period.total_minor, period.billed_minor, period.payer_part_minor) == (900, 900, 300)
    assert scene.credit() == 0
    assert scene.cast.read(lambda session: session.get_one(Message, told.id)).state == "cancelled"
    scene.check()


def test_an_undone_correction_has_its_line_and_is_not_offered_again(scene: Scene) -> None:
    for member in (scene.ben, scene.mia):
        key = scene.due(member).id
        scene.cast.do(adjust_payment, key, amount=money("2.00"), reason="x", by=scene.cast.olga, now=NOW)
    scene.change(total=money("12.00"), reason="a slip")
    edited = scene.correction()
    assert edited is not None
    scene.cast.do(undo_decision, edited, by=scene.cast.olga, now=NOW)

    *_, line = scene.lines()
    assert (line.verb, line.actor_id, line.before, line.after) == (
        "undo",
        scene.cast.olga.id,
        {"total": 1200, "billed": 1200, "payer_part": 800, "version": 5},
        {"total": 900, "billed": 900, "payer_part": 500, "version": 6, "undone": line.after["undone"]},
    )
    assert [event.id for event in scene.lines() if event.correlation_id == edited] == line.after["undone"]
    assert scene.correction() is None
    with pytest.raises(TooLateToUndo):
        scene.cast.do(undo_decision, edited, by=scene.cast.olga, now=NOW)
    scene.check()


def test_what_an_undone_amount_did_to_the_period_has_its_line(scene: Scene) -> None:
    done = scene.decide(adjust_payment, amount=money("20.00"), reason="typo")
    scene.cast.do(undo_decision, done.correlation_id, by=scene.cast.olga, now=NOW)
    *_, line = scene.lines()
    assert (line.verb, line.after["total"], line.after["payer_part"]) == ("undo", 900, 300)


def test_an_undo_knows_the_bill_of_what_was_written_before_there_was_one(scene: Scene) -> None:
    scene.change(total=money("12.00"), reason="a slip")
    edited = scene.correction()
    with scene.cast.runtime.transaction() as session:
        for event in session.scalars(select(Event).where(Event.correlation_id == edited)):
            drop = ("billed", "pending_at", "requests_before", "exhausted_at", "closed_at")
            event.before, event.after = (
                {name: value for name, value in (facts or {}).items() if name not in drop}
                for facts in (event.before, event.after)
            )
    scene.cast.do(undo_decision, edited, by=scene.cast.olga, now=NOW)
    assert (scene.period.total_minor, scene.period.billed_minor, scene.amounts()) == (900, 900, [300] * 3)
    scene.check()


def test_a_correction_of_which_a_part_changed_since_is_not_undone(scene: Scene) -> None:
    scene.change(total=money("5.00"), reason="a slip")
    edited = scene.cast.read(lambda session: correction_to_undo(session, scene.period.id))
    scene.change(total=money("6.00"), reason="better")
    with pytest.raises(TooLateToUndo):
        scene.cast.do(undo_decision, edited, by=scene.cast.olga, now=NOW)
    assert scene.period.total_minor == 600
    scene.check()


@pytest.mark.parametrize("terms", [{}, {"total": money("8.00")}])
def test_a_moved_due_date_is_not_put_back_by_undo(scene: Scene, terms: dict[str, Any]) -> None:
    scene.change(due_on=date(2026, 2, 20), reason="later", **terms)
    edited = scene.cast.read(
        lambda session: session.scalars(select(Event).where(Event.verb == "edit_period")).one()
    )
    with pytest.raises(TooLateToUndo):
        scene.cast.do(undo_decision, edited.correlation_id, by=scene.cast.olga, now=NOW)
    assert scene.cast.read(lambda session: correction_to_undo(session, scene.period.id)) is None


def asked(scene: Scene) -> None:
    """Let the first requests go out."""
    scene.cast.tick(at("2026-02-05"))
    assert scene.cast.send(at("2026-02-05"))


def void_letters(scene: Scene) -> list[Message]:
    return scene.cast.messages(notice=Notice.WAIVED)


@pytest.mark.parametrize("paid", [False, True])
def test_whoever_claimed_or_was_asked_or_paid_hears_once_that_a_period_is_void(
    scene: Scene, paid: bool
) -> None:
    asked(scene)
    if paid:
        scene.decide(confirm_payment)
    else:
        scene.claim()

    scene.change(void_period, reason="a free month", now=at("2026-02-06"))

    told = {message.contact_id: scene.cast.text_of(message) for message in void_letters(scene)}
    assert len(void_letters(scene)) == 2
    assert "nothing is owed for it" in told[scene.mia.contact_id]
    assert "a free month" in told[scene.mia.contact_id]
    assert "credit" not in told[scene.mia.contact_id]
    expected = "3.00 € that had come for it is your credit." if paid else "You had said that you paid it."
    assert expected in told[scene.ben.contact_id]


def test_nobody_hears_that_a_period_is_void_of_which_they_had_not_heard(scene: Scene) -> None:
    scene.change(void_period, reason="opened twice")
    assert void_letters(scene) == []


def test_a_letter_about_a_void_is_not_sent_once_the_period_is_back(scene: Scene) -> None:
    asked(scene)
    scene.change(void_period, reason="by mistake", now=at("2026-02-06"))
    before = void_letters(scene)
    scene.change(restore_period, now=at("2026-02-06"))

    assert {message.state for message in void_letters(scene)} == {MessageState.CANCELLED}
    assert [scene.cast.text_of(message) for message in before] == ["", ""]


def test_a_period_tells_which_claims_close_with_it(scene: Scene) -> None:
    scene.claim()
    period = scene.period
    waiting = scene.cast.read(lambda session: load_period_claims(session, period.id, "EUR"))
    scene.change(void_period, reason="by mistake", now=NOW)
    closed = scene.cast.read(
        lambda session: load_period_claims(session, period.id, "EUR", voided_at=scene.period.voided_at)
    )
    assert [(one.count, one.amount, one.named[0].name) for one in (waiting, closed)] == [
        (1, money("3.00"), "Ben"),
        (1, money("3.00"), "Ben"),
    ]
