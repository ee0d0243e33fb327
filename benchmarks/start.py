"""How soon `serve` shows its first page, and how much memory it holds then and after very many."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Final

from benchmarks.frame import Result, Target, in_turns, megabytes, seconds
from benchmarks.houses import LATER, House, lived_in, neighbour, open_house
from benchmarks.loads import Client
from benchmarks.place import Place, environment_of
from benchmarks.processes import Command, module, running

REST: Final = Target(110, "MB")
BARE: Final = "bare Flask behind waitress"


def measure(place: Place) -> Iterator[Result]:
    """Start both several times, then look at the memory of one of each."""
    with lived_in(place, "sqlite", groups=place.sized(5, 2), periods=4) as settings:
        house = open_house(settings)
        environment = environment_of(settings) | {"SUBSTRACK_NOW": LATER.isoformat()}
        at_rest: list[float] = []
        took = in_turns(
            place.rounds,
            {
                "ours": lambda: _start(_serve, "/sign-in", environment),
                "bare": lambda: _start(_bare, "/bare/hello", {}, at_rest),
            },
        )
        first = "`serve`: start to first page"
        yield Result(first, "SQLite", seconds(took["ours"]), seconds(took["bare"]), BARE, Target(2, "s"))
        yield from _memories(place, house, environment, at_rest[-1])


def _memories(place: Place, house: House, environment: Mapping[str, str], bare: float) -> Iterator[Result]:
    early, late = place.sized((1_000, 10_000), (5, 10))
    with running(_serve, "/sign-in", environment) as process, neighbour(house.settings) as commit:
        time.sleep(place.sized(5, 0))
        held = megabytes(process.memory)
        yield Result("`serve`: memory", "at rest", held, megabytes(bare), BARE, REST)
        with closing(Client(process.port)) as client:
            _visit(house, client, early, commit)
            before = process.memory
            _visit(house, client, late - early, commit)
            after = process.memory
    yield Result("`serve`: memory", f"after {late:,} requests", megabytes(after), megabytes(bare), BARE, REST)
    against = f"after {early:,} requests"
    growth = Target(1.02)
    yield Result(
        "`serve`: memory grows",
        f"after {late:,} requests",
        megabytes(after),
        megabytes(before),
        against,
        growth,
    )


def _visit(house: House, client: Client, times: int, commit: Callable[[], None]) -> None:
    """Open all pages over and over, each time after a commit of somebody else."""
    for path in itertools.islice(itertools.cycle(house.paths.values()), times):
        commit()
        answer = client.ask(path, cookie=house.cookie)
        assert answer.status == 200, f"{path}: {answer.status}"


def _serve(port: int) -> list[str]:
    return module("substrack", "serve", "--port", str(port))


def _bare(port: int) -> list[str]:
    return module("benchmarks.bare", str(port))


def _start(
    command: Command, path: str, environment: Mapping[str, str], memories: list[float] | None = None
) -> float:
    """Take the time until the first page; `memories` gets what the process holds then, in bytes."""
    begun = time.monotonic()
    with running(command, path, environment) as process:
        took = time.monotonic() - begun
        if memories is not None:
            memories.append(process.memory)
        return took
