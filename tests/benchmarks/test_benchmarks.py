"""Each benchmark works at a tiny size; what it measures there says nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.__main__ import PAGE, TABLE, measured
from benchmarks.catalogue import BENCHMARKS
from benchmarks.frame import Result, Target, in_turns, megabytes, rate, seconds
from benchmarks.place import Place, open_place


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with open_place(is_tiny=True) as opened:
        yield opened


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_works(place: Place, name: str) -> None:
    results = list(measured(place, [name]))

    assert results
    assert all(result.figure.value >= 0 for result in results)
    assert all(result.floor is None or result.floor.value > 0 for result in results)


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
