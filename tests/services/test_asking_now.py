"""Claims about asking by hand: who can be asked, what counts, and taking it back."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from substrack.domain.actors import Actor
from substrack.domain.asking import AskState
from substrack.domain.notices import Channel
from substrack.domain.payments import Status
from substrack.queries.by_hand import find_asked_by_hand
from substrack.queries.group_page import who_owes
from substrack.services.access import NoSuchPayment
from substrack.services.asking_now import NotToBeAsked, ask_people, note_asked_by_hand
from substrack.services.asking_plan import PersonPlan, plan_asking
from substrack.services.asking_undo import stop_asking
from substrack.services.claims import claim_payments
from substrack.services.contact_rows import UnknownContact
from substrack.services.members import leave_group
from substrack.services.payments import confirm_payment
from substrack.services.putting_off import object_to_payments, snooze_payments
from substrack.services.undo import TooLateToUndo
from substrack.store import Address, Contact, Event, Group, Member, Message
from tests.support.cast import Cast, at, make_stranger

OPENED = at("2026-02-01")
NOW = at("2026-02-02")
SOON = NOW + timedelta(seconds=5)


@dataclass
class Scene:
    """Ben and mia owe for February, opened yesterday; by itself nobody is asked before the 4th."""

    cast: Cast
    group: Group
    ben: Member
    mia: Member

    def plan(
        self, member: Member | None = None, now: datetime = NOW, group: Group | None = None
    ) -> PersonPlan:
        contacts = [(member or self.ben).contact_id]
        group_id = group.id if group else None
        (plan,) = self.cast.read(lambda session: plan_asking(session, contacts, group_id=group_id, now=now))
        return plan

    def ask(self, *members: Member, now: datetime = NOW, by: Actor | None = None) -> list[str]:
        """Ask people as olga; return what takes each request back."""
        contacts = [member.contact_id for member in members]
        actor = by or self.cast.olga
        asked = self.cast.do(ask_people, self.cast.workspace_id, contacts, by=actor, now=now)
        return [one.correlation_id for one in asked]

    def note(self, member: Member | None = None, now: datetime = NOW) -> str:
        contact_id = (member or self.ben).contact_id
        return self.cast.do(note_asked_by_hand, contact_id, by=self.cast.olga, now=now).correlation_id

    def stop(self, correlation_id: str, now: datetime = SOON, by: Actor | None = None) -> bool:
        return self.cast.do(stop_asking, correlation_id, by=by or self.cast.olga, now=now)

    def requests(self, member: Member | None = None) -> list[Message]:
        found = self.cast.messages(contact_id=(member or self.ben).contact_id)
        return [one for one in found if one.notice in ("request", "reminder") and one.state != "cancelled"]

    def as_ben(self, act: object, **terms: object) -> None:
        by, payment = Actor.contact(self.ben.contact_id), self.cast.payment_of(self.ben)
        self.cast.do(act, self.ben.contact_id, [payment.id], by=by, now=NOW, **terms)  # type: ignore[arg-type]

    def spoil_address(self, **values: object) -> None:
        with self.cast.runtime.transaction() as session:
            session.execute(update(Address).where(Address.contact_id == self.ben.contact_id).values(**values))


def make_scene(cast: Cast) -> Scene:
    group = cast.group()
    scene = Scene(cast, group, cast.join(group, "Ben"), cast.join(group, "Mia"))
    cast.tick(OPENED)
    return scene


def test_who_is_asked_now_gets_a_request_after_the_undo_time(scene: Scene) -> None:
    plan = scene.plan()
    assert (plan.state, plan.channels, len(plan.items)) == (AskState.READY, (Channel.EMAIL,), 1)

    scene.ask(scene.ben)

    [message] = scene.requests()
    assert (message.notice, message.due_at) == ("request", NOW + timedelta(seconds=10))
    assert scene.requests(scene.mia) == []
    payment = scene.cast.payment_of(scene.ben)
    assert (payment.requests_sent, payment.requested_on) == (1, date(2026, 2, 2))
    assert payment.next_action_at == at("2026-02-05", 9)


def test_a_second_press_asks_nobody_again(scene: Scene) -> None:
    scene.ask(scene.ben, scene.mia)
    assert scene.ask(scene.ben, scene.mia) == []
    assert (len(scene.requests()), len(scene.requests(scene.mia))) == (1, 1)
    assert scene.plan().state is AskState.ON_ITS_WAY


def test_nobody_is_asked_twice_on_a_day_and_two_days_later_only_on_purpose(scene: Scene) -> None:
    scene.ask(scene.ben)
    scene.cast.send(SOON + timedelta(minutes=1))
    assert scene.plan().state is AskState.ASKED_TODAY
    later = scene.plan(now=at("2026-02-04"))
    assert (later.state, later.asked_on, later.is_asked) == (AskState.RECENT, date(2026, 2, 2), False)
    assert len(scene.ask(scene.ben, now=at("2026-02-04"))) == 1
    assert scene.requests()[-1].notice == "reminder"
    assert scene.plan(now=at("2026-02-05")).state is AskState.ON_ITS_WAY


def test_the_sweep_does_not_double_what_was_asked_by_hand(scene: Scene) -> None:
    scene.ask(scene.ben)
    scene.cast.send(at("2026-02-02", 12))
    for day in ("2026-02-03", "2026-02-04"):
        scene.cast.tick(at(day))
    assert len(scene.requests()) == 1
    scene.cast.tick(at("2026-02-05"))
    assert len(scene.requests()) == 2


def test_who_said_paid_waits_for_the_check_and_who_paid_owes_nothing(scene: Scene) -> None:
    scene.as_ben(claim_payments)
    assert scene.plan().state is AskState.TO_CHECK
    scene.cast.do(confirm_payment, scene.cast.payment_of(scene.ben).id, by=scene.cast.olga, now=NOW)
    assert scene.plan().state is AskState.PAID
    assert scene.ask(scene.ben) == []


def test_who_asked_to_wait_is_left_alone_until_then(scene: Scene) -> None:
    scene.as_ben(snooze_payments, until=date(2026, 2, 9))
    plan = scene.plan()
    assert (plan.state, plan.until) == (AskState.SNOOZED, date(2026, 2, 9))
    assert scene.ask(scene.ben) == []
    assert scene.plan(now=at("2026-02-09")).state is AskState.READY


def test_whoever_says_that_something_is_off_is_not_asked(scene: Scene) -> None:
    scene.as_ben(object_to_payments, text="I left in January")
    assert scene.plan().state is AskState.OBJECTED
    assert scene.ask(scene.ben) == []


def test_who_left_is_not_asked(scene: Scene) -> None:
    terms = {"left_on": date(2026, 2, 2), "by": scene.cast.olga, "now": NOW}
    scene.cast.do(leave_group, scene.ben.id, **terms)
    assert scene.plan(now=at("2026-02-03")).state is AskState.LEFT
    assert scene.ask(scene.ben, now=at("2026-02-03")) == []


@pytest.mark.parametrize(
    ("spoilt", "state"),
    [
        ({"refused_since": OPENED}, AskState.UNREACHABLE),
        ({"unsubscribed_at": OPENED}, AskState.UNSUBSCRIBED),
    ],
)
def test_whom_no_request_reaches_can_be_asked_by_hand(
    scene: Scene, spoilt: dict[str, datetime], state: AskState
) -> None:
    scene.spoil_address(**spoilt)
    plan = scene.plan()
    assert (plan.state, plan.can_be_asked, plan.can_be_asked_by_hand) == (state, False, True)
    assert scene.ask(scene.ben) == []

    scene.note()

    payment = scene.cast.payment_of(scene.ben)
    assert (payment.requests_sent, payment.requested_on) == (1, date(2026, 2, 2))
    assert scene.requests() == []


def test_asked_by_hand_counts_once_a_day_and_moves_the_slot(scene: Scene) -> None:
    scene.note()
    with pytest.raises(NotToBeAsked) as refused:
        scene.note()
    assert refused.value.state is AskState.ASKED_TODAY
    assert scene.ask(scene.ben) == []
    payment = scene.cast.payment_of(scene.ben)
    assert (payment.requests_sent, payment.next_action_at) == (1, at("2026-02-05", 9))


def test_what_was_asked_by_hand_lapses_like_what_was_asked_by_mail(scene: Scene) -> None:
    scene.note()
    scene.cast.tick(at("2026-02-15"))
    assert scene.cast.payment_of(scene.ben).status is Status.OVERDUE


def test_one_group_asks_for_its_own_and_for_what_would_be_asked_soon(scene: Scene) -> None:
    vpn = scene.cast.group("VPN", grace_days=0)
    later = scene.cast.group("Pitch", grace_days=14)
    for group in (vpn, later):
        scene.cast.join(group, "Ben", contact_id=scene.ben.contact_id)
    scene.cast.tick(OPENED + timedelta(hours=1))
    scene.cast.do(stop_everything_queued)

    day = at("2026-02-06")
    assert {item.group for item in scene.plan(now=day, group=scene.group).items} == {
        "YouTube Premium",
        "VPN",
    }
    assert {item.group for item in scene.plan(now=day, group=later).items} >= {"Pitch"}
    assert {item.group for item in scene.plan(now=day).items} == {"YouTube Premium", "VPN", "Pitch"}


def stop_everything_queued(session: object) -> None:
    session.execute(update(Message).values(state="cancelled"))  # type: ignore[attr-defined]


def test_after_hours_it_says_when_it_goes_out(scene: Scene) -> None:
    assert scene.plan().waits_until is None
    assert scene.plan(now=at("2026-02-02", 20)).waits_until == at("2026-02-03", 9)


class TestTakingBack:
    def test_it_is_as_if_nobody_had_been_asked(self, scene: Scene) -> None:
        before = scene.cast.payment_of(scene.ben)
        [asked] = scene.ask(scene.ben)

        assert scene.stop(asked)

        after = scene.cast.payment_of(scene.ben)
        for name in ("requests_sent", "requested_on", "next_action_at"):
            assert getattr(after, name) == getattr(before, name), name
        assert scene.requests() == []
        assert scene.plan().state is AskState.READY

    def test_they_can_be_asked_again_on_the_same_day(self, scene: Scene) -> None:
        scene.stop(scene.ask(scene.ben)[0])
        scene.ask(scene.ben, now=SOON)
        [message] = scene.requests()
        assert message.state == "queued"

    def test_too_late_once_it_is_on_its_way(self, scene: Scene) -> None:
        [asked] = scene.ask(scene.ben)
        scene.cast.send(at("2026-02-03"))
        with pytest.raises(TooLateToUndo):
            scene.stop(asked)
        assert scene.cast.payment_of(scene.ben).requests_sent == 1

    def test_too_late_after_ten_seconds(self, scene: Scene) -> None:
        [asked] = scene.ask(scene.ben)
        with pytest.raises(TooLateToUndo):
            scene.stop(asked, now=NOW + timedelta(seconds=11))

    def test_only_by_who_asked(self, scene: Scene) -> None:
        [asked] = scene.ask(scene.ben)
        with pytest.raises(TooLateToUndo):
            scene.stop(asked, by=scene.cast.second_admin())

    def test_what_was_sent_by_hand_is_taken_back_as_well(self, scene: Scene) -> None:
        assert scene.stop(scene.note())
        assert scene.cast.payment_of(scene.ben).requests_sent == 0
        assert scene.plan().state is AskState.READY

    @pytest.mark.parametrize("taken_back", [[0], [1], [0, 1], [1, 0]], ids=str)
    def test_what_they_were_asked_for_besides_counts_on(self, scene: Scene, taken_back: list[int]) -> None:
        vpn = scene.cast.group("VPN", grace_days=20)
        scene.cast.join(vpn, "Ben", contact_id=scene.ben.contact_id)
        scene.cast.tick(NOW)
        mine = {"by": scene.cast.olga, "now": NOW}
        acts = [
            scene.cast.do(note_asked_by_hand, scene.ben.contact_id, group_id=scene.group.id, **mine),
            *scene.cast.do(
                ask_people, scene.cast.workspace_id, [scene.ben.contact_id], group_id=vpn.id, **mine
            ),
        ]
        for number in taken_back:
            assert scene.stop(acts[number].correlation_id)
        asked_on = scene.cast.read(
            lambda session: session.get_one(Contact, scene.ben.contact_id).requested_on
        )
        assert asked_on == (None if len(taken_back) == 2 else NOW.date())

    @pytest.mark.parametrize("ask", ["by hand", "by message"])
    def test_whom_a_restored_backup_lets_rest_goes_on_resting(self, scene: Scene, ask: str) -> None:
        """A request of which nothing is known any more may have reached them on that day."""

        def asked_on() -> date | None:
            return scene.cast.read(
                lambda session: session.get_one(Contact, scene.ben.contact_id).requested_on
            )

        resting = update(Contact).where(Contact.id == scene.ben.contact_id).values(requested_on=NOW.date())
        scene.cast.do(lambda session: session.execute(resting))
        assert scene.stop(scene.note() if ask == "by hand" else scene.ask(scene.ben)[0])
        assert asked_on() == NOW.date()

    def test_anything_else_is_no_asking(self, scene: Scene) -> None:
        assert scene.stop("abcabcabcabc") is False


def test_the_journal_says_who_asked(scene: Scene) -> None:
    scene.ask(scene.ben)
    scene.note(scene.mia)
    query = select(Event.verb, Event.actor_id).where(Event.verb.like("ask%")).order_by(Event.id)
    lines = scene.cast.read(lambda session: [tuple(row) for row in session.execute(query)])
    assert lines == [("ask", scene.cast.olga.id), ("ask_by_hand", scene.cast.olga.id)]


def test_zed_asks_nobody(scene: Scene) -> None:
    zed = make_stranger(scene.cast.runtime)
    with pytest.raises(NoSuchPayment):
        scene.ask(scene.ben, by=zed.olga)
    with pytest.raises(UnknownContact):
        scene.cast.do(note_asked_by_hand, scene.ben.contact_id, by=zed.olga, now=NOW)
    asked = scene.cast.do(ask_people, zed.workspace_id, [scene.ben.contact_id], by=zed.olga, now=NOW)
    assert asked == []
    assert scene.requests() == []


def test_what_todays_request_did_not_name_can_be_asked_for_on_purpose(scene: Scene) -> None:
    scene.ask(scene.ben)
    scene.cast.send(SOON + timedelta(minutes=1))
    phone = scene.cast.group("Phone", "6.00")
    scene.cast.join(phone, "Ben")
    scene.cast.tick(NOW)

    assert scene.plan(group=scene.group).state is AskState.ASKED_TODAY
    plan = scene.plan(group=phone)
    assert plan.state is AskState.ASKED_ELSE
    assert not plan.is_asked
    assert [item.group for item in plan.items] == ["Phone"]

    [undo] = scene.ask(scene.ben)
    assert scene.stop(undo)
    scene.ask(scene.ben)
    assert scene.ask(scene.ben) == []
    _first, second = scene.requests()
    assert "Phone" in scene.cast.text_of(second, NOW)
    assert "YouTube" not in scene.cast.text_of(second, NOW)


def test_when_somebody_was_asked_by_hand_is_known_while_that_is_the_last_time(scene: Scene) -> None:
    def by_hand() -> date | None:
        return scene.cast.read(lambda session: find_asked_by_hand(session, scene.ben.contact_id))

    assert by_hand() is None
    undo = scene.note()
    assert by_hand() == NOW.date()
    scene.stop(undo)
    assert by_hand() is None
    scene.note()
    scene.ask(scene.ben, now=at("2026-02-04"))
    assert by_hand() is None


def test_a_group_knows_whether_anybody_can_still_be_asked_today(scene: Scene) -> None:
    def owing(today: date) -> tuple[bool, bool]:
        found = scene.cast.read(lambda session: who_owes(session, scene.group.id, today=today))
        return found.is_owed, found.can_be_asked

    assert owing(NOW.date()) == (True, True)
    scene.ask(scene.ben, scene.mia)
    assert owing(NOW.date()) == (True, False)
    assert owing(date(2026, 2, 3)) == (True, True)
