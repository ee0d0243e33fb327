"""The daily backup: one a day for all workers, old ones removed, and failures that stop nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from substrack.bootstrap import Runtime
from substrack.queries.installation import InstallationRow, load_installation
from substrack.services.backup_turns import take_backup_turn
from substrack.upkeep.archive import verify
from substrack.upkeep.backups import make_backup
from substrack.upkeep.keeping import remove_old_backups
from substrack.worker.backing_up import back_up_daily
from tests.support.post import NOW, Post, open_post

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def post(runtime: Runtime) -> Post:
    return open_post(runtime)


def back_up(post: Post, now: datetime, *, stops: bool = False) -> list[str]:
    """Let a worker look at its clock; return the backups there are then."""
    back_up_daily(replace(post.runtime, clock=lambda: now), stop=lambda: stops)
    return kept(post)


def kept(post: Post) -> list[str]:
    return sorted(path.name for path in post.runtime.settings.backups_go_to.glob("*"))


def status(post: Post) -> InstallationRow:
    with post.runtime.reading() as session:
        return load_installation(session)


def test_of_four_workers_one_makes_it_and_the_next_one_is_tomorrow(post: Post) -> None:
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda _: back_up(post, NOW), range(4), timeout=60))
    assert kept(post) == ["substrack-20260301T090000Z-daily.zip"]
    assert verify(post.runtime.settings.backups_go_to / kept(post)[0]).reason == "daily"
    assert status(post).backup_at == NOW

    assert len(back_up(post, NOW + 14 * HOUR)) == 1
    assert len(back_up(post, NOW + 15 * HOUR)) == 2


def test_who_dies_over_it_is_stood_in_for_within_the_hour(post: Post) -> None:
    with post.runtime.transaction() as session:
        assert take_backup_turn(session, now=NOW)

    assert back_up(post, NOW + HOUR / 2) == []
    assert len(back_up(post, NOW + HOUR)) == 1


@pytest.mark.only_sqlite
def test_one_that_is_told_to_stop_leaves_its_turn_to_the_next(post: Post) -> None:
    assert back_up(post, NOW, stops=True) == []
    assert len(back_up(post, NOW)) == 1


@pytest.mark.only_sqlite
def test_a_failure_is_told_and_tried_again_in_an_hour(post: Post) -> None:
    in_the_way = post.runtime.settings.backups_go_to
    in_the_way.touch()
    back_up(post, NOW)
    assert "can't be written into" in str(status(post).backup_error)

    in_the_way.unlink()
    assert back_up(post, NOW + HOUR / 2) == []
    assert len(back_up(post, NOW + HOUR)) == 1
    assert status(post).backup_error is None


@pytest.mark.only_sqlite
@pytest.mark.parametrize("facts", [{"backups": False}, {"now": NOW}])
def test_none_is_made_when_they_are_off_or_the_clock_stands_still(post: Post, facts: dict[str, Any]) -> None:
    settings = evolve(post.runtime.settings, **facts)
    back_up_daily(replace(post.runtime, settings=settings), stop=lambda: False)

    assert kept(post) == []


@pytest.mark.only_sqlite
def test_nothing_is_backed_up_before_somebody_has_set_something_up(runtime: Runtime) -> None:
    back_up_daily(runtime, stop=lambda: False)

    assert not runtime.settings.backups_go_to.exists()


@pytest.mark.only_sqlite
class TestOldOnes:
    def test_days_go_and_whatever_else_lies_there_stays(self, post: Post) -> None:
        directory = post.runtime.settings.backups_go_to
        directory.mkdir()
        for name in ("substrack-20200101T000000Z-daily.zip", "photos.zip"):
            (directory / name).write_text("of somebody else")
        make_backup(post.runtime.read_engine, directory, reason="by-hand", now=NOW - 400 * DAY)
        for day in range(12):
            back_up(post, NOW + day * DAY)

        days = [f"substrack-202603{day:02}T090000Z-daily.zip" for day in (1, 6, 7, 8, 9, 10, 11, 12)]
        assert kept(post) == [
            "photos.zip",
            "substrack-20200101T000000Z-daily.zip",
            "substrack-20250125T090000Z-by-hand.zip",
            *days,
        ]

    def test_those_of_another_installation_stay(self, post: Post) -> None:
        directory = post.runtime.settings.backups_go_to
        for day in range(20):
            make_backup(post.runtime.read_engine, directory, reason="daily", now=NOW + day * DAY)

        assert remove_old_backups(directory, fingerprints={"of another key"}) == []
        assert len(kept(post)) == 20
