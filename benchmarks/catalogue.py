"""The benchmarks by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from benchmarks import delivering, growth, idle, mixed, pages, rows, sending, start
from benchmarks.frame import Result
from benchmarks.place import Place

BENCHMARKS: Final[Mapping[str, Callable[[Place], Iterator[Result]]]] = {
    "pages": pages.measure,
    "growth": growth.measure,
    "start": start.measure,
    "mixed": mixed.measure,
    "opening": rows.measure_opening,
    "asking": rows.measure_asking,
    "idle": idle.measure,
    "delivering": delivering.measure,
    "slow-server": delivering.measure_slow,
    "sending": sending.measure,
}
