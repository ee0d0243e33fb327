"""Claims about which keys are known to have signed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from substrack.domain.key_history import MISSED_FOR, REMEMBERED, FormerKey, KeyHistory

TODAY = date(2026, 11, 30)


def after(*fingerprints: str) -> KeyHistory:
    """Let keys sign one after the other, a day each, the last one from today on."""
    history = KeyHistory(fingerprints[0])
    for place, fingerprint in enumerate(fingerprints[1:], 2):
        history = history.followed_by(fingerprint, today=TODAY - timedelta(days=len(fingerprints) - place))
    return history


@pytest.mark.parametrize("fingerprints", [("a",), ("a", "b"), ("a", "b", "c")])
def test_what_is_written_is_read(fingerprints: tuple[str, ...]) -> None:
    history = after(*fingerprints)
    assert KeyHistory.read(str(history)) == history


def test_the_latest_stands_first_with_its_last_day() -> None:
    day_before = TODAY - timedelta(days=1)
    assert after("a", "b", "c") == KeyHistory("c", (FormerKey("b", TODAY), FormerKey("a", day_before)))


def test_a_key_that_signs_again_is_no_former_one() -> None:
    assert after("a", "b", "a") == KeyHistory("a", (FormerKey("b", TODAY),))


def test_a_former_key_is_missed_as_long_as_its_links_live() -> None:
    history = after("a", "b")
    assert history.missing(["b", "a"], today=TODAY) == []
    assert history.missing(["b"], today=TODAY + MISSED_FOR) == [FormerKey("a", TODAY)]
    assert history.missing(["b"], today=TODAY + MISSED_FOR + timedelta(days=1)) == []


def test_many_keys_of_full_length_fit_into_the_column() -> None:
    history = after(*(f"{number:016x}" for number in range(20)))
    assert len(history.former) == REMEMBERED
    assert len(str(history)) <= 200
