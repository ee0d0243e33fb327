"""What every benchmark gives: a figure beside its floor, their ratio, and whether the target is met.

Figure and floor are measured in turns, so that a machine that others use as well slows both alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final, TypeVar

Name = TypeVar("Name", bound=Hashable)

TIMES: Final = "×"
_SECONDS: Final = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}


@dataclass(frozen=True)
class Quantity:
    """Something measured, in a unit: seconds and bytes as people read them."""

    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{_rounded(self.value)} {self.unit}".strip()

    @property
    def plain(self) -> float:
        """The same without its unit; times in seconds."""
        return self.value * _SECONDS.get(self.unit, 1.0)


def seconds(value: float) -> Quantity:
    """Write a time in seconds, milliseconds or microseconds."""
    if value >= 1:
        return Quantity(value, "s")
    return Quantity(value * 1e3, "ms") if value >= 1e-3 else Quantity(value * 1e6, "µs")


def megabytes(value: float) -> Quantity:
    """Write so many bytes in MB (10⁶)."""
    return Quantity(value / 1e6, "MB")


def rate(value: float) -> Quantity:
    """Write how often something is done in a second."""
    return Quantity(value, "/s")


@dataclass(frozen=True)
class Target:
    """A bound that the ratio has to keep, or in another unit the figure itself; the bound is good enough."""

    bound: float
    unit: str = TIMES
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {_rounded(self.bound)} {self.unit}".strip()

    def is_met(self, measured: float) -> bool:
        """Tell whether something measured (times in seconds) keeps the bound."""
        bound = Quantity(self.bound, self.unit).plain
        return measured >= bound if self.at_least else measured <= bound


@dataclass(frozen=True)
class Result:
    """One row: what was done, on what or how, what it cost, and what it is compared with.

    Without a floor the figure stands alone; without a target it is only told.
    """

    work: str
    of: str
    figure: Quantity
    floor: Quantity | None = None
    against: str = ""
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the floor the figure is."""
        return self.figure.plain / self.floor.plain if self.floor else None

    @property
    def is_met(self) -> bool | None:
        """Tell whether the target is met; None when there is none."""
        if self.target is None:
            return None
        measured = self.ratio if self.target.unit == TIMES else self.figure.plain
        assert measured is not None, f"{self.work}, {self.of}: a ratio needs a floor"
        return self.target.is_met(measured)

    def cells(self, date: str) -> tuple[str, ...]:
        """Write the row as a table on a page has it."""
        verdict = {True: "met", False: "**missed**", None: "–"}[self.is_met]
        floor = f"{self.against}: {self.floor}" if self.floor else "–"
        ratio = f"{_rounded(self.ratio)} {TIMES}" if self.ratio is not None else "–"
        return self.work, self.of, str(self.figure), floor, ratio, str(self.target or "–"), verdict, date


COLUMNS: Final = ("work", "of", "figure", "floor", "ratio", "target", "", "date")


def in_turns(rounds: int, measures: Mapping[Name, Callable[[], float]]) -> dict[Name, float]:
    """Take every measure once a round, and give the median of each."""
    taken: dict[Name, list[float]] = defaultdict(list)
    for _round in range(rounds):
        for name, measure in measures.items():
            taken[name].append(measure())
    return {name: median(values) for name, values in taken.items()}


def _rounded(value: float) -> str:
    """Write three digits that say something, and no more."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:,.0f}"
