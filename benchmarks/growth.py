"""What pages cost when there is much more: against the same pages of fifty groups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Final

from benchmarks.frame import Result, Target, in_turns, seconds
from benchmarks.houses import LATER, House, grow, let_crowd_in, lived_in, neighbour, open_house
from benchmarks.place import Place
from benchmarks.serving import serving
from tests.support.databases import Kind

NO_MORE: Final = Target(1.2)


def measure(place: Place) -> Iterator[Result]:
    """Let houses grow, or one group of them, and open the same pages of both in turns.

    Twenty thousand groups have half a year behind them, not three years: that is already five million rows.
    """
    groups, old, young = place.sized((50, 36, 6), (2, 4, 4))
    for kind in place.kinds:
        yield from _crowded(place, kind, groups, old)
    if place.is_tiny:
        return  # copies of groups are tried by the mixed traffic
    for kind in place.kinds:
        yield from _grown(place, kind, groups, old, times=40)
    yield from _grown(place, "sqlite", groups, young, times=400)


def _grown(place: Place, kind: Kind, groups: int, periods: int, *, times: int) -> Iterator[Result]:
    with (
        lived_in(place, kind, groups=groups, periods=periods) as small,
        lived_in(place, kind, groups=groups, periods=periods) as grown,
    ):
        grow(grown, times=times)
        size = f"{times * groups:,} groups, {kind}"
        yield from _compared(place, size, open_house(small), open_house(grown))


def _crowded(place: Place, kind: Kind, groups: int, periods: int) -> Iterator[Result]:
    people = place.sized(40_000, 60)
    if place.is_tiny:  # one house is enough to see whether it works
        with lived_in(place, kind, groups=groups, periods=periods) as settings:
            let_crowd_in(settings, people=people)
            crowd = open_house(settings, group="Club", guest="First")
            yield from _compared(place, f"one group of {people:,}, {kind}", crowd, crowd)
        return
    with (
        lived_in(place, kind, groups=groups, periods=periods) as small,
        lived_in(place, kind, groups=groups, periods=periods) as grown,
    ):
        let_crowd_in(grown, people=people)
        crowd = open_house(grown, group="Club", guest="First")
        yield from _compared(place, f"one group of {people:,}, {kind}", open_house(small), crowd)


def _compared(place: Place, size: str, small: House, grown: House) -> Iterator[Result]:
    times, now = place.sized(15, 1), LATER.isoformat()
    with ExitStack() as stack:
        server = stack.enter_context(serving(small.settings, now=now))
        other = server if grown is small else stack.enter_context(serving(grown.settings, now=now))
        commit = stack.enter_context(neighbour(small.settings))
        commit_there = stack.enter_context(neighbour(grown.settings))
        measures = {
            (name, is_grown): partial(
                it.cost, house.paths[name], house.cookie, times=times, meanwhile=happening
            )
            for name in small.paths
            for is_grown, it, house, happening in (
                (False, server, small, commit),
                (True, other, grown, commit_there),
            )
        }
        for measure in measures.values():
            measure()
        costs = in_turns(place.rounds, measures)
    for name in small.paths:
        against = "itself with 50 groups"
        figure, floor = seconds(costs[name, True]), seconds(costs[name, False])
        yield Result(f"{name}: processor time", size, figure, floor, against, NO_MORE)
