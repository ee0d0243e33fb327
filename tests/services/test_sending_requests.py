"""Claims about requests on their way out: by day only, and never counted when they did not leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import update

from substrack.domain.actors import OPERATOR
from substrack.domain.cycles import Unit
from substrack.domain.delivery import LANE_PROBE, DeliveryFailed, MessageState, Scope
from substrack.domain.notices import Notice
from substrack.services.asking_now import ask_people, note_asked_by_hand
from substrack.services.delivery import build_message, claim_messages, clear_lane
from substrack.services.installation import hold_sending, release_hold
from substrack.services.leases import ClaimedMessage
from substrack.services.outcomes import mark_failed
from substrack.services.payments import confirm_payment
from substrack.services.restoring import settle_restored
from substrack.services.withholding import rests_until
from substrack.store import Contact, Member, Message
from substrack.worker.outbox import DeliverReport, deliver_due
from tests.support.books import check_books
from tests.support.cast import Cast, at

ASKED = at("2026-02-04")
EVENING, NIGHT, MORNING = at("2026-02-04", 18), at("2026-02-05", 1), at("2026-02-05", 9)
DOWN = DeliveryFailed("the mail server can’t be reached", scope=Scope.LANE)


@dataclass
class Scene:
    """Ben and mia owe for February and are asked from the 4th, between ten and eight in Berlin."""

    cast: Cast
    ben: Member
    mia: Member

    def claim(self, now: datetime, *, limit: int = 10) -> list[ClaimedMessage]:
        lane, lease = self.cast.messages()[0].lane, timedelta(minutes=5)
        self.cast.do(clear_lane, lane, now=now)
        return self.cast.do(claim_messages, lane, limit=limit, lease=lease, now=now)

    def pause(self, now: datetime) -> None:
        """Let the lane fail."""
        self.cast.do(mark_failed, self.claim(now, limit=1)[0], DOWN, sent_to=None, now=now)

    def build(self, claimed: ClaimedMessage, now: datetime) -> bool:
        signer = self.cast.runtime.signer
        return self.cast.do(build_message, claimed, signer=signer, now=now) is not None

    def deliver(self, now: datetime) -> DeliverReport:
        return deliver_due(self.cast.runtime, now=now)

    def requests(self, member: Member) -> list[Message]:
        return self.cast.messages(contact_id=member.contact_id, notice=Notice.REQUEST)


def make_scene(cast: Cast) -> Scene:
    group = cast.group()
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    return Scene(cast, ben, mia)


def test_a_request_left_over_from_the_evening_waits_for_the_morning(scene: Scene) -> None:
    scene.cast.tick(EVENING)
    [before] = scene.requests(scene.ben)

    assert scene.deliver(NIGHT) == DeliverReport(sent=0, retrying=0, failed=0, queued=0)

    [message] = scene.requests(scene.ben)
    assert (message.state, message.due_at, message.attempts) == (MessageState.QUEUED, MORNING, 0)
    assert before.expires_at is not None
    assert message.expires_at == before.expires_at + (MORNING - NIGHT)
    assert scene.deliver(MORNING).sent == 2


def test_a_request_waits_for_the_hours_of_what_it_still_asks_for(cast: Cast) -> None:
    early = cast.join(cast.group("A", hour=10), "Ben")
    cast.join(cast.group("B", hour=18, starts_on=date(2026, 2, 2)), "Ben")
    cast.tick(at("2026-02-01"))
    cast.tick(at("2026-02-02", 17))
    cast.do(ask_people, cast.workspace_id, [early.contact_id], by=cast.olga, now=at("2026-02-04", 7))
    [message] = cast.messages(contact_id=early.contact_id)
    until = cast.read(lambda session: rests_until(session, message, now=at("2026-02-04", 8)))
    assert until == at("2026-02-04", 9)

    cast.do(confirm_payment, cast.payment_of(early).id, by=cast.olga, now=at("2026-02-04", 8))

    until = cast.read(lambda session: rests_until(session, message, now=at("2026-02-04", 9)))
    assert until == at("2026-02-04", 17)


def test_an_answer_goes_out_by_night(scene: Scene) -> None:
    scene.cast.do(confirm_payment, scene.cast.payment_of(scene.ben).id, by=OPERATOR, now=NIGHT)

    assert scene.deliver(NIGHT).sent == 1


def test_a_probe_that_is_moot_does_not_keep_a_working_lane_closed(scene: Scene) -> None:
    scene.cast.tick(ASKED)
    scene.pause(ASKED)
    for member in (scene.ben, scene.mia):
        scene.cast.do(confirm_payment, scene.cast.payment_of(member).id, by=OPERATOR, now=ASKED)

    report = scene.deliver(ASKED + LANE_PROBE)

    assert report == DeliverReport(sent=2, retrying=0, failed=0, queued=0, kept=2)


def test_a_probe_that_waits_for_the_morning_does_not_keep_answers_back(scene: Scene) -> None:
    scene.cast.tick(EVENING)
    scene.pause(EVENING)
    scene.cast.do(confirm_payment, scene.cast.payment_of(scene.ben).id, by=OPERATOR, now=NIGHT)

    assert scene.deliver(NIGHT) == DeliverReport(sent=1, retrying=0, failed=0, queued=0, kept=1)


@pytest.mark.parametrize("scope", [Scope.ADDRESS, Scope.MESSAGE])
def test_a_server_that_refuses_one_mail_is_there_for_the_others(scene: Scene, scope: Scope) -> None:
    scene.cast.tick(ASKED)
    scene.pause(ASKED)
    now = ASKED + LANE_PROBE
    [probe] = scene.claim(now)
    refusal = DeliveryFailed("550 not this one", scope=scope, permanent=True)

    failed = scene.cast.do(mark_failed, probe, refusal, sent_to="ben@example.org", now=now)

    assert failed.has_opened_lane
    assert not any(claimed.is_probe for claimed in scene.claim(now))


def test_a_letter_that_could_not_be_written_says_nothing_of_the_server(scene: Scene) -> None:
    scene.cast.tick(ASKED)
    scene.pause(ASKED)
    now = ASKED + LANE_PROBE
    [probe] = scene.claim(now)
    bug = DeliveryFailed("an error of SubsTrack", scope=Scope.MESSAGE)

    assert not scene.cast.do(mark_failed, probe, bug, sent_to=None, now=now).has_opened_lane

    assert [claimed.is_probe for claimed in scene.claim(now)] == [True]


def test_nobody_is_used_up_who_was_never_asked(scene: Scene) -> None:
    """The mail server is away for two months; `deliver` is tried every day."""
    now = ASKED
    scene.cast.tick(now)
    scene.pause(now)
    for _ in range(60):
        now += timedelta(days=1)
        scene.cast.tick(now)
        for probe in scene.claim(now):
            scene.cast.do(mark_failed, probe, DOWN, sent_to=None, now=now)

    assert not scene.cast.messages(notice=Notice.REQUESTS_EXHAUSTED)
    assert not scene.cast.messages(notice=Notice.REMINDER)
    assert scene.cast.payment_of(scene.ben).requests_sent == 1


def test_a_hold_of_weeks_uses_nobody_up(scene: Scene) -> None:
    scene.cast.do(hold_sending, "moving house", now=ASKED)
    for day in range(60):
        scene.cast.tick(ASKED + timedelta(days=day))
    scene.cast.do(release_hold)
    now = ASKED + timedelta(days=60)
    scene.cast.tick(now)
    scene.deliver(now)

    assert not scene.cast.messages(notice=Notice.REQUESTS_EXHAUSTED)
    sent = [message for message in scene.requests(scene.ben) if message.sent_at is not None]
    assert len(sent) == 1


def test_a_request_that_went_stale_is_made_again_at_once(scene: Scene) -> None:
    scene.cast.tick(ASKED)
    two_days_later = ASKED + timedelta(days=2)
    assert scene.claim(two_days_later) == []
    payment = scene.cast.payment_of(scene.ben)
    assert (payment.requests_sent, payment.requested_on) == (0, None)
    assert anything_requested_on(scene.cast, scene.ben) is None

    scene.cast.tick(two_days_later)

    first, second = scene.requests(scene.ben)
    assert (first.state, first.last_error) == (MessageState.CANCELLED, "stale")
    assert second.state is MessageState.QUEUED
    assert scene.deliver(two_days_later).sent == 2


@pytest.mark.parametrize("by_hand", [False, True])
def test_what_went_stale_leaves_the_request_before_it_as_the_last(cast: Cast, by_hand: bool) -> None:
    """A group that asks each thirty days; mail fails at the second time, on 6 March."""
    ben = cast.join(cast.group(unit=Unit.YEAR, repeat_every_days=30, overdue_after_days=90), "Ben")
    cast.tick(at("2026-02-01"))
    if by_hand:
        cast.do(note_asked_by_hand, ben.contact_id, by=cast.olga, now=ASKED)
    cast.tick(ASKED)
    cast.send(ASKED)
    second = at("2026-03-06")
    cast.tick(second)
    assert cast.payment_of(ben).requested_on == anything_requested_on(cast, ben) == date(2026, 3, 6)

    later = second + timedelta(days=2)
    cast.do(clear_lane, cast.messages()[0].lane, now=later)

    payment = cast.payment_of(ben)
    assert payment.requested_on == anything_requested_on(cast, ben) == date(2026, 2, 4)
    assert (payment.requests_sent, payment.next_action_at) == (1, at("2026-03-06", 9))
    cast.tick(later)
    assert cast.payment_of(ben).requested_on == date(2026, 3, 8)
    cast.read(check_books)


def test_a_request_for_another_group_stands_when_one_goes_stale(cast: Cast) -> None:
    """Ben was asked for his music on the 3rd; what he owes for films is asked for on the 5th, in vain."""
    music = cast.join(cast.group("Music", grace_days=2, repeat_every_days=2), "Ben")
    films = cast.join(
        cast.group("Films", grace_days=4, repeat_every_days=2), "Ben", contact_id=music.contact_id
    )
    cast.tick(at("2026-02-01"))
    cast.tick(at("2026-02-03"))
    cast.send(at("2026-02-03"))
    assert cast.payment_of(films).requested_on == date(2026, 2, 3)
    cast.tick(at("2026-02-05"))
    cast.do(clear_lane, cast.messages()[0].lane, now=at("2026-02-07"))

    assert cast.payment_of(music).requested_on == anything_requested_on(cast, music) == date(2026, 2, 3)


def test_who_rests_after_a_restore_rests_on_when_an_old_request_goes_stale(scene: Scene) -> None:
    scene.cast.tick(ASKED)
    restored = ASKED + timedelta(days=1)
    scene.cast.do(settle_restored, made_at=ASKED, by=OPERATOR, now=restored)
    with scene.cast.runtime.transaction() as session:
        session.execute(update(Contact).values(requested_on=restored.date()))
    scene.cast.tick(ASKED + timedelta(days=3))

    assert scene.cast.payment_of(scene.ben).requested_on is None
    assert anything_requested_on(scene.cast, scene.ben) == restored.date()


def test_a_request_that_went_out_keeps_its_step(scene: Scene) -> None:
    scene.cast.tick(ASKED)
    scene.deliver(ASKED)
    assert scene.claim(ASKED + timedelta(days=2)) == []
    assert scene.cast.payment_of(scene.ben).requests_sent == 1


def test_nobody_is_asked_again_while_a_request_still_waits(cast: Cast) -> None:
    ben = cast.join(cast.group(repeat_every_days=1), "Ben")
    cast.tick(at("2026-02-01"))
    for day in range(2):
        cast.tick(ASKED + timedelta(days=day))
    assert len(cast.messages(contact_id=ben.contact_id, notice=Notice.REQUEST)) == 1
    assert not cast.messages(notice=Notice.REMINDER)


def anything_requested_on(cast: Cast, member: Member) -> date | None:
    return cast.read(lambda session: session.get_one(Contact, member.contact_id).requested_on)
