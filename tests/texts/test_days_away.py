"""Claims about days as people think of them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from substrack.texts.days_away import NEAR_DAYS, days_away

TODAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, "today, 1 Mar 2026"),
        (1, "tomorrow, 2 Mar 2026"),
        (-1, "yesterday, 28 Feb 2026"),
        (4, "in 4 days, 5 Mar 2026"),
        (-9, "9 days ago, 20 Feb 2026"),
        (NEAR_DAYS, "in 60 days, 30 Apr 2026"),
        (NEAR_DAYS + 1, "1 May 2026"),
        (-400, "25 Jan 2025"),
    ],
)
def test_a_day_is_named_with_how_far_away_it_is_unless_that_is_far(days: int, said: str) -> None:
    assert days_away(TODAY + timedelta(days=days), TODAY, "en") == said
