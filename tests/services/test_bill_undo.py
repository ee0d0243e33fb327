"""A bill that was entered wrong is taken back as a whole, before anybody hears of it, or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.actors import OPERATOR, Actor
from substrack.domain.payments import Status
from substrack.domain.shares import SplitKind
from substrack.queries.faults import Window
from substrack.queries.payment_faults import payment_faults
from substrack.queries.period_faults import period_faults
from substrack.queries.undoing import correction_to_undo
from substrack.services.bill_undo import take_back_bill
from substrack.services.claims import claim_payments
from substrack.services.credit import credit_minor
from substrack.services.payments import confirm_payment
from substrack.services.periods import edit_period
from substrack.services.receipts import record_receipt
from substrack.services.undo import TooLateToUndo, undo_decision
from substrack.services.voiding import restore_period, void_period
from substrack.store import Event, Group, Member, Message, Period
from tests.support.books import check_books
from tests.support.cast import Cast, at, money

NOW = at("2026-02-10")
SOON = NOW + timedelta(seconds=5)


@dataclass
class Scene:
    """The pitch of olga, ben and mia is open for February, without a bill; ben has 2.00 of credit."""

    cast: Cast
    group: Group
    ben: Member
    mia: Member

    @property
    def period(self) -> Period:
        return self.cast.read(lambda session: session.scalars(select(Period)).one())

    def bill(self, total: str = "312.00", **terms: Any) -> str:
        chosen: dict[str, Any] = {"total": money(total), "by": self.cast.olga, "now": NOW}
        self.cast.do(edit_period, self.period.id, **chosen | terms)
        return self.offered() or ""

    def offered(self) -> str | None:
        return self.cast.read(lambda session: correction_to_undo(session, self.period.id))

    def undo(self, correlation_id: str, **terms: Any) -> bool:
        chosen: dict[str, Any] = {"by": self.cast.olga, "now": SOON}
        return self.cast.do(take_back_bill, correlation_id, **chosen | terms)

    def credit(self) -> int:
        pair = (self.ben.contact_id, self.cast.olga_contact)
        return self.cast.read(lambda session: credit_minor(session, *pair, "EUR"))

    def owed(self) -> list[tuple[int, int, Status]]:
        live = self.cast.payments(voided_at=None)
        return [(one.amount_minor, one.received_minor, one.status) for one in live]

    def check(self) -> None:
        self.cast.read(check_books)
        all_keys = Window(0, 1_000)
        assert self.cast.read(lambda s: [*period_faults(s, all_keys), *payment_faults(s, all_keys)]) == []


def make_scene(cast: Cast) -> Scene:
    group = cast.group("Pitch", split=SplitKind.VARIABLE, tells_opened=True)
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    cast.do(
        record_receipt,
        cast.workspace_id,
        contact_id=ben.contact_id,
        payer_id=cast.olga_contact,
        amount=money("2.00"),
        by=cast.olga,
        now=at("2026-02-02"),
    )
    cast.send(at("2026-02-03"))
    return Scene(cast, group, ben, mia)


def test_the_period_waits_for_its_bill_again_and_nobody_hears(scene: Scene) -> None:
    before = scene.period
    bill = scene.bill()
    assert scene.credit() == 0
    assert scene.cast.send(SOON) == []

    assert scene.undo(bill)

    period = scene.period
    assert (period.total_minor, period.billed_minor, period.billed_at, period.payer_part_minor) == (
        None,
        None,
        None,
        0,
    )
    assert (period.due_on, scene.owed(), scene.credit()) == (before.due_on, [], 200)
    told = scene.cast.read(lambda s: list(s.scalars(select(Message.state).where(Message.created_at == NOW))))
    assert set(told) == {"cancelled"}
    assert scene.offered() is None
    scene.check()


def test_the_right_bill_is_shared_as_if_it_were_the_first(scene: Scene) -> None:
    scene.undo(scene.bill())
    scene.bill("31.20", now=SOON)
    assert scene.owed() == [
        (1040, 1040, Status.CONFIRMED),
        (1040, 200, Status.PENDING),
        (1040, 0, Status.PENDING),
    ]
    scene.cast.tick(at("2026-02-13"))
    assert len(scene.cast.messages(notice="request")) == 2
    scene.check()


def test_a_due_date_that_came_with_it_goes_with_it(scene: Scene) -> None:
    due_on = scene.period.due_on
    scene.undo(scene.bill(due_on=date(2026, 2, 25), reason="as agreed"))
    assert scene.period.due_on == due_on
    scene.check()


def test_the_period_can_be_voided_and_restored_after_it(scene: Scene) -> None:
    scene.undo(scene.bill())
    terms: dict[str, Any] = {"by": scene.cast.olga, "now": at("2026-02-11")}
    scene.cast.do(void_period, scene.period.id, reason="no match", **terms)
    scene.cast.do(restore_period, scene.period.id, **terms)
    assert (scene.owed(), scene.period.total_minor) == ([], None)
    scene.check()


@pytest.mark.parametrize("is_billed_again", [True, False])
def test_what_was_taken_back_does_not_come_back_with_its_period(scene: Scene, is_billed_again: bool) -> None:
    """The clock of a trial stands still, so that all of it happens at the same instant."""
    scene.undo(scene.bill(), now=NOW)
    if is_billed_again:
        scene.bill("31.20")
    scene.cast.do(void_period, scene.period.id, reason="twice", by=scene.cast.olga, now=NOW)
    scene.cast.do(restore_period, scene.period.id, by=scene.cast.olga, now=NOW)

    scene.cast.read(check_books)
    live = [payment for payment in scene.cast.payments() if payment.voided_at is None]
    assert {payment.amount_minor for payment in live} == ({1040} if is_billed_again else set())


def test_the_journal_names_what_was_taken_back(scene: Scene) -> None:
    bill = scene.bill()
    scene.undo(bill)
    query = select(Event).where(Event.subject_kind == "period").order_by(Event.id)
    lines: list[Any] = scene.cast.read(lambda session: list(session.scalars(query)))
    *_, edit, undo = lines
    assert (undo.verb, undo.before["total"], undo.after["total"]) == ("undo", 31200, None)
    assert (edit.correlation_id, undo.after["undone"]) == (bill, [edit.id])


def claim(scene: Scene) -> None:
    key = scene.cast.payments(member_id=scene.mia.id)[0].id
    by = Actor.contact(scene.mia.contact_id)
    scene.cast.do(claim_payments, scene.mia.contact_id, [key], by=by, now=NOW)


def confirm(scene: Scene) -> None:
    key = scene.cast.payments(member_id=scene.mia.id)[0].id
    scene.cast.do(confirm_payment, key, by=scene.cast.olga, now=NOW)


def correct(scene: Scene) -> None:
    scene.bill("31.20", reason="typo")


def void(scene: Scene) -> None:
    scene.cast.do(void_period, scene.period.id, reason="typo", by=scene.cast.olga, now=NOW)


def tell(scene: Scene) -> None:
    scene.cast.send(NOW + timedelta(seconds=10))


def ask(scene: Scene) -> None:
    scene.cast.tick(at("2026-02-13"))


@pytest.mark.parametrize("what", [claim, confirm, correct, void, tell, ask])
def test_a_bill_of_which_something_came_is_not_taken_back(
    scene: Scene, what: Callable[[Scene], None]
) -> None:
    bill = scene.bill()
    what(scene)
    before = scene.owed()
    with pytest.raises(TooLateToUndo):
        scene.undo(bill)
    assert scene.owed() == before
    scene.check()


def test_only_who_entered_it_takes_it_back_and_only_in_time(scene: Scene) -> None:
    bill = scene.bill()
    for terms in ({"by": scene.cast.second_admin()}, {"by": OPERATOR}, {"now": NOW + timedelta(seconds=11)}):
        with pytest.raises(TooLateToUndo):
            scene.undo(bill, **terms)
    scene.check()


def test_anything_else_is_no_bill(scene: Scene) -> None:
    bill = scene.bill()
    assert not scene.undo("abcabcabcabc")
    with pytest.raises(TooLateToUndo):
        scene.cast.do(undo_decision, bill, by=scene.cast.olga, now=SOON)
    scene.bill("31.20", reason="typo")
    assert not scene.undo(scene.offered() or "")
