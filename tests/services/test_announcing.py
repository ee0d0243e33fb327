"""Claims about prices and periods that are announced: to everybody who shares them, and to nobody twice."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pytest

from substrack.domain.notices import Notice
from substrack.queries.groups import load_terms
from substrack.services.group_edits import edit_group
from substrack.services.groups import archive_group, end_group, pause_group, restore_group, resume_group
from substrack.services.members import leave_group
from substrack.services.prices import set_price
from substrack.store import Group, Member
from substrack.worker.outbox import deliver_due
from tests.support.cast import Cast, at, money

SET = at("2026-02-02")
APRIL = date(2026, 4, 1)


@dataclass
class Scene:
    """A group at 18.00, whose periods of February and March are open, with ben in it."""

    cast: Cast
    group: Group
    ben: Member

    def set_price(self, amount: str = "24.00", *, now: datetime = SET, **terms: Any) -> None:
        chosen: dict[str, Any] = {"from_on": APRIL, "by": self.cast.olga}
        self.cast.do(set_price, self.group.id, amount=money(amount), now=now, **chosen | terms)

    def change(self, act: Callable[..., Any], *, now: datetime, **terms: Any) -> None:
        self.cast.do(act, self.group.id, by=self.cast.olga, now=now, **terms)

    def edit(self, *, now: datetime, **terms: Any) -> None:
        former = self.cast.read(lambda session: load_terms(session, self.group.id))
        self.change(edit_group, terms=replace(former, **terms), now=now)

    def deliver(self, now: datetime) -> None:
        deliver_due(self.cast.runtime, now=now)

    def told(self, member: Member, notice: Notice = Notice.PRICE_CHANGE) -> list[tuple[datetime, str]]:
        """List when somebody is or was told, and of what day."""
        found = self.cast.messages(contact_id=member.contact_id, notice=notice)
        return [
            (message.due_at, message.payload.get("from_on") or message.payload["starts_on"])
            for message in found
            if message.state != "cancelled"
        ]


def make_scene(cast: Cast) -> Scene:
    group = cast.group(price="18.00", heads_up_days=0)
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    cast.tick(at("2026-03-01"))
    return Scene(cast, group, ben)


DUE = at("2026-03-25", 9)
LATE = at("2026-03-27")


class TestPrices:
    def test_one_that_came_to_nothing_while_the_group_rested_is_told_when_it_goes_on(
        self, scene: Scene
    ) -> None:
        scene.set_price()
        scene.change(pause_group, now=at("2026-03-20"))
        scene.deliver(DUE)
        assert scene.told(scene.ben) == []

        scene.change(resume_group, now=LATE)

        assert scene.told(scene.ben) == [(LATE, "2026-04-01")]
        text = scene.cast.text_of(scene.cast.messages(notice=Notice.PRICE_CHANGE)[-1], LATE)
        assert "12.00" in text

    def test_one_that_still_waits_is_told_once(self, scene: Scene) -> None:
        scene.set_price()
        scene.change(pause_group, now=at("2026-03-10"))
        scene.change(resume_group, now=at("2026-03-11"))
        assert scene.told(scene.ben) == [(DUE, "2026-04-01")]

    def test_one_that_was_told_is_not_told_again(self, scene: Scene) -> None:
        scene.set_price()
        scene.deliver(DUE)
        scene.change(pause_group, now=at("2026-03-26"))
        scene.change(resume_group, now=LATE)
        scene.set_price(now=LATE)
        assert scene.told(scene.ben) == [(DUE, "2026-04-01")]

    def test_an_end_that_is_taken_back_brings_it_back(self, scene: Scene) -> None:
        scene.set_price()
        scene.change(end_group, ends_on=date(2026, 3, 31), now=at("2026-03-20"))
        scene.deliver(DUE)
        scene.change(end_group, ends_on=None, now=LATE)
        assert scene.told(scene.ben) == [(LATE, "2026-04-01")]

    def test_so_does_an_end_that_is_taken_out_of_the_form(self, scene: Scene) -> None:
        scene.change(end_group, ends_on=date(2026, 3, 31), now=SET)
        scene.set_price()
        assert scene.told(scene.ben) == []
        scene.edit(ends_on=None, now=at("2026-03-10"))
        assert scene.told(scene.ben) == [(DUE, "2026-04-01")]

    def test_so_does_the_archive_when_it_is_left(self, scene: Scene) -> None:
        scene.set_price()
        scene.change(archive_group, now=at("2026-03-20"))
        scene.deliver(DUE)
        scene.change(restore_group, now=LATE)
        assert scene.told(scene.ben) == [(LATE, "2026-04-01")]

    def test_another_cycle_moves_it(self, scene: Scene) -> None:
        scene.set_price()
        scene.edit(billing_day=15, now=at("2026-03-10"))
        assert scene.told(scene.ben) == [(at("2026-04-08", 8), "2026-04-15")]

    def test_who_joins_before_it_hears_of_it_too(self, scene: Scene) -> None:
        scene.set_price(from_on=date(2026, 6, 1))
        mia = scene.cast.join(scene.group, "Mia", now=at("2026-03-10"))
        [told] = scene.told(mia)
        assert told == (at("2026-05-25", 8), "2026-06-01")
        assert scene.told(scene.ben) == [told]
        for day in ("2026-04-01", "2026-05-01"):
            scene.cast.tick(at(day))
        text = scene.cast.text_of(scene.cast.messages(contact_id=mia.contact_id)[0], told[0])
        assert "Your share until then: 6.00" in text
        assert "Your new share: 8.00" in text

    def test_who_shares_from_it_on_knows_no_other(self, scene: Scene) -> None:
        scene.set_price()
        mia = scene.cast.join(scene.group, "Mia", now=at("2026-03-10"))
        scene.edit(description="Ours", now=at("2026-03-11"))
        assert scene.told(mia) == []

    def test_who_stays_after_all_hears_of_it(self, scene: Scene) -> None:
        for left_on in (date(2026, 3, 20), date(2026, 8, 1)):
            scene.cast.do(leave_group, scene.ben.id, left_on=left_on, by=scene.cast.olga, now=SET)
            if left_on.month == 3:
                scene.set_price()
                assert scene.told(scene.ben) == []
        assert scene.told(scene.ben) == [(DUE, "2026-04-01")]

    def test_one_that_was_set_without_a_word_stays_untold(self, scene: Scene) -> None:
        scene.set_price(announces=False)
        mia = scene.cast.join(scene.group, "Mia", now=at("2026-02-10"))
        scene.change(pause_group, now=at("2026-03-10"))
        scene.change(resume_group, now=at("2026-03-11"))
        assert scene.told(scene.ben) == scene.told(mia) == []

    def test_of_several_each_is_told_as_it_comes(self, scene: Scene) -> None:
        scene.set_price("24.00", from_on=date(2026, 5, 1))
        scene.set_price("30.00", from_on=date(2026, 7, 1))
        mia = scene.cast.join(scene.group, "Mia", now=at("2026-03-10"))
        assert [day for _due, day in scene.told(mia)] == ["2026-05-01", "2026-07-01"]


class TestHeadsUps:
    @pytest.fixture(autouse=True)
    def wanted(self, scene: Scene) -> None:
        """Let the group announce each period five days ahead."""
        scene.edit(heads_up_days=5, now=at("2026-03-02"))

    def told(self, scene: Scene, member: Member) -> list[tuple[datetime, str]]:
        return scene.told(member, Notice.HEADS_UP)

    def test_who_wants_them_gets_the_next_one(self, scene: Scene) -> None:
        assert self.told(scene, scene.ben) == [(at("2026-03-27", 9), "2026-04-01")]

    def test_one_that_came_to_nothing_while_the_group_rested_is_told_when_it_goes_on(
        self, scene: Scene
    ) -> None:
        scene.change(pause_group, now=at("2026-03-20"))
        scene.deliver(at("2026-03-27", 10))
        assert self.told(scene, scene.ben) == []
        for _ in range(2):
            scene.change(resume_group, now=at("2026-03-28"))
        assert self.told(scene, scene.ben) == [(at("2026-03-28"), "2026-04-01")]

    def test_who_joins_hears_of_the_next_period_too(self, scene: Scene) -> None:
        mia = scene.cast.join(scene.group, "Mia", now=at("2026-03-10"))
        assert self.told(scene, mia) == self.told(scene, scene.ben)

    def test_another_cycle_moves_it(self, scene: Scene) -> None:
        scene.edit(billing_day=15, now=at("2026-03-10"))
        assert self.told(scene, scene.ben)[-1] == (at("2026-04-10", 8), "2026-04-15")
        scene.deliver(at("2026-04-10"))
        assert self.told(scene, scene.ben) == [(at("2026-04-10", 8), "2026-04-15")]

    def test_nobody_hears_of_a_period_twice(self, scene: Scene) -> None:
        scene.deliver(at("2026-03-27", 10))
        scene.change(pause_group, now=at("2026-03-28"))
        scene.change(resume_group, now=at("2026-03-29"))
        assert len(self.told(scene, scene.ben)) == 1
