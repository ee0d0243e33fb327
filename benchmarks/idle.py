"""What a tick costs that finds nothing to do, at a thousand payments and at a million."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from benchmarks.crowd import ASKED_AT, OPENS_AT, Crowd, fill, found_crowd, settle
from benchmarks.frame import Quantity, Result, Target, in_turns, seconds
from benchmarks.place import Place
from substrack.bootstrap import Runtime, make_runtime
from substrack.store import Payment
from substrack.worker.ticking import tick
from tests.support.databases import Kind

NOTHING_DUE_AT: Final = ASKED_AT + timedelta(hours=1)
TICKS: Final = 20
WRITES: Final = ("INSERT", "UPDATE", "DELETE")


def measure(place: Place) -> Iterator[Result]:
    """Measure the time of a tick with nothing due, and count what it writes."""
    few, many = place.sized((1_000, 1_000_000), (20, 200))
    for kind in place.kinds:
        with ExitStack() as stack:
            homes = {count: stack.enter_context(_home(place, kind, count)) for count in (few, many)}
            writes = sum(_writes(runtime) for runtime in homes.values())
            took = in_turns(place.rounds, {str(key): _ticking(one) for key, one in homes.items()})
        of = f"{many:,} payments, {kind}"
        small, large = seconds(took[str(few)]), seconds(took[str(many)])
        yield Result("a tick with nothing due", of, large, small, f"{few:,} payments", Target(2))
        yield Result("a tick with nothing due: time", of, large, target=Target(10, "ms"))
        yield Result(
            "a tick with nothing due: writes", of, Quantity(writes, "rows"), target=Target(0, "rows")
        )


@contextmanager
def _home(place: Place, kind: Kind, payments: int) -> Iterator[Runtime]:
    """Give a database of so many payments, of which each is asked for some time, and none now."""
    with place.lend(kind) as settings:
        runtime = make_runtime(settings)
        try:
            crowd = found_crowd(runtime)
            _owe(crowd, payments)
            settle(crowd)
            yield runtime
        finally:
            runtime.close()


def _owe(crowd: Crowd, payments: int) -> None:
    """Open a period in some groups, and let there be as many payments as are wanted, as copies of theirs."""
    fill(crowd, groups=4, members=5, tells_opened=False)
    tick(crowd.runtime, now=OPENS_AT)
    tick(crowd.runtime, now=ASKED_AT)
    with crowd.runtime.write_engine.begin() as connection:
        rows = [row._asdict() for row in connection.execute(sa.select(Payment.__table__))]
        for start in range(len(rows), payments, 10_000):
            lot = range(start, min(start + 10_000, payments))
            connection.execute(sa.insert(Payment), [_copy(rows, number) for number in lot])


def _copy(rows: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
    """Make a payment for no period, with codes of its own."""
    codes = {"public_id": f"{number:012x}", "reference": f"{number:06x}", "period_id": None}
    return {key: value for key, value in rows[number % len(rows)].items() if key != "id"} | codes


def _ticking(runtime: Runtime) -> Any:
    def ticks() -> float:
        before = time.perf_counter()
        for _time in range(TICKS):
            tick(runtime, now=NOTHING_DUE_AT)
        return (time.perf_counter() - before) / TICKS

    return ticks


def _writes(runtime: Runtime) -> int:
    """Count the statements of a tick that write."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.lstrip().upper().startswith(WRITES):
            found.append(statement)

    sa.event.listen(runtime.write_engine, "before_cursor_execute", note)
    tick(runtime, now=NOTHING_DUE_AT)
    sa.event.remove(runtime.write_engine, "before_cursor_execute", note)
    return len(found)
