"""A rhythm that is changed before the first period: it begins at the start, or where the group went on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.cycles import Unit
from substrack.queries.groups import load_terms, prices
from substrack.services.group_edits import edit_group
from substrack.services.groups import archive_group, end_group, pause_group, restore_group, resume_group
from substrack.store import Group, Period
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
        query = select(Period.starts_on).where(Period.group_id == self.group.id).order_by(Period.sequence)
        return self.cast.read(lambda session: [str(day) for day in session.scalars(query)])


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
    assert scene.starts(at("2026-03-02")) == ["2026-03-01"]


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
