"""Whoever was erased owes nothing more and is owed nothing more, whatever is decided about what was."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.actors import Actor
from substrack.domain.payments import ReopenCause, Status
from substrack.domain.shares import FixedAmountsOverTotal, SplitKind
from substrack.services.claims import claim_payments
from substrack.services.credit import credit_minor
from substrack.services.erased import NobodyToAsk, NobodyToPay
from substrack.services.erasing import erase_contact
from substrack.services.late_joiners import add_to_period
from substrack.services.members import leave_group
from substrack.services.payments import adjust_payment, confirm_payment, reopen_payment
from substrack.services.people import add_contact
from substrack.services.periods import edit_period
from substrack.services.receipts import void_receipt
from substrack.services.undo import TooLateToUndo, undo_decision
from substrack.services.voiding import restore_period, void_period
from substrack.store import Event, Group, Member, Payment, Period, Receipt
from tests.support.books import check_books
from tests.support.cast import Cast, at, money

NOW = at("2026-02-02")


@dataclass
class Scene:
    """February is open; ben and mia owe pat, who does not share, 5.00 each."""

    cast: Cast
    group: Group
    pat: int
    ben: Member
    mia: Member

    @property
    def due(self) -> Payment:
        return self.cast.payment_of(self.ben)

    @property
    def february(self) -> int:
        query = select(Period.id).where(Period.sequence == 1)
        return self.cast.read(lambda session: session.scalars(query).one())

    def act(self, what: Callable[..., Any], *subject: Any, **terms: Any) -> Any:
        chosen: dict[str, Any] = {"by": self.cast.olga, "now": NOW}
        return self.cast.do(what, *subject, **chosen | terms)

    def pay(self) -> int:
        """Let ben pay; return the receipt."""
        self.act(confirm_payment, self.due.id)
        query = select(Receipt.id).where(Receipt.contact_id == self.ben.contact_id)
        return self.cast.read(lambda session: session.scalars(query).one())

    def erase(self, who: str = "ben") -> None:
        self.act(erase_contact, {"ben": self.ben.contact_id, "pat": self.pat}[who], anyway=True)

    def history(self) -> list[tuple[str, str | None]]:
        """List what happened to ben's payment, with the reasons."""
        query = select(Event.verb, Event.reason).where(Event.payment_id == self.due.id).order_by(Event.id)
        return self.cast.read(lambda session: [(verb, reason) for verb, reason in session.execute(query)])

    def check_forgiven(self, after: str) -> None:
        """Check that nothing is owed by what was done, and that the history tells why."""
        assert (self.due.status, self.due.next_action_at) == (Status.WAIVED, None)
        (verb, _), forgiven = self.history()[-2:]
        assert (verb, forgiven) == (after, ("waive", "erased"))
        self.cast.read(check_books)


def make_scene(cast: Cast) -> Scene:
    return _opened(cast, price="10.00")


def _opened(cast: Cast, **terms: Any) -> Scene:
    pat = cast.do(add_contact, cast.workspace_id, name="Pat", by=cast.olga, now=NOW).id
    group = cast.group(payer_id=pat, payer_included=False, **terms)
    scene = Scene(cast, group, pat, cast.join(group, "Ben"), cast.join(group, "Mia"))
    cast.tick(at("2026-02-01"))
    return scene


GONE = [("ben", NobodyToAsk), ("pat", NobodyToPay)]


@pytest.mark.parametrize(("who", "refusal"), GONE)
@pytest.mark.parametrize("because", ReopenCause)
def test_nothing_is_opened_again_for_the_erased(
    scene: Scene, who: str, refusal: type[Exception], because: ReopenCause
) -> None:
    scene.pay()
    scene.erase(who)
    with pytest.raises(refusal):
        scene.act(reopen_payment, scene.due.id, because=because)
    assert scene.due.status is Status.CONFIRMED


@pytest.mark.parametrize(("who", "refusal"), GONE)
def test_an_amount_of_the_erased_only_becomes_smaller(
    scene: Scene, who: str, refusal: type[Exception]
) -> None:
    scene.pay()
    scene.erase(who)
    with pytest.raises(refusal):
        scene.act(adjust_payment, scene.due.id, amount=money("5.01"), reason="dearer")
    scene.act(adjust_payment, scene.due.id, amount=money("4.00"), reason="cheaper")
    assert (scene.due.status, scene.due.amount_minor) == (Status.CONFIRMED, 400)
    scene.cast.read(check_books)


@pytest.mark.parametrize("who", ["ben", "pat"])
def test_money_of_the_erased_that_is_taken_back_is_forgiven(scene: Scene, who: str) -> None:
    receipt_id = scene.pay()
    scene.erase(who)
    scene.act(void_receipt, receipt_id, reason="bounced")
    scene.check_forgiven("reopen")


def test_a_period_that_comes_back_forgives_the_erased_and_asks_the_others(scene: Scene) -> None:
    scene.act(void_period, scene.february, reason="typo")
    scene.erase()
    scene.act(restore_period, scene.february)
    scene.check_forgiven("restore")
    assert scene.cast.payment_of(scene.mia).status is Status.PENDING


def test_a_claim_of_the_erased_does_not_come_back_with_its_period(scene: Scene) -> None:
    by = Actor.contact(scene.ben.contact_id)
    scene.act(claim_payments, scene.ben.contact_id, [scene.due.id], by=by)
    scene.act(void_period, scene.february, reason="typo")
    scene.erase()
    scene.act(restore_period, scene.february)
    scene.check_forgiven("restore")


def test_what_the_erased_had_paid_is_settled_again_with_its_period(scene: Scene) -> None:
    scene.pay()
    scene.act(void_period, scene.february, reason="typo")
    scene.erase()
    scene.act(restore_period, scene.february)
    assert scene.due.status is Status.CONFIRMED
    scene.cast.read(check_books)


@pytest.mark.parametrize(("who", "refusal"), GONE)
def test_the_erased_are_added_to_no_period(scene: Scene, who: str, refusal: type[Exception]) -> None:
    late = scene.cast.join(scene.group, "Late", now=NOW)
    scene.act(erase_contact, {"ben": late.contact_id, "pat": scene.pat}[who], anyway=True)
    with pytest.raises(refusal):
        scene.act(add_to_period, scene.february, late.id, amount=money("3.00"))


def test_a_corrected_total_leaves_what_the_erased_have_paid(scene: Scene) -> None:
    scene.pay()
    scene.erase()
    scene.act(edit_period, scene.february, total=money("12.00"), reason="dearer")
    assert (scene.due.status, scene.due.amount_minor) == (Status.CONFIRMED, 500)
    assert scene.cast.payment_of(scene.mia).amount_minor == 700
    scene.cast.read(check_books)


@pytest.mark.parametrize(
    ("total", "ben", "mia"), [("12.00", 500, 700), ("9.00", 450, 450), ("4.00", 200, 200), ("0.00", 0, 0)]
)
def test_what_the_erased_were_forgiven_falls_with_the_total(
    scene: Scene, total: str, ben: int, mia: int
) -> None:
    scene.erase()
    scene.act(edit_period, scene.february, total=money(total), reason="typo")
    assert (scene.due.status, scene.due.amount_minor) == (Status.WAIVED, ben)
    assert scene.cast.payment_of(scene.mia).amount_minor == mia
    assert scene.history()[-1] == (("waive", None) if ben == 500 else ("reshare", "typo"))
    scene.cast.read(check_books)

    scene.act(edit_period, scene.february, total=money("10.00"), reason="it was right")
    assert [one.amount_minor for one in scene.cast.payments()] == [500, 500]
    scene.cast.read(check_books)


def test_a_fixed_amount_that_was_forgiven_is_as_much_as_the_others_leave(cast: Cast) -> None:
    scene = _opened(cast, price="10.00")
    scene.act(adjust_payment, scene.due.id, amount=money("6.00"), reason="as agreed")
    scene.erase()
    scene.act(edit_period, scene.february, total=money("8.00"), reason="cheaper")
    assert [one.amount_minor for one in cast.payments()] == [600, 200]
    scene.act(edit_period, scene.february, total=money("5.00"), reason="cheaper still")
    assert [one.amount_minor for one in cast.payments()] == [500, 0]
    cast.read(check_books)


def test_a_total_falls_to_what_the_erased_have_paid_and_no_further(scene: Scene) -> None:
    scene.act(confirm_payment, scene.due.id, amount=money("2.00"))
    scene.erase()
    scene.act(edit_period, scene.february, total=money("3.00"), reason="typo")
    assert [one.amount_minor for one in scene.cast.payments()] == [200, 100]
    scene.cast.read(check_books)
    with pytest.raises(FixedAmountsOverTotal):
        scene.act(edit_period, scene.february, total=money("1.00"), reason="typo")


def test_a_total_that_fell_below_what_was_forgiven_is_undone_as_a_whole(scene: Scene) -> None:
    scene.erase()
    scene.act(edit_period, scene.february, total=money("8.00"), reason="typo")
    edit = scene.cast.read(
        lambda s: s.scalars(select(Event.correlation_id).where(Event.verb == "edit_period")).one()
    )
    scene.act(undo_decision, edit, now=NOW + timedelta(seconds=5))
    assert [(one.status, one.amount_minor) for one in scene.cast.payments()] == [
        (Status.WAIVED, 500),
        (Status.PENDING, 500),
    ]
    scene.cast.read(check_books)


def test_a_total_can_be_lowered_though_its_payer_was_erased(scene: Scene) -> None:
    scene.erase("pat")
    scene.act(edit_period, scene.february, total=money("4.00"), reason="typo")
    assert [one.amount_minor for one in scene.cast.payments()] == [200, 200]
    scene.cast.read(check_books)


def test_nobody_owes_a_bill_to_the_erased(cast: Cast) -> None:
    scene = _opened(cast, split=SplitKind.VARIABLE)
    scene.erase("pat")
    with pytest.raises(NobodyToPay):
        scene.act(edit_period, scene.february, total=money("10.00"))
    assert cast.payments() == []


def test_the_erased_owe_nothing_of_a_bill_whose_period_was_void_meanwhile(cast: Cast) -> None:
    scene = _opened(cast, split=SplitKind.VARIABLE)
    scene.act(void_period, scene.february, reason="typo")
    scene.erase()
    scene.act(restore_period, scene.february)
    scene.act(edit_period, scene.february, total=money("10.00"))
    assert [(one.contact_id, one.amount_minor) for one in cast.payments()] == [(scene.mia.contact_id, 1000)]


def test_the_erased_do_not_come_back_by_leaving_later(scene: Scene) -> None:
    scene.erase()
    with pytest.raises(NobodyToAsk):
        scene.act(leave_group, scene.ben.id, left_on=date(2027, 1, 1))


@pytest.mark.parametrize("who", ["ben", "pat"])
def test_what_was_decided_about_the_erased_is_not_undone(scene: Scene, who: str) -> None:
    done = scene.act(confirm_payment, scene.due.id)
    scene.erase(who)
    with pytest.raises(TooLateToUndo):
        scene.act(undo_decision, done.correlation_id, now=NOW + timedelta(seconds=5))
    assert scene.due.status is Status.CONFIRMED


def test_forgiving_the_erased_is_not_undone(scene: Scene) -> None:
    scene.erase()
    query = select(Event.correlation_id).where(Event.verb == "waive")
    correlation_id = scene.cast.read(lambda session: session.scalars(query).one())
    with pytest.raises(TooLateToUndo):
        scene.act(undo_decision, correlation_id, now=NOW + timedelta(seconds=5))
    assert scene.due.status is Status.WAIVED


def test_credit_of_the_erased_stays_when_their_amount_becomes_smaller(scene: Scene) -> None:
    scene.pay()
    scene.erase()
    scene.act(adjust_payment, scene.due.id, amount=money("4.00"), reason="cheaper")
    minor = scene.cast.read(lambda s: credit_minor(s, scene.ben.contact_id, scene.pat, "EUR"))
    assert minor == 100
