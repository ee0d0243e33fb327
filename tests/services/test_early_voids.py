"""A period that was opened early and is voided: its days come again in their time, and only once."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.cycles import Unit
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.queries.faults import Window
from substrack.queries.groups import load_terms
from substrack.queries.period_faults import missing_periods, periods_apart
from substrack.services.group_edits import CurrencyFrozen, edit_group
from substrack.services.groups import pause_group, resume_group
from substrack.services.payments import confirm_payment
from substrack.services.periods import open_next_period
from substrack.services.voiding import PlaceAhead, PlaceTaken, restore_period, void_period
from substrack.store import Contact, Event, Group, Member, Message, Period, new_public_id
from substrack.worker.outbox import deliver_due
from tests.support.books import check_books
from tests.support.cast import Cast, at, money

SLIP = at("2026-03-02")


@dataclass
class Scene:
    """A group of olga and ben whose February and March are open."""

    cast: Cast
    group: Group
    ben: Member

    def open(self, now: Any = SLIP) -> int:
        return self.cast.do(open_next_period, self.group.id, by=self.cast.olga, now=now).id

    def void(self, period_id: int, now: Any = SLIP) -> None:
        self.cast.do(void_period, period_id, reason="a slip", by=self.cast.olga, now=now)

    def restore(self, period_id: int, now: Any = SLIP) -> None:
        self.cast.do(restore_period, period_id, by=self.cast.olga, now=now)

    def edit(self, *, now: Any = SLIP, **changes: Any) -> None:
        terms = self.cast.read(lambda session: load_terms(session, self.group.id))
        for name, value in changes.items():
            terms = type(terms)(**{**vars(terms), name: value})
        self.cast.do(edit_group, self.group.id, terms, by=self.cast.olga, now=now)

    def live(self) -> list[tuple[int, str]]:
        query = select(Period).where(Period.voided_at.is_(None)).order_by(Period.starts_on)
        return self.cast.read(lambda s: [(one.sequence, str(one.starts_on)) for one in s.scalars(query)])

    def check(self) -> None:
        self.cast.read(check_books)
        faults = self.cast.read(
            lambda s: [*missing_periods(s, Window(0, 1_000)), *periods_apart(s, Window(0, 1_000))]
        )
        assert faults == []


def make_scene(cast: Cast) -> Scene:
    group = cast.group(price="9.00")
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-03-01"))
    return Scene(cast, group, ben)


def test_what_was_opened_early_and_is_void_opens_again_in_its_time(scene: Scene) -> None:
    scene.void(scene.open())
    scene.check()

    scene.cast.tick(at("2026-03-31"))
    assert len(scene.live()) == 2
    scene.cast.tick(at("2026-05-01"))

    assert scene.live()[2:] == [(3, "2026-04-01"), (4, "2026-05-01")]
    scene.check()


def test_what_had_been_paid_for_it_settles_it_when_it_opens_again(scene: Scene) -> None:
    period_id = scene.open()
    scene.cast.do(confirm_payment, _payment(scene, period_id).id, by=scene.cast.olga, now=SLIP)
    scene.void(period_id)

    scene.cast.tick(at("2026-04-01"))

    [again] = [one for one in scene.cast.payments(voided_at=None, kind="dues") if one.received_minor]
    assert again.period_id != period_id
    scene.check()


def test_what_is_void_after_its_time_stays_void(scene: Scene) -> None:
    scene.cast.tick(at("2026-04-01"))
    april = scene.cast.payments(kind="dues")[-1].period_id
    assert april is not None
    scene.void(april, now=at("2026-04-01", 12))

    scene.cast.tick(at("2026-05-01"))

    assert scene.live()[2:] == [(4, "2026-05-01")]
    scene.check()


def test_two_slips_come_again_whichever_is_voided_first(scene: Scene) -> None:
    april, may = scene.open(), scene.open()
    scene.void(april)
    scene.check()
    scene.void(may)
    scene.check()

    scene.cast.tick(at("2026-05-01"))

    assert scene.live()[2:] == [(3, "2026-04-01"), (4, "2026-05-01")]


def test_one_below_a_live_period_does_not_open_again(scene: Scene) -> None:
    april = scene.open()
    scene.open()
    scene.void(april)

    scene.cast.tick(at("2026-06-01"))

    assert scene.live()[2:] == [(4, "2026-05-01"), (5, "2026-06-01")]
    scene.check()


def test_a_restore_takes_the_place_again(scene: Scene) -> None:
    april = scene.open()
    scene.void(april)
    scene.restore(april)

    scene.cast.tick(at("2026-05-01"))

    assert scene.live()[2:] == [(3, "2026-04-01"), (4, "2026-05-01")]
    scene.check()


def test_a_restore_is_refused_once_the_place_is_taken(scene: Scene) -> None:
    april = scene.open()
    scene.void(april)
    scene.cast.tick(at("2026-04-01"))
    with pytest.raises(PlaceTaken):
        scene.restore(april)
    scene.check()


def test_a_restore_leaves_no_place_out(scene: Scene) -> None:
    april, may = scene.open(), scene.open()
    scene.void(may)
    scene.void(april)
    with pytest.raises(PlaceAhead):
        scene.restore(may)
    scene.restore(april)
    scene.restore(may)
    scene.check()


def test_a_group_that_rests_goes_on_with_what_it_gave_back(scene: Scene) -> None:
    april = scene.open()
    scene.cast.do(pause_group, scene.group.id, by=scene.cast.olga, now=SLIP)
    scene.void(april)
    scene.cast.tick(at("2026-04-02"))
    assert len(scene.live()) == 2

    scene.cast.do(resume_group, scene.group.id, by=scene.cast.olga, now=at("2026-04-10"))
    scene.cast.tick(at("2026-05-01"))

    assert scene.live()[2:] == [(3, "2026-05-01")]
    scene.check()


@pytest.mark.parametrize("restores", [False, True])
def test_a_rhythm_that_was_changed_meanwhile_begins_where_nothing_is_open(
    scene: Scene, restores: bool
) -> None:
    april = scene.open()
    scene.edit(unit=Unit.WEEK, every=2, billing_day=None)
    scene.void(april)
    if restores:
        scene.restore(april)

    scene.cast.tick(at("2026-05-03"))

    weekly = ["2026-04-01", "2026-04-15", "2026-04-29"]
    assert [day for _, day in scene.live()[2:]] == (["2026-04-01", "2026-05-01"] if restores else weekly)
    scene.check()


def test_a_restored_month_is_not_opened_again_in_weeks(scene: Scene) -> None:
    april = scene.open()
    scene.void(april)
    scene.edit(unit=Unit.WEEK, every=1, billing_day=None)
    scene.restore(april)

    scene.cast.tick(at("2026-05-02"))

    assert [day for _, day in scene.live()[2:]] == ["2026-04-01", "2026-05-01"]
    scene.check()


def test_a_month_does_not_come_back_among_its_weeks(scene: Scene) -> None:
    april = scene.open()
    scene.void(april)
    scene.edit(unit=Unit.WEEK, every=1, billing_day=None)
    scene.cast.tick(at("2026-04-09"))
    first = scene.cast.read(
        lambda s: s.scalars(select(Period.id).where(Period.sequence == 3, Period.voided_at.is_(None))).one()
    )
    scene.void(first, now=at("2026-04-10"))
    with pytest.raises(PlaceTaken):
        scene.restore(april, now=at("2026-04-10"))


def test_the_currency_stays_even_when_the_first_period_is_given_back(cast: Cast) -> None:
    group = cast.group(price="9.00")
    scene = Scene(cast, group, cast.join(group, "Ben"))
    first = scene.open(now=at("2026-01-20"))
    scene.void(first, now=at("2026-01-20"))
    with pytest.raises(CurrencyFrozen):
        scene.edit(currency="USD", price=money("9.00", "USD"))

    scene.cast.tick(at("2026-02-01"))

    assert scene.live() == [(1, "2026-02-01")]
    scene.check()


def test_an_advance_that_would_be_due_already_stays_void(scene: Scene) -> None:
    april = scene.open()
    scene.edit(collect_days_before=40)
    scene.void(april)

    scene.cast.tick(at("2026-03-10"))

    assert [sequence for sequence, _ in scene.live()] == [1, 2]


def test_the_journal_tells_whether_it_opens_again(scene: Scene) -> None:
    april = scene.open()
    scene.void(april)
    scene.cast.tick(at("2026-04-01"))
    late = scene.cast.payments(kind="dues", voided_at=None)[-1].period_id
    assert late is not None
    scene.void(late, now=at("2026-04-02"))
    query = select(Event.after).where(Event.verb == "void_period").order_by(Event.id)
    told = scene.cast.read(lambda s: [(after or {}).get("opens_again") for after in s.scalars(query)])
    assert told == [True, None]


def test_nobody_is_told_twice_of_what_comes(cast: Cast) -> None:
    group = cast.group(price="9.00", heads_up_days=3)
    scene = Scene(cast, group, cast.join(group, "Ben"))
    cast.tick(at("2026-03-01"))
    scene.void(scene.open())
    for day in ("2026-03-29", "2026-04-01", "2026-04-28", "2026-05-01"):
        cast.tick(at(day))
        cast.send(at(day))
    told = [one.payload["starts_on"] for one in cast.messages(notice="heads_up", state="sent")]
    assert sorted(told) == ["2026-04-01", "2026-05-01"]


class TestAnnouncements:
    """A group from 1 February, whose first period was opened on 20 January, and voided on the day after."""

    EARLY, VOIDED = at("2026-01-20"), at("2026-01-21")

    def slip(self, cast: Cast, *, heads_up_days: int = 3) -> tuple[Scene, int]:
        group = cast.group(price="9.00", heads_up_days=heads_up_days)
        scene = Scene(cast, group, cast.join(group, "Ben"))
        return scene, scene.open(now=self.EARLY)

    def told(self, scene: Scene, *days: str) -> list[tuple[str, str]]:
        """Send what is due on some days, and list who was told of which."""
        for day in days:
            scene.cast.tick(at(day))
            deliver_due(scene.cast.runtime, now=at(day))
        sent = scene.cast.messages(notice="heads_up", state="sent")
        found = {member.contact_id: member.name for member in self.people(scene)}
        return sorted((found[one.contact_id or 0], one.payload["starts_on"]) for one in sent)

    def people(self, scene: Scene) -> list[Any]:
        query = select(Member.contact_id, Contact.name).join(Contact, Contact.id == Member.contact_id)
        return scene.cast.read(lambda session: list(session.execute(query)))

    @pytest.mark.parametrize("joins", [False, True])
    def test_an_edit_after_it_opened_again_announces_nothing_twice(self, cast: Cast, joins: bool) -> None:
        scene, february = self.slip(cast)
        if joins:
            cast.join(scene.group, "Mia", now=self.EARLY)
        scene.void(february, now=self.VOIDED)
        cast.tick(at("2026-02-01"))
        scene.edit(now=at("2026-02-10"), grace_days=4)
        people = ["Ben", "Mia"] if joins else ["Ben"]
        assert self.told(scene, "2026-02-27") == [(name, "2026-03-01") for name in people]

    def test_another_billing_day_meanwhile_is_announced(self, cast: Cast) -> None:
        scene, february = self.slip(cast)
        scene.void(february, now=self.VOIDED)
        scene.edit(now=at("2026-01-22"), billing_day=15)
        assert self.told(scene, "2026-02-15", "2026-02-27", "2026-03-13") == [("Ben", "2026-03-15")]

    def test_so_is_one_that_is_changed_back(self, cast: Cast) -> None:
        scene, february = self.slip(cast, heads_up_days=35)
        scene.void(february, now=self.VOIDED)
        scene.edit(now=at("2026-01-22"), billing_day=15)
        assert self.told(scene, "2026-01-26") == []
        scene.edit(now=at("2026-01-27"), billing_day=1)
        assert self.told(scene, "2026-02-01") == [("Ben", "2026-03-01")]

    def test_who_heard_before_the_void_hears_no_more_of_it(self, cast: Cast) -> None:
        scene, february = self.slip(cast, heads_up_days=60)
        cast.join(scene.group, "Mia", now=self.EARLY)
        heard = [("Ben", "2026-03-01"), ("Mia", "2026-03-01")]
        deliver_due(cast.runtime, now=self.EARLY)
        scene.void(february, now=self.VOIDED)
        scene.edit(now=self.VOIDED, grace_days=4)
        assert self.told(scene, "2026-02-01") == heard
        scene.edit(now=at("2026-02-10"), grace_days=5)
        assert self.told(scene, "2026-02-10") == heard

    def test_who_heard_of_it_one_way_does_not_hear_of_it_another_way(self, cast: Cast) -> None:
        scene, february = self.slip(cast, heads_up_days=60)
        with cast.runtime.transaction() as session:
            letter = session.scalars(select(Message).where(Message.notice == Notice.HEADS_UP)).one()
            row = {one.key: getattr(letter, one.key) for one in Message.__table__.columns if one.key != "id"}
            in_the_chat = {
                "public_id": new_public_id(),
                "dedupe_key": "in the chat",
                "state": MessageState.SENT,
            }
            session.add(Message(**row | in_the_chat))
            letter.state = MessageState.DEAD
        scene.void(february, now=self.VOIDED)
        cast.tick(at("2026-02-01"))
        assert [one.state for one in cast.messages(notice="heads_up")] == ["dead", "sent"]

    def test_a_restore_announces_it_again(self, cast: Cast) -> None:
        scene, february = self.slip(cast)
        for _ in range(2):
            scene.void(february, now=self.VOIDED)
            assert cast.messages(notice="heads_up", state="queued") == []
            scene.restore(february, now=self.VOIDED)
        assert self.told(scene, "2026-02-27") == [("Ben", "2026-03-01")]

    def test_what_comes_next_stays_announced(self, scene: Scene) -> None:
        scene.edit(heads_up_days=5)
        april = scene.open()
        scene.void(april)
        waiting = scene.cast.messages(notice="heads_up", state="queued")
        assert [one.payload["starts_on"] for one in waiting] == ["2026-04-01"]


def _payment(scene: Scene, period_id: int) -> Any:
    return scene.cast.payments(period_id=period_id, member_id=scene.ben.id)[0]
