"""Claims about sending at once what waits for the morning: the same message goes, once, and counts once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from substrack.domain.actors import OPERATOR
from substrack.domain.asking import AskState
from substrack.domain.delivery import MessageState
from substrack.domain.notices import REQUESTS, Channel, ChannelChoice
from substrack.services.asking_now import ask_people
from substrack.services.asking_plan import PersonPlan, plan_asking
from substrack.services.asking_undo import stop_asking
from substrack.services.contact_rows import UnknownContact
from substrack.services.hurrying import hurry_request
from substrack.services.payments import confirm_payment
from substrack.store import Address, Connection, Contact, Event, Member, Message
from substrack.worker.outbox import DeliverReport, deliver_due
from tests.support.cast import Cast, at, make_stranger

NIGHT, MORNING = at("2026-02-02", 22), at("2026-02-03", 9)
A_MINUTE = timedelta(minutes=1)
NOTHING = DeliverReport(sent=0, retrying=0, failed=0, queued=0)


@dataclass
class Scene:
    """Ben and mia owe for February; in Berlin it is eleven at night."""

    cast: Cast
    ben: Member
    mia: Member

    def ask(self, *, at_any_hour: bool = False, now: datetime = NIGHT) -> str:
        [asked] = self.cast.do(
            ask_people,
            self.cast.workspace_id,
            [self.ben.contact_id],
            at_any_hour=at_any_hour,
            by=self.cast.olga,
            now=now,
        )
        return asked.correlation_id

    def hurry(self, member: Member | None = None, now: datetime = NIGHT + A_MINUTE) -> bool:
        contact_id = (member or self.ben).contact_id
        return self.cast.do(hurry_request, contact_id, by=self.cast.olga, now=now)

    def deliver(self, now: datetime) -> DeliverReport:
        return deliver_due(self.cast.runtime, now=now)

    def plan(self, now: datetime = NIGHT + A_MINUTE) -> PersonPlan:
        [plan] = self.cast.read(lambda session: plan_asking(session, [self.ben.contact_id], now=now))
        return plan

    def requests(self) -> list[Message]:
        found = self.cast.messages(contact_id=self.ben.contact_id)
        return [message for message in found if message.notice in REQUESTS]

    def link_a_chat(self) -> None:
        with self.cast.runtime.transaction() as session:
            bot = Connection(
                workspace_id=self.cast.workspace_id, channel=Channel.TELEGRAM, name="bot", settings={}
            )
            session.add(bot)
            session.flush()
            session.add(
                Address(
                    contact_id=self.ben.contact_id,
                    connection_id=bot.id,
                    channel=Channel.TELEGRAM,
                    value="77",
                    value_key="77",
                    created_at=NIGHT,
                )
            )
            session.get_one(Contact, self.ben.contact_id).channel_choice = ChannelChoice.BOTH


def make_scene(cast: Cast) -> Scene:
    group = cast.group()
    scene = Scene(cast, cast.join(group, "Ben"), cast.join(group, "Mia"))
    cast.tick(at("2026-02-01"))
    return scene


def test_what_waits_goes_out_now_and_is_the_same_message(scene: Scene) -> None:
    scene.ask()
    assert scene.deliver(NIGHT + A_MINUTE) == NOTHING
    [waiting] = scene.requests()

    assert scene.hurry()

    assert scene.deliver(NIGHT + A_MINUTE).sent == 1
    [message] = scene.requests()
    assert (message.id, message.state) == (waiting.id, MessageState.SENT)
    assert scene.deliver(MORNING) == NOTHING


def test_the_step_counts_once(scene: Scene) -> None:
    scene.ask()
    before = scene.cast.payment_of(scene.ben)

    scene.hurry()
    scene.deliver(NIGHT + A_MINUTE)

    after = scene.cast.payment_of(scene.ben)
    assert after.requests_sent == before.requests_sent == 1
    assert (after.requested_on, after.next_action_at) == (before.requested_on, before.next_action_at)
    scene.cast.tick(at("2026-02-04"))
    assert len(scene.requests()) == 1


def test_a_second_press_changes_nothing(scene: Scene) -> None:
    scene.ask()
    assert scene.hurry()
    [once] = scene.requests()

    assert not scene.hurry(now=NIGHT + 2 * A_MINUTE)

    [twice] = scene.requests()
    assert (twice.due_at, twice.expires_at, _hurries(scene.cast)) == (once.due_at, once.expires_at, 1)
    scene.deliver(NIGHT + 2 * A_MINUTE)
    assert not scene.hurry(now=NIGHT + 3 * A_MINUTE)


def test_what_was_put_off_by_a_worker_already_goes_as_well(scene: Scene) -> None:
    scene.ask()
    scene.deliver(NIGHT + A_MINUTE)
    assert scene.requests()[0].due_at == MORNING

    assert scene.hurry(now=NIGHT + 2 * A_MINUTE)

    assert scene.deliver(NIGHT + 2 * A_MINUTE).sent == 1


def test_it_goes_by_each_way(scene: Scene) -> None:
    scene.link_a_chat()
    scene.ask()

    scene.hurry()

    assert {message.channel for message in scene.requests() if "at_any_hour" in message.payload} == {
        Channel.EMAIL,
        Channel.TELEGRAM,
    }


def test_nobody_else_is_hurried(scene: Scene) -> None:
    scene.ask()

    assert not scene.hurry(scene.mia)

    assert scene.deliver(NIGHT + A_MINUTE) == NOTHING


def test_what_was_paid_meanwhile_is_not_sent_all_the_same(scene: Scene) -> None:
    scene.ask()
    scene.cast.do(confirm_payment, scene.cast.payment_of(scene.ben).id, by=OPERATOR, now=NIGHT)
    scene.hurry()
    scene.deliver(NIGHT + A_MINUTE)

    assert scene.requests()[0].state is MessageState.CANCELLED


def test_a_stranger_hurries_nothing(scene: Scene) -> None:
    scene.ask()
    zed = make_stranger(scene.cast.runtime)

    with pytest.raises(UnknownContact):
        scene.cast.do(hurry_request, scene.ben.contact_id, by=zed.olga, now=NIGHT)


def test_asking_may_begin_at_any_hour_and_be_undone(scene: Scene) -> None:
    stopped = scene.ask(at_any_hour=True)
    assert scene.cast.do(stop_asking, stopped, by=scene.cast.olga, now=NIGHT + timedelta(seconds=5))
    assert scene.deliver(NIGHT + A_MINUTE) == NOTHING

    scene.ask(at_any_hour=True, now=NIGHT + A_MINUTE)

    assert scene.deliver(NIGHT + 2 * A_MINUTE).sent == 1


def test_the_plan_tells_what_waits_from_what_is_going(scene: Scene) -> None:
    scene.ask()
    held = scene.plan()
    assert (held.state, held.is_held, held.waits_until) == (AskState.ON_ITS_WAY, True, MORNING)

    scene.hurry()

    assert (scene.plan().state, scene.plan().is_held) == (AskState.ON_ITS_WAY, False)


def test_by_day_what_is_about_to_go_is_not_held(scene: Scene) -> None:
    noon = at("2026-02-02")
    scene.ask(now=noon)

    assert not scene.plan(now=noon).is_held


def _hurries(cast: Cast) -> int:
    return len(
        cast.read(lambda session: session.scalars(select(Event.id).where(Event.verb == "hurry")).all())
    )
