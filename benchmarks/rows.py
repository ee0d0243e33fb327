"""What it costs to open periods and to queue requests for many, against the same rows written raw."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from benchmarks.costs import Meter
from benchmarks.crowd import ASKED_AT, OPENS_AT, Crowd, fill, found_crowd, settle
from benchmarks.frame import Result, Target, megabytes, seconds
from benchmarks.place import Place
from benchmarks.raw_rows import NewRows, connect, write
from substrack.bootstrap import make_runtime
from substrack.services.asking import sweep_payments
from substrack.services.periods import open_due_periods
from substrack.settings import Settings
from substrack.worker.ticking import tick
from tests.support.databases import Kind

AGAINST: Final = "raw executemany"
TIMES: Final = Target(8)
MORE: Final = Target(150, "MB")
TURN: Final = 50
"""So many of our batches, and then the rows they wrote raw."""

Step = Callable[[Session], int]


@dataclass(frozen=True)
class Work:
    """Something that is done to a crowd, batch by batch until a step finds nothing more."""

    name: str
    step: Step
    before: datetime | None = None


def _open(session: Session) -> int:
    return open_due_periods(session, now=OPENS_AT).periods


def _ask(session: Session) -> int:
    return sweep_payments(session, now=ASKED_AT).seen


OPENING: Final = Work("open a period", _open)
ASKING: Final = Work("queue requests", _ask, before=OPENS_AT)


def measure_opening(place: Place) -> Iterator[Result]:
    """Open one period of many groups, and of one large group."""
    for kind in place.kinds:
        yield from _measured(place, kind, OPENING, groups=place.sized(100_000, 20), members=5)
        yield from _measured(place, kind, OPENING, groups=1, members=place.sized(40_000, 50))


def measure_asking(place: Place) -> Iterator[Result]:
    """Ask as many people as there are in the groups, each once."""
    for kind in place.kinds:
        yield from _measured(place, kind, ASKING, groups=place.sized(25_000, 5), members=5)


def _measured(place: Place, kind: Kind, work: Work, *, groups: int, members: int) -> Iterator[Result]:
    with ExitStack() as stack:
        ours, other = (
            stack.enter_context(_crowd_in(place, kind, groups, members, work.before)) for _ in range(2)
        )
        server = place.databases.postgresql.pid if kind == "postgresql" else None
        figure, floor, base = Meter(server), Meter(server), Meter().peak
        with _settled_heap():
            while _turn(work.step, ours, other, figure, floor):
                pass
    people = groups * (members - 1) if work is ASKING else members
    size = f"{people:,} people" if work is ASKING else f"{groups:,} × {members:,} members"
    yield Result(
        work.name, f"{size}, {kind}", seconds(figure.seconds), seconds(floor.seconds), AGAINST, TIMES
    )
    yield Result(f"{work.name}: more memory", f"{size}, {kind}", megabytes(figure.peak - base), target=MORE)


@contextmanager
def _settled_heap() -> Iterator[None]:
    """Spare what is loaded from being looked through for garbage, as a process does once it has started."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _turn(step: Step, ours: Crowd, other: Crowd, figure: Meter, floor: Meter) -> bool:
    """Do some batches, then write what they wrote raw; False when nothing was left to do."""
    source, target = (connect(crowd.runtime.settings.database_url) for crowd in (ours, other))
    new, found = NewRows(source), [0]

    def some() -> None:
        for _batch in range(TURN):
            with ours.runtime.transaction() as session:
                done = step(session)
            found[0] += done
            if not done:
                break

    figure.run(some)
    batches = new.read()
    gc.collect()
    floor.run(lambda: write(target, batches))
    source.close()
    target.close()
    return bool(found[0])


@contextmanager
def _crowd_in(place: Place, kind: Kind, groups: int, members: int, until: datetime | None) -> Iterator[Crowd]:
    with place.lend(kind) as settings, _crowd(settings) as crowd:
        fill(crowd, groups=groups, members=members, tells_opened=until is None)
        if until is not None:
            tick(crowd.runtime, now=until)
        settle(crowd)
        yield crowd


@contextmanager
def _crowd(settings: Settings) -> Iterator[Crowd]:
    runtime = make_runtime(settings)
    try:
        yield found_crowd(runtime)
    finally:
        runtime.close()
