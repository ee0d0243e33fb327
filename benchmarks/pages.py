"""What pages cost the server, against what Flask and Jinja cost at least."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from benchmarks.frame import Result, Target, in_turns, seconds
from benchmarks.houses import LATER, House, lived_in, neighbour, open_house
from benchmarks.place import Place
from benchmarks.serving import ANEW, Server, serving

FLOORS: Final = {"hello": "/bare/hello", "table": "/bare/table"}
AGAINST: Final = {"hello": "bare Flask hello", "table": "bare Jinja table of 150 cells"}

AGAIN: Final = "opened again"
AFRESH: Final = "drawn anew"

TARGETS: Final = {
    "home": ("table", Target(5)),
    "group page": ("table", Target(5)),
    "review": ("table", Target(5)),
    "member's page": ("hello", Target(8)),
}


def measure(place: Place) -> Iterator[Result]:
    """Measure the four pages of fifty groups of six people with three years behind them."""
    groups, periods = place.sized((50, 36), (2, 4))
    for kind in place.kinds:
        with lived_in(place, kind, groups=groups, periods=periods) as settings:
            costs = costs_of(place, open_house(settings))
        yield from _rows(costs, f"{groups} groups × 6 × {periods}, {kind}")


def costs_of(place: Place, house: House) -> dict[str, float]:
    """Take the processor time of every page and floor in turns, in seconds.

    Of each page three times: after a commit of somebody else, when nothing has changed, and drawn anew.
    """
    times = place.sized(40, 2)
    with serving(house.settings, now=LATER.isoformat()) as server, neighbour(house.settings) as commit:
        _warm(server, house)
        costs = {name: partial(server.cost, path, times=5 * times) for name, path in FLOORS.items()}
        for name, path in house.paths.items():
            ours = partial(server.cost, cookie=house.cookie, times=times)
            costs[name] = partial(ours, path, meanwhile=commit)
            costs[f"{name}, {AGAIN}"] = partial(ours, path)
            costs[f"{name}, {AFRESH}"] = partial(ours, ANEW + path)
        return in_turns(place.rounds, costs)


def _warm(server: Server, house: House) -> None:
    for path in house.paths.values():
        server.cost(path, house.cookie, times=3)


def _rows(costs: Mapping[str, float], size: str) -> Iterator[Result]:
    for name, (floor, target) in TARGETS.items():
        for work in (name, f"{name}, {AGAIN}", f"{name}, {AFRESH}"):
            cost, least = seconds(costs[work]), seconds(costs[floor])
            yield Result(f"{work}: processor time", size, cost, least, AGAINST[floor], target)
