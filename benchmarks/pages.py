"""What pages cost the server, against what Flask and Jinja cost at least."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from benchmarks.frame import Result, Target, in_turns, seconds
from benchmarks.houses import LATER, House, lived_in, open_house
from benchmarks.place import Place
from benchmarks.serving import ANEW, Server, serving

FLOORS: Final = {"hello": "/bare/hello", "table": "/bare/table"}
AGAINST: Final = {"hello": "bare Flask hello", "table": "bare Jinja table of 150 cells"}

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
    """Take the processor time of every page and floor in turns, in seconds."""
    times = place.sized(40, 2)
    with serving(house.settings, now=LATER.isoformat()) as server:
        _warm(server, house)
        ours = {
            name: lambda path=path: server.cost(path, house.cookie, times=times)
            for name, path in house.paths.items()
        }
        ours |= {
            f"{name}, drawn anew": lambda path=path: server.cost(ANEW + path, house.cookie, times=times)
            for name, path in house.paths.items()
        }
        bare = {name: lambda path=path: server.cost(path, times=5 * times) for name, path in FLOORS.items()}
        return in_turns(place.rounds, ours | bare)


def _warm(server: Server, house: House) -> None:
    for path in house.paths.values():
        server.cost(path, house.cookie, times=3)


def _rows(costs: Mapping[str, float], size: str) -> Iterator[Result]:
    for name, (floor, target) in TARGETS.items():
        for work in (name, f"{name}, drawn anew"):
            cost, least = seconds(costs[work]), seconds(costs[floor])
            yield Result(f"{work}: processor time", size, cost, least, AGAINST[floor], target)
