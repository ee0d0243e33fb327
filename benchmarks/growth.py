"""What pages cost when there is much more: against the same pages of fifty groups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from benchmarks.frame import Result, Target, in_turns, seconds
from benchmarks.houses import LATER, House, grow, let_crowd_in, live_in, move, open_house
from benchmarks.place import Place
from benchmarks.serving import serving
from substrack.settings import Settings
from tests.support.databases import Kind

NO_MORE: Final = Target(1.2)


def measure(place: Place) -> Iterator[Result]:
    """Let houses grow, or one group of them, and open the same pages of both in turns.

    Twenty thousand groups have half a year behind them, not three years: that is already five million rows.
    """
    with place.lend("sqlite") as base:
        live_in(base, groups=place.sized(50, 2), periods=place.sized(36, 4))
        for kind in place.kinds:
            with _copied(place, base, kind) as small:
                yield from _grown(place, small, kind, times=place.sized(40, 2))
                yield from _crowded(place, small, kind)
    with place.lend("sqlite") as young:
        live_in(young, groups=place.sized(50, 2), periods=place.sized(6, 4))
        yield from _grown(place, young, "sqlite", times=place.sized(400, 3))


def _grown(place: Place, small: Settings, kind: Kind, *, times: int) -> Iterator[Result]:
    with _copied(place, small, kind) as grown:
        grow(grown, times=times)
        many = times * place.sized(50, 2)
        yield from _compared(place, f"{many:,} groups, {kind}", open_house(small), open_house(grown))


def _crowded(place: Place, small: Settings, kind: Kind) -> Iterator[Result]:
    people = place.sized(40_000, 60)
    house = open_house(small)
    with place.lend(kind) as settings:
        move(small, settings)
        let_crowd_in(settings, people=people)
        crowd = open_house(settings, group="Club", guest="First")
        yield from _compared(place, f"one group of {people:,}, {kind}", house, crowd)


@contextmanager
def _copied(place: Place, base: Settings, kind: Kind) -> Iterator[Settings]:
    with place.lend(kind) as settings:
        move(base, settings)
        yield settings


def _compared(place: Place, size: str, small: House, grown: House) -> Iterator[Result]:
    times, now = place.sized(15, 1), LATER.isoformat()
    with serving(small.settings, now=now) as server, serving(grown.settings, now=now) as other:
        measures = {
            (name, is_grown): partial(it.cost, house.paths[name], house.cookie, times=times)
            for name in small.paths
            for is_grown, it, house in ((False, server, small), (True, other, grown))
        }
        for measure in measures.values():
            measure()
        costs = in_turns(place.rounds, measures)
    for name in small.paths:
        against = "itself with 50 groups"
        figure, floor = seconds(costs[name, True]), seconds(costs[name, False])
        yield Result(f"{name}: processor time", size, figure, floor, against, NO_MORE)
