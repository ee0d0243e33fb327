"""Each benchmark works at a tiny size; what it measures there says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Final

import pytest

from benchmarks.__main__ import PAGE, TABLE, measured
from benchmarks.catalogue import BENCHMARKS
from benchmarks.frame import Result, Target, in_turns, megabytes, rate, seconds
from benchmarks.place import Place, open_place

NOTHING: Final = {"mixed": "mixed traffic: errors", "idle": "a tick with nothing due: writes"}
"""What each of these counts, and never finds at any size."""


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with open_place(is_tiny=True) as opened:
        yield opened


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_works(place: Place, name: str) -> None:
    results = list(measured(place, [name]))

    assert any(result.target for result in results)
    for result in results:
        if result.ratio is not None:
            assert 0 < result.ratio < inf, result
        if result.target is not None:
            assert result.is_met is not None, result
    if name in NOTHING:
        assert [result.figure.value for result in results if result.work == NOTHING[name]] == [0]


def test_a_row_says_whether_its_target_is_met() -> None:
    page = Result("home", "50 groups", seconds(0.0061), seconds(0.0012), "a table", Target(5))

    assert page.cells("2026-03-04")[2:-1] == ("6.1 ms", "a table: 1.2 ms", "5.08 ×", "≤ 5 ×", "**missed**")
    assert Result("start", "SQLite", seconds(0.7), target=Target(2, "s")).is_met
    assert not Result("rest", "SQLite", megabytes(111e6), target=Target(110, "MB")).is_met
    assert Result("mail", "10 lines", rate(300), rate(600), "bare", Target(0.5, at_least=True)).is_met
    assert Result("pages", "p50", seconds(0.01)).is_met is None


def test_measures_take_turns_and_one_slow_round_changes_nothing() -> None:
    took = iter([1.0, 2.0, 50.0, 80.0, 1.2, 2.2])

    assert in_turns(3, {"ours": lambda: next(took), "floor": lambda: next(took)}) == {
        "ours": 1.2,
        "floor": 2.2,
    }


def test_the_page_has_a_place_for_figures() -> None:
    row = Result("home", "50 groups", seconds(0.0061)).cells("2026-03-04")

    assert "| home | 50 groups | 6.1 ms |" in TABLE.merged(PAGE.read_text(encoding="utf-8"), [row])
