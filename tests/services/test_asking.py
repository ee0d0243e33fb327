"""Who is asked, when, how often and for what; and when nobody is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from substrack.domain.actors import Actor
from substrack.domain.cycles import Unit
from substrack.domain.notices import REQUESTS, Channel
from substrack.domain.payments import Status
from substrack.services import asking
from substrack.services.access import NoSuchPayment
from substrack.services.claims import claim_payments, withdraw_claim
from substrack.services.members import leave_group
from substrack.services.payments import (
    adjust_payment,
    confirm_payment,
    reject_payment,
    unwaive_payment,
    waive_payment,
)
from substrack.services.periods import edit_period, open_next_period
from substrack.services.putting_off import (
    SnoozeInThePast,
    SnoozeTooLong,
    TooManyObjections,
    object_to_payments,
    snooze_payments,
)
from substrack.services.request_drafts import draft_request
from substrack.services.undo import TooLateToUndo, undo_decision
from substrack.store import Event, Group, Member, Message, MessageItem, Payment
from tests.support.books import check_books
from tests.support.cast import START, Cast, at, money

BERLIN = "Europe/Berlin"
OPENED = at("2026-02-01")


@dataclass
class Scene:
    """A yearly group of olga and ben from 1 February 2026, so that one payment is all there is."""

    cast: Cast
    group: Group
    ben: Member

    def live(self, since: str, until: str, *, every_hours: int = 3, sends: bool = True) -> None:
        """Let a worker tick from one day until the end of another, and send what it queues."""
        now, end = at(since, 0), at(until, 23)
        while now <= end:
            self.cast.tick(now)
            if sends:
                self.cast.send(now)
            now += timedelta(hours=every_hours)

    def due(self, member: Member | None = None) -> Payment:
        return self.cast.payment_of(member or self.ben)

    def as_ben(self, act: Callable[..., Any], now: datetime, **terms: Any) -> Any:
        by, keys = Actor.contact(self.ben.contact_id), [self.due().id]
        return self.cast.do(act, self.ben.contact_id, keys, by=by, now=now, **terms)

    def as_olga(self, act: Callable[..., Any], now: datetime, **terms: Any) -> Any:
        return self.cast.do(act, self.due().id, by=self.cast.olga, now=now, **terms)

    def requests(self, member: Member | None = None) -> list[Message]:
        contact_id = (member or self.ben).contact_id
        return [
            message for message in self.cast.messages(contact_id=contact_id) if message.notice in REQUESTS
        ]

    def asked_on(self, member: Member | None = None, zone: str = BERLIN) -> list[str]:
        """List the local days on which somebody was asked, as month and day."""
        return [
            message.created_at.astimezone(ZoneInfo(zone)).strftime("%m-%d")
            for message in self.requests(member)
        ]

    def items(self, message: Message) -> set[tuple[int, int]]:
        """List which payments a message names, and how often each was asked for with it."""
        query = select(MessageItem.payment_id, MessageItem.step).where(MessageItem.message_id == message.id)
        return self.cast.read(lambda session: {(key, step) for key, step in session.execute(query)})

    def another_group(self, name: str, **terms: Any) -> Member:
        """Let ben be in a further group."""
        group = self.cast.group(name, unit=Unit.YEAR, **terms)
        return self.cast.join(group, "Ben", contact_id=self.ben.contact_id)


def make_scene(cast: Cast) -> Scene:
    group = cast.group(unit=Unit.YEAR)
    return Scene(cast, group, cast.join(group, "Ben"))


@pytest.fixture
def opened(scene: Scene) -> Scene:
    scene.cast.tick(OPENED)
    return scene


def test_the_first_request_comes_after_the_days_of_grace_at_the_groups_hour(opened: Scene) -> None:
    opened.live("2026-02-01", "2026-02-04", every_hours=1)
    [message] = opened.requests()
    assert (message.notice, message.created_at) == ("request", at("2026-02-04", 9))
    assert opened.items(message) == {(opened.due().id, 1)}


@pytest.mark.parametrize(
    ("back", "is_asked"),
    [
        (at("2026-02-04", 8), False),
        (at("2026-02-04", 9), True),
        (at("2026-02-04", 18), True),
        (at("2026-02-04", 19), False),
        (at("2026-02-04", 22), False),
        (at("2026-02-05", 3), False),
        (at("2026-02-05", 9), True),
    ],
)
def test_nobody_is_asked_before_ten_nor_from_eight_in_the_evening(
    opened: Scene, back: datetime, is_asked: bool
) -> None:
    opened.cast.tick(back)
    assert bool(opened.requests()) is is_asked
    later = opened.due().next_action_at
    assert later is not None
    assert later > back


def test_what_is_not_asked_in_the_evening_is_asked_the_next_morning(opened: Scene) -> None:
    opened.cast.tick(at("2026-02-04", 20))
    opened.live("2026-02-05", "2026-02-05", every_hours=1)
    assert [message.created_at for message in opened.requests()] == [at("2026-02-05", 9)]


def test_requests_repeat_turn_weekly_when_overdue_and_end_with_the_admin(opened: Scene) -> None:
    opened.live("2026-02-01", "2026-04-20", every_hours=6)
    days = ["02-04", "02-07", "02-10", "02-13", "02-20", "02-27", "03-06", "03-13"]
    assert opened.asked_on() == days
    assert [message.notice for message in opened.requests()] == ["request"] + ["reminder"] * 7
    exhausted = opened.cast.messages(notice="requests_exhausted")
    assert [message.contact_id for message in exhausted] == [opened.cast.olga_contact]
    assert exhausted[0].created_at.date() == date(2026, 3, 20)
    assert opened.due().next_action_at is None
    opened.cast.read(check_books)


def test_a_payment_lapses_fourteen_days_after_it_was_asked_for_first(opened: Scene) -> None:
    opened.live("2026-02-01", "2026-02-14")
    assert opened.due().status is Status.PENDING
    opened.cast.tick(at("2026-02-15", 9))
    assert opened.due().status is Status.OVERDUE


def test_a_payment_does_not_lapse_before_a_request_really_went_out(opened: Scene) -> None:
    opened.live("2026-02-01", "2026-02-17", sends=False)
    assert opened.due().status is Status.PENDING
    opened.cast.send(at("2026-02-17", 20))
    opened.live("2026-02-18", "2026-02-18")
    assert opened.due().status is Status.OVERDUE


def test_who_cannot_be_reached_lapses_without_a_request(scene: Scene) -> None:
    mia = scene.cast.join(scene.group, "Mia", email=None)
    scene.live("2026-02-01", "2026-02-15")
    assert scene.due(mia).status is Status.OVERDUE
    assert scene.requests(mia) == []


def test_who_has_left_is_not_asked(opened: Scene) -> None:
    opened.cast.do(
        leave_group, opened.ben.id, left_on=date(2026, 2, 6), by=opened.cast.olga, now=at("2026-02-02")
    )
    opened.live("2026-02-01", "2026-03-10", every_hours=6)
    assert opened.asked_on() == ["02-04"]


def test_who_says_paid_is_not_asked(opened: Scene) -> None:
    opened.as_ben(claim_payments, at("2026-02-03"))
    opened.live("2026-02-03", "2026-03-10", every_hours=6)
    assert opened.requests() == []
    assert opened.due().status is Status.MEMBER_CONFIRMED


@pytest.mark.parametrize("claimed", ["2026-02-02", "2026-02-05"])
@pytest.mark.parametrize("how", ["reject", "withdraw", "unwaive"])
def test_a_payment_that_is_open_again_is_asked_for_three_days_later(
    opened: Scene, claimed: str, how: str
) -> None:
    opened.live("2026-02-01", claimed)
    opened.as_ben(claim_payments, at(claimed, 23))
    opened.live("2026-02-06", "2026-02-10", every_hours=6)
    earlier = opened.asked_on()
    if how == "withdraw":
        opened.as_ben(withdraw_claim, at("2026-02-10"))
    elif how == "reject":
        opened.as_olga(reject_payment, at("2026-02-10"), reason="not there")
    else:
        opened.as_olga(waive_payment, at("2026-02-10"), reason="gift")
        opened.as_olga(unwaive_payment, at("2026-02-10"))
    opened.live("2026-02-10", "2026-02-15", every_hours=6)
    assert opened.asked_on() == [*earlier, "02-13"]


def test_a_snooze_puts_requests_off_but_not_the_lapse(opened: Scene) -> None:
    opened.live("2026-02-01", "2026-02-04")
    opened.as_ben(snooze_payments, at("2026-02-05"), until=date(2026, 2, 18))
    opened.live("2026-02-05", "2026-02-24", every_hours=6)
    assert opened.asked_on() == ["02-04", "02-18"]
    query = select(Event.at).where(Event.verb == "lapse")
    [lapsed_at] = opened.cast.read(lambda session: list(session.scalars(query)))
    assert lapsed_at.date() == date(2026, 2, 15)


def test_what_is_put_off_does_not_join_what_is_asked_for(scene: Scene) -> None:
    other = scene.another_group("Music")
    scene.live("2026-02-01", "2026-02-04")
    scene.as_ben(snooze_payments, at("2026-02-05"), until=date(2026, 2, 9))
    scene.live("2026-02-05", "2026-02-10")
    assert scene.asked_on() == ["02-04", "02-07", "02-10"]
    named = [{key for key, _step in scene.items(message)} for message in scene.requests()]
    both = {scene.due().id, scene.due(other).id}
    assert named == [both, {scene.due(other).id}, both]


def test_a_snooze_ends_and_lies_ahead(opened: Scene) -> None:
    now = at("2026-02-05")
    with pytest.raises(SnoozeInThePast):
        opened.as_ben(snooze_payments, now, until=date(2026, 2, 5))
    with pytest.raises(SnoozeTooLong):
        opened.as_ben(snooze_payments, now, until=date(2026, 3, 9))
    opened.as_ben(snooze_payments, now, until=date(2026, 3, 8))


def test_an_objection_rests_requests_for_fourteen_days_and_tells_the_admins(opened: Scene) -> None:
    opened.live("2026-02-01", "2026-02-04")
    opened.as_ben(object_to_payments, at("2026-02-05"), text="I left in January")
    opened.live("2026-02-05", "2026-02-22", every_hours=6)
    assert opened.asked_on() == ["02-04", "02-19"]
    [message] = opened.cast.messages(notice="objection")
    assert (message.contact_id, message.payload["text"]) == (opened.cast.olga_contact, "I left in January")


def test_whoever_puts_off_for_ever_knows_and_lapses(opened: Scene) -> None:
    day = date(2026, 2, 2)
    while day < date(2026, 5, 1):
        opened.as_ben(snooze_payments, at(day.isoformat()), until=day + timedelta(days=30))
        opened.live(day.isoformat(), (day + timedelta(days=28)).isoformat(), every_hours=24)
        day += timedelta(days=29)
    assert opened.due().status is Status.OVERDUE
    assert opened.asked_on() == []


def test_a_second_objection_is_told_but_puts_nothing_off(opened: Scene) -> None:
    opened.as_ben(object_to_payments, at("2026-02-02"), text="twice?")
    opened.as_ben(object_to_payments, at("2026-02-15"), text="still")
    assert opened.due().snoozed_until == date(2026, 2, 16)
    assert opened.cast.notices_to(opened.cast.olga_contact) == ["objection"] * 2


def test_a_fourth_objection_of_a_day_waits(opened: Scene) -> None:
    for minute in range(3):
        opened.as_ben(object_to_payments, at("2026-02-02") + timedelta(minutes=minute), text="hm")
    with pytest.raises(TooManyObjections):
        opened.as_ben(object_to_payments, at("2026-02-02", 12), text="hm")
    opened.as_ben(object_to_payments, at("2026-02-03", 12), text="hm")
    assert opened.cast.notices_to(opened.cast.olga_contact) == ["objection"] * 4


def test_a_payment_opened_again_lapses_only_once_asked_for_again(opened: Scene) -> None:
    opened.live("2026-02-01", "2026-02-12")
    opened.as_ben(claim_payments, at("2026-02-13"))
    opened.as_olga(reject_payment, at("2026-02-20"), reason="not there")
    opened.live("2026-02-20", "2026-02-28", sends=False)
    assert opened.due().status is Status.PENDING
    opened.live("2026-03-01", "2026-03-05")
    assert opened.due().status is Status.OVERDUE


def test_an_objection_shortens_no_snooze(opened: Scene) -> None:
    opened.as_ben(snooze_payments, at("2026-02-02"), until=date(2026, 3, 1))
    opened.as_ben(object_to_payments, at("2026-02-02"), text="and it is wrong")
    assert opened.due().snoozed_until == date(2026, 3, 1)


def test_nobody_puts_off_what_another_owes(opened: Scene) -> None:
    mia = opened.cast.join(opened.group, "Mia")
    with pytest.raises(NoSuchPayment):
        opened.cast.do(
            snooze_payments,
            mia.contact_id,
            [opened.due().id],
            until=date(2026, 2, 9),
            by=Actor.contact(mia.contact_id),
            now=at("2026-02-05"),
        )


def test_two_groups_of_one_person_are_one_message(scene: Scene) -> None:
    other = scene.another_group("Music", starts_on=date(2026, 2, 3))
    scene.live("2026-02-01", "2026-02-08")
    assert scene.asked_on() == ["02-04", "02-07"]
    first, second = scene.requests()
    assert scene.items(first) == {(scene.due().id, 1), (scene.due(other).id, 1)}
    assert scene.items(second) == {(scene.due().id, 2), (scene.due(other).id, 2)}


def test_a_slow_group_is_not_drawn_into_the_rhythm_of_a_fast_one(scene: Scene) -> None:
    slow = scene.another_group("Insurance", repeat_every_days=10)
    scene.live("2026-02-01", "2026-02-14")
    assert scene.asked_on() == ["02-04", "02-07", "02-10", "02-13"]
    named = [len(scene.items(message)) for message in scene.requests()]
    assert named == [2, 1, 1, 1]
    scene.live("2026-02-15", "2026-02-21")
    steps = [step for message in scene.requests() for key, step in scene.items(message)]
    assert scene.due(slow).requests_sent == 2
    assert steps.count(2) == 2


def test_nobody_is_asked_again_within_the_repeat_for_something_new(opened: Scene) -> None:
    opened.live("2026-02-01", "2026-02-04")
    other = opened.another_group("Music", starts_on=date(2026, 6, 1), grace_days=0, collect_days_before=200)
    opened.live("2026-02-05", "2026-02-07")
    assert opened.asked_on() == ["02-04", "02-07"]
    assert (opened.due(other).id, 1) in opened.items(opened.requests()[1])


def test_three_weeks_off_are_one_request(scene: Scene) -> None:
    mia = scene.cast.join(scene.group, "Mia")
    scene.live("2026-02-01", "2026-02-05")
    scene.live("2026-02-26", "2026-02-27", every_hours=1)
    assert scene.asked_on() == scene.asked_on(mia) == ["02-04", "02-26"]
    assert scene.due().status is Status.OVERDUE
    scene.cast.read(check_books)


def test_three_weeks_off_in_the_evening_wait_for_the_morning(opened: Scene) -> None:
    opened.live("2026-02-01", "2026-02-05")
    opened.cast.tick(at("2026-02-26", 20))
    opened.live("2026-02-27", "2026-02-28", every_hours=1)
    assert opened.asked_on() == ["02-04", "02-27"]


@pytest.mark.parametrize(
    ("zone", "starts_on", "instant"),
    [
        (BERLIN, date(2026, 3, 26), datetime(2026, 3, 29, 8)),
        (BERLIN, date(2026, 10, 22), datetime(2026, 10, 25, 9)),
        ("Pacific/Auckland", date(2026, 2, 1), datetime(2026, 2, 3, 21)),
        ("America/Los_Angeles", date(2026, 2, 1), datetime(2026, 2, 4, 18)),
    ],
)
def test_requests_keep_the_hour_of_the_groups_zone(
    cast: Cast, zone: str, starts_on: date, instant: datetime
) -> None:
    group = cast.group(unit=Unit.YEAR, time_zone=zone, starts_on=starts_on)
    scene = Scene(cast, group, cast.join(group, "Ben"))
    first = (starts_on - timedelta(days=1)).isoformat()
    scene.live(first, (starts_on + timedelta(days=4)).isoformat(), every_hours=1)
    assert [message.created_at for message in scene.requests()] == [instant.replace(tzinfo=UTC)]


def test_two_zones_of_one_person_are_one_message(cast: Cast) -> None:
    group = cast.group(unit=Unit.YEAR, time_zone="Pacific/Auckland")
    scene = Scene(cast, group, cast.join(group, "Ben"))
    scene.another_group("Surf", time_zone="America/Los_Angeles")
    scene.live("2026-01-31", "2026-02-05", every_hours=1)
    assert [len(scene.items(message)) for message in scene.requests()] == [2]


def test_a_rest_after_part_of_the_money_goes_on_being_asked_for(opened: Scene) -> None:
    opened.live("2026-02-01", "2026-02-04")
    opened.as_olga(confirm_payment, at("2026-02-05"), amount=money("2.00"))
    opened.live("2026-02-05", "2026-02-07")
    assert opened.asked_on() == ["02-04", "02-07"]


def test_admins_are_nudged_every_three_days_while_a_claim_waits(opened: Scene) -> None:
    opened.as_ben(claim_payments, at("2026-02-02"))
    mia = opened.another_group("Music")
    opened.live("2026-02-02", "2026-02-09")
    nudges = opened.cast.messages(notice="claims_waiting")
    assert [message.created_at for message in nudges] == [at("2026-02-05", 9), at("2026-02-08", 9)]
    opened.as_olga(confirm_payment, at("2026-02-10"))
    opened.live("2026-02-10", "2026-02-14")
    assert len(opened.cast.messages(notice="claims_waiting")) == 2
    assert opened.due(mia).status is Status.PENDING


def test_what_was_opened_early_is_asked_for_when_it_is_due(scene: Scene) -> None:
    scene.cast.do(open_next_period, scene.group.id, by=scene.cast.olga, now=START)
    scene.live("2026-01-06", "2026-02-05", every_hours=6)
    assert scene.asked_on() == ["02-04"]


def test_later_due_date_starts_the_count_afresh(cast: Cast) -> None:
    ben = cast.join(cast.group(), "Ben")
    cast.tick(at("2026-02-01"))
    cast.tick(at("2026-02-04"))
    period_id = cast.payment_of(ben).period_id
    change = {"due_on": date(2026, 2, 20), "reason": "pay day", "by": cast.olga, "now": at("2026-02-05")}
    cast.do(edit_period, period_id, **change)
    cast.send(at("2026-02-05"))
    cast.tick(at("2026-02-22"))
    assert cast.payment_of(ben).requests_sent == 1
    cast.tick(at("2026-02-23"))
    assert cast.payment_of(ben).requests_sent == 2


def move_due_date(scene: Scene, day: date, now: datetime) -> None:
    scene.cast.do(
        edit_period, scene.due().period_id, due_on=day, reason="pay later", by=scene.cast.olga, now=now
    )


def test_what_is_due_in_the_future_is_not_overdue(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-25")
    assert scene.due().status is Status.OVERDUE
    move_due_date(scene, date(2026, 6, 1), at("2026-02-26"))
    payment = scene.due()
    assert (payment.status, payment.due_on, payment.pending_at) == (
        Status.PENDING,
        date(2026, 6, 1),
        at("2026-02-26"),
    )
    assert (payment.requests_before, payment.exhausted_at) == (payment.requests_sent, None)
    assert payment.next_action_at == at("2026-06-04", 8)
    line = scene.cast.read(lambda session: session.scalars(select(Event).where(Event.verb == "extend")).one())
    assert (line.actor_id, line.reason) == (scene.cast.olga.id, "pay later")
    scene.cast.read(check_books)
    move_due_date(scene, date(2026, 6, 1), at("2026-02-27"))
    assert scene.due().version == payment.version

    asked = len(scene.requests())
    scene.live("2026-02-27", "2026-06-03", every_hours=12)
    assert len(scene.requests()) == asked
    scene.live("2026-06-04", "2026-06-16", every_hours=6)
    assert (scene.due().status, len(scene.requests()) > asked) == (Status.OVERDUE, True)


@pytest.mark.parametrize("day", [date(2026, 2, 1), date(2026, 2, 5)])
def test_what_stays_late_by_its_new_due_date_stays_overdue(scene: Scene, day: date) -> None:
    scene.live("2026-02-01", "2026-02-25")
    move_due_date(scene, day, at("2026-02-26"))
    assert scene.due().status is Status.OVERDUE


def test_chats_hear_of_a_moved_due_date(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-05")
    [request] = scene.requests()
    with scene.cast.runtime.transaction() as session:
        shown = session.get_one(Message, request.id)
        shown.channel, shown.provider_id, shown.edit_at = Channel.TELEGRAM, "7", None
    move_due_date(scene, date(2026, 6, 1), at("2026-02-06"))
    [request] = scene.requests()
    assert request.edit_at == at("2026-02-06")


def test_used_up_requests_begin_afresh_with_a_later_due_date(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-05")
    payment = scene.due()
    with scene.cast.runtime.transaction() as session:
        session.get_one(Payment, payment.id).exhausted_at = at("2026-02-05")
    move_due_date(scene, date(2026, 2, 2), at("2026-02-06"))
    assert (scene.due().requests_before, scene.due().exhausted_at) == (0, at("2026-02-05"))
    move_due_date(scene, date(2026, 3, 1), at("2026-02-06"))
    assert (scene.due().requests_before, scene.due().exhausted_at) == (1, None)


def test_an_undo_does_not_make_overdue_again_what_is_due_later_since(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-25")
    done = scene.as_olga(confirm_payment, at("2026-02-26"))
    move_due_date(scene, date(2026, 6, 1), at("2026-02-26"))
    with pytest.raises(TooLateToUndo):
        scene.cast.do(undo_decision, done.correlation_id, by=scene.cast.olga, now=at("2026-02-26"))


def test_an_undo_puts_back_when_the_next_request_goes_out(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-26")
    with scene.cast.runtime.transaction() as session:
        payment = session.get_one(Payment, scene.due().id)
        payment.requests_before, payment.exhausted_at = 1, at("2026-02-26")
    before, now = scene.due(), at("2026-02-27", 12)
    done = scene.as_olga(confirm_payment, now, amount=money("2.00"))
    assert scene.due().pending_at == now
    soon = now + timedelta(seconds=3)
    scene.cast.do(undo_decision, done.correlation_id, by=scene.cast.olga, now=soon)
    after = scene.due()
    for name in ("status", "pending_at", "requests_before", "exhausted_at", "next_action_at"):
        assert getattr(after, name) == getattr(before, name), name


def test_an_undo_leaves_alone_what_time_did_meanwhile(scene: Scene) -> None:
    scene.live("2026-02-01", "2026-02-05")
    now = at("2026-02-06")
    done = scene.as_olga(adjust_payment, now, amount=money("3.00"), reason="typo")
    with scene.cast.runtime.transaction() as session:
        session.get_one(Payment, scene.due().id).exhausted_at = now
    scene.cast.do(undo_decision, done.correlation_id, by=scene.cast.olga, now=now)
    assert scene.due().exhausted_at == now


def test_one_person_who_cannot_be_acted_on_holds_nobody_up(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = cast.group()
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    whole = draft_request

    def breaks_for_ben(contact_id: int, *rest: Any, **more: Any) -> Any:
        if contact_id == ben.contact_id:
            raise ZeroDivisionError("planted")
        return whole(contact_id, *rest, **more)

    monkeypatch.setattr(asking, "draft_request", breaks_for_ben)
    cast.tick(at("2026-02-04"))
    assert (cast.payment_of(ben).requests_sent, cast.payment_of(mia).requests_sent) == (0, 1)
    monkeypatch.undo()
    cast.tick(at("2026-02-04", 13))
    assert cast.payment_of(ben).requests_sent == 1
