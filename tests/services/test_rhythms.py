"""A rhythm that is changed before the first period: it begins at the start, or where the group went on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from substrack.domain.cycles import Unit
from substrack.queries.groups import load_terms, prices
from substrack.services.group_edits import edit_group
from substrack.services.groups import archive_group, end_group, pause_group, restore_group, resume_group
from substrack.services.periods import open_next_period
from substrack.services.voiding import void_period
from substrack.store import Event, Group, Period
from tests.support.cast import START, Cast, at, money

RESUMED = at("2026-01-20")
MONTHLY: dict[str, Any] = {"unit": Unit.MONTH, "billing_day": 1}
WEEKLY: dict[str, Any] = {"unit": Unit.WEEK, "billing_day": None}


@dataclass
class Scene:
    """Olga's weekly group with ben, from 5 January 2026."""

    cast: Cast
    group: Group

    def do(self, act: Callable[..., Any], *, now: datetime = RESUMED, **terms: Any) -> None:
        self.cast.do(act, self.group.id, by=self.cast.olga, now=now, **terms)

    def edit(self, *, now: datetime = RESUMED, **changes: Any) -> None:
        terms = self.cast.read(lambda session: load_terms(session, self.group.id))
        self.do(edit_group, now=now, terms=replace(terms, **changes))

    def starts(self, now: datetime) -> list[str]:
        """List the first days of all that is open by then."""
        while self.cast.tick(now).periods_opened:
            pass
        live = Period.group_id == self.group.id, Period.voided_at.is_(None)
        query = select(Period.starts_on).where(*live).order_by(Period.sequence)
        return self.cast.read(lambda session: [str(day) for day in session.scalars(query)])

    def forget_where_it_went_on(self) -> None:
        """Let the journal say no more than it did before it kept where a group went on."""
        with self.cast.runtime.transaction() as session:
            for event in session.scalars(select(Event).where(Event.group_id == self.group.id)):
                facts = {key: said for key, said in (event.after or {}).items() if key != "went_on_from"}
                session.execute(update(Event).where(Event.id == event.id).values(after=facts))


def make_scene(cast: Cast) -> Scene:
    group = cast.group(starts_on=date(2026, 1, 5), **WEEKLY)
    cast.join(group, "Ben")
    return Scene(cast, group)


def test_one_that_is_changed_and_changed_back_bills_nothing_of_a_pause(scene: Scene) -> None:
    scene.do(pause_group, now=START)
    scene.do(resume_group)
    scene.edit(**MONTHLY)
    scene.edit(**WEEKLY)
    assert scene.starts(at("2026-02-03")) == ["2026-01-26", "2026-02-02"]


def test_nor_of_the_archive(scene: Scene) -> None:
    scene.do(archive_group, now=START)
    scene.do(restore_group)
    scene.edit(**MONTHLY)
    scene.edit(**WEEKLY, every=2)
    assert scene.starts(at("2026-01-27")) == ["2026-01-26"]


@pytest.mark.parametrize("in_the_form", [False, True])
def test_nor_of_the_time_after_an_end_that_is_taken_back(scene: Scene, in_the_form: bool) -> None:
    scene.do(end_group, now=START, ends_on=date(2026, 1, 25))
    scene.do(pause_group, now=START)
    scene.do(resume_group)
    if in_the_form:
        scene.edit(now=at("2026-02-10"), ends_on=None)
    else:
        scene.do(end_group, now=at("2026-02-10"), ends_on=None)
    scene.edit(now=at("2026-02-10"), **MONTHLY)
    scene.edit(now=at("2026-02-10"), **WEEKLY)
    assert scene.starts(at("2026-02-20")) == ["2026-02-16"]


def test_nor_when_the_end_goes_with_the_rhythm(scene: Scene) -> None:
    scene.do(end_group, now=START, ends_on=date(2026, 1, 25))
    scene.do(pause_group, now=START)
    scene.do(resume_group)
    scene.edit(now=at("2026-02-10"), ends_on=None, **MONTHLY)
    scene.edit(now=at("2026-02-10"), **WEEKLY)
    assert scene.starts(at("2026-02-20")) == ["2026-02-16"]


def test_after_a_pause_that_skipped_nothing_it_begins_at_the_start(scene: Scene) -> None:
    scene.edit(now=START, **MONTHLY)
    scene.do(pause_group, now=START)
    scene.do(resume_group, now=at("2026-01-02"))
    scene.edit(now=at("2026-01-02"), ends_on=date(2026, 12, 31), **WEEKLY)
    assert scene.starts(at("2026-01-06")) == ["2026-01-05"]


def test_a_start_that_is_given_later_counts_from_then_on(scene: Scene) -> None:
    scene.do(pause_group, now=START)
    scene.do(resume_group)
    scene.edit(starts_on=date(2026, 1, 12))
    scene.edit(**MONTHLY)
    scene.edit(**WEEKLY)
    assert scene.starts(RESUMED) == ["2026-01-12", "2026-01-19"]


def test_a_price_from_the_same_day_stays_when_an_earlier_start_comes_back(scene: Scene) -> None:
    scene.edit(now=START, unit=Unit.MONTH, billing_day=20)
    scene.edit(now=START, price=money("24.00"))
    scene.edit(now=START, billing_day=1)
    scene.edit(now=START, billing_day=20)
    found = scene.cast.read(lambda session: prices(session, scene.group.id))
    assert found == [(date(2026, 1, 5), money("17.99")), (date(2026, 1, 20), money("24.00"))]


def monthly_scene(cast: Cast, **terms: Any) -> Scene:
    group = cast.group(**terms)
    cast.join(group, "Ben")
    return Scene(cast, group)


def pause_for_a_moment(scene: Scene) -> None:
    scene.do(pause_group, now=START)
    scene.do(resume_group, now=START)


def end_in_december(scene: Scene) -> None:
    scene.do(end_group, now=START, ends_on=date(2026, 12, 31))


@pytest.mark.parametrize("is_older", [False, True])
@pytest.mark.parametrize("act", [pause_for_a_moment, end_in_december])
def test_a_place_that_was_given_back_is_no_rest(
    cast: Cast, act: Callable[[Scene], None], is_older: bool
) -> None:
    scene = monthly_scene(cast)
    slip = cast.do(open_next_period, scene.group.id, by=cast.olga, now=START)
    scene.edit(now=START, billing_day=15)
    cast.do(void_period, slip.id, reason="a slip", by=cast.olga, now=START)
    act(scene)
    if is_older:
        scene.forget_where_it_went_on()
    scene.edit(now=START, billing_day=1)
    assert scene.starts(at("2026-03-05")) == ["2026-02-01", "2026-03-01"]


@pytest.mark.parametrize("is_older", [False, True])
def test_an_end_that_kept_nothing_off_is_no_rest(cast: Cast, is_older: bool) -> None:
    scene = monthly_scene(cast, ends_on=date(2026, 2, 10), billing_day=15)
    scene.edit(now=START, ends_on=None, billing_day=28)
    if is_older:
        scene.forget_where_it_went_on()
    scene.edit(now=START, billing_day=15)
    assert scene.starts(at("2026-04-20")) == ["2026-02-15", "2026-03-15", "2026-04-15"]


@pytest.mark.parametrize("by_way_of", [{}, {"billing_day": 15}])
def test_a_rhythm_begins_where_the_rest_left_off_whatever_was_tried_between(
    cast: Cast, by_way_of: dict[str, Any]
) -> None:
    scene = monthly_scene(cast, ends_on=date(2026, 2, 1))
    scene.do(pause_group, now=START)
    scene.do(resume_group, now=at("2026-06-10"))
    scene.edit(now=at("2026-07-10"), ends_on=None, **by_way_of)
    scene.edit(now=at("2026-07-10"), billing_day=5)
    assert scene.starts(at("2026-08-20")) == ["2026-08-05"]


def test_a_rest_from_before_the_journal_kept_its_day_counts(scene: Scene) -> None:
    scene.do(end_group, now=START, ends_on=date(2026, 1, 25))
    scene.do(pause_group, now=START)
    scene.do(resume_group)
    scene.forget_where_it_went_on()
    scene.edit(now=at("2026-02-10"), ends_on=None)
    scene.forget_where_it_went_on()
    scene.edit(now=at("2026-02-10"), **MONTHLY)
    scene.edit(now=at("2026-02-10"), **WEEKLY)
    assert scene.starts(at("2026-02-20")) == ["2026-02-16"]


@pytest.mark.parametrize("rest", [(pause_group, resume_group), (archive_group, restore_group)])
def test_so_does_one_by_pause_or_archive(scene: Scene, rest: tuple[Callable[..., Any], ...]) -> None:
    scene.do(rest[0], now=START)
    scene.do(rest[1])
    scene.forget_where_it_went_on()
    scene.edit(**MONTHLY)
    scene.edit(**WEEKLY)
    assert scene.starts(at("2026-02-03")) == ["2026-01-26", "2026-02-02"]
