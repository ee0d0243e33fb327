"""Claims about jumps of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from substrack.domain.clock import ClockReading, jump_between, seconds_since

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall", "boot", "jump"),
    [
        (timedelta(seconds=60), 60.0, None),
        (timedelta(hours=9), 9 * 3600.0, None),  # the machine slept: boot time ran on
        (timedelta(seconds=120), 60.0, None),  # within the tolerance
        (timedelta(seconds=121), 60.0, timedelta(seconds=61)),
        (timedelta(days=365), 60.0, timedelta(days=365, seconds=-60)),
        (timedelta(hours=-1), 60.0, timedelta(hours=-1, seconds=-60)),
        (timedelta(0), 61.0, timedelta(seconds=-61)),
    ],
)
def test_only_a_clock_that_was_set_has_jumped(wall: timedelta, boot: float, jump: timedelta | None) -> None:
    before, after = ClockReading(NOW, 1000.0), ClockReading(NOW + wall, 1000.0 + boot)

    assert jump_between(before, after) == jump


def test_seconds_since_an_instant_are_whole_and_never_below_nothing() -> None:
    assert seconds_since(NOW - timedelta(seconds=61.9), NOW) == 61
    assert seconds_since(NOW + timedelta(seconds=5), NOW) == 0
    assert seconds_since(None, NOW) is None
