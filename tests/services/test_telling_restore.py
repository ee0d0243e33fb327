"""Claims about the letters that tell that a void period counts again; on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from substrack.domain.actors import Actor
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.services.claims import claim_payments
from substrack.services.ledger import Decision
from substrack.services.payments import confirm_payment
from substrack.services.telling_restore import tell_restored
from substrack.services.voiding import restore_period, void_period
from substrack.store import Member, Message, Payment
from tests.support.cast import Cast, at
from tests.support.statements import statements

ASKED_AT, PAID_AT, VOIDED_AT, BACK_AT = at("2026-02-05"), at("2026-02-06"), at("2026-02-07"), at("2026-02-08")
LATER = at("2026-02-09")


@dataclass
class Scene:
    """Ben and mia owe 3.00 each for february and were asked for it."""

    cast: Cast
    ben: Member
    mia: Member

    @property
    def due(self) -> Payment:
        return self.cast.payment_of(self.ben)

    def void(self, now: datetime = VOIDED_AT) -> None:
        self.cast.do(void_period, self.due.period_id, reason="Wrong month", by=self.cast.olga, now=now)

    def restore(self, now: datetime = BACK_AT) -> None:
        self.cast.do(restore_period, self.due.period_id, by=self.cast.olga, now=now)

    def letters(self, member: Member | None = None) -> list[Message]:
        """List what tells that it counts again."""
        whose = {"contact_id": member.contact_id} if member else {}
        return self.cast.messages(notice=Notice.REJECTED, **whose)

    def told(self, member: Member) -> str:
        [letter] = self.letters(member)
        return self.cast.text_of(letter, BACK_AT)


def make_scene(cast: Cast) -> Scene:
    group = cast.group(price="9.00")
    scene = Scene(cast, cast.join(group, "Ben"), cast.join(group, "Mia"))
    cast.tick(at("2026-02-01"))
    cast.tick(ASKED_AT)
    cast.send(ASKED_AT)
    return scene


def test_whoever_read_that_nothing_is_owed_reads_that_it_is_owed_again(scene: Scene) -> None:
    scene.void()
    scene.cast.send(BACK_AT)
    scene.restore()
    told = scene.told(scene.mia)
    assert "You were told that nothing is owed for this. That has changed: it counts again." in told
    assert "So this is open again:\n\n  YouTube Premium, February 2026: 3.00 €\n" in told
    assert len(scene.letters()) == 2


def test_whoever_had_paid_reads_that_their_credit_is_used_for_it_again(scene: Scene) -> None:
    scene.cast.do(confirm_payment, scene.due.id, by=scene.cast.olga, now=PAID_AT)
    scene.void()
    scene.cast.send(BACK_AT)
    scene.restore()
    told = scene.told(scene.ben)
    assert "3.00 € of your credit is used for it again." in told
    assert "There is nothing left to pay for it." in told
    assert "open again" not in told


def test_whoever_had_said_that_they_paid_reads_that_it_is_checked(scene: Scene) -> None:
    by = Actor.contact(scene.ben.contact_id)
    scene.cast.do(claim_payments, scene.ben.contact_id, [scene.due.id], by=by, now=PAID_AT)
    scene.void()
    scene.cast.send(BACK_AT)
    scene.restore()
    told = scene.told(scene.ben)
    assert "You had said that you paid it; Olga will check." in told
    assert "open again" not in told


def test_who_has_not_read_of_the_void_hears_nothing_of_the_restoring_either(scene: Scene) -> None:
    scene.void()
    scene.restore()
    assert scene.letters() == []


def test_a_letter_that_it_counts_again_is_not_sent_once_it_is_void_anew(scene: Scene) -> None:
    scene.void()
    scene.cast.send(BACK_AT)
    scene.restore()
    scene.void(LATER)
    assert [scene.cast.text_of(letter, LATER) for letter in scene.letters()] == ["", ""]


def test_whoever_read_only_of_the_first_of_two_voids_hears_of_the_second_restoring(scene: Scene) -> None:
    scene.void()
    scene.cast.send(BACK_AT)
    scene.restore()
    scene.void(BACK_AT)
    scene.restore(LATER)
    states = [letter.state for letter in scene.letters(scene.mia)]
    assert states == [MessageState.CANCELLED, MessageState.QUEUED]


def test_whoever_read_that_it_counts_again_does_not_read_it_twice(scene: Scene) -> None:
    scene.void()
    scene.cast.send(BACK_AT)
    scene.restore()
    scene.cast.send(LATER)
    scene.void(LATER)
    scene.restore(LATER)
    assert [letter.state for letter in scene.letters(scene.mia)] == [MessageState.SENT]


def test_what_was_settled_before_the_letter_went_out_is_not_called_open(scene: Scene) -> None:
    scene.void()
    scene.cast.send(BACK_AT)
    scene.restore()
    scene.cast.do(confirm_payment, scene.due.id, by=scene.cast.olga, now=BACK_AT)
    told = scene.told(scene.ben)
    assert "There is nothing left to pay for it." in told
    assert "of your credit" not in told


def test_telling_takes_as_many_statements_for_many_as_for_few(cast: Cast) -> None:
    group = cast.group()
    for name in "abcdefghi":
        cast.join(group, name)
    cast.tick(at("2026-02-01"))
    cast.tick(ASKED_AT)
    cast.send(ASKED_AT)
    payments = cast.payments(kind="dues")
    cast.do(void_period, payments[0].period_id, reason="Wrong month", by=cast.olga, now=VOIDED_AT)
    cast.send(BACK_AT)

    def count(some: Sequence[Payment]) -> int:
        with cast.runtime.transaction() as session, statements(cast.runtime) as seen:
            tell_restored(session, cast.workspace_id, some, Decision(cast.olga, BACK_AT))
        return len(seen)

    assert count(payments[:2]) == count(payments[2:])
    assert len(cast.messages(notice=Notice.REJECTED)) == len(payments)
