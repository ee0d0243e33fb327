"""Small bar charts: where each bar stands, in the units of their SVG, beside the words it is given.

A chart is a decoration of the table behind it and never the only place of a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 360
HEIGHT: Final = 72
"""How high the tallest bar is."""

GAP: Final = 8


@dataclass(frozen=True)
class Mark:
    """What one bar stands for, its letter, and the sentence a pointer reads; `size` None leaves a gap."""

    letter: str
    size: int | None
    told: str


@dataclass(frozen=True)
class Bar:
    """One bar where it stands."""

    x: float
    y: float
    width: float
    height: float
    letter: str
    told: str

    @property
    def middle(self) -> float:
        """Where its letter is centred."""
        return round(self.x + self.width / 2, 1)


def bars(marks: Sequence[Mark]) -> tuple[Bar, ...]:
    """Lay bars out side by side, the tallest over the whole height."""
    tallest = max((mark.size or 0 for mark in marks), default=0)
    step = WIDTH / len(marks)
    return tuple(_bar(mark, place * step, step, tallest) for place, mark in enumerate(marks))


def _bar(mark: Mark, left: float, step: float, tallest: int) -> Bar:
    height = round(HEIGHT * (mark.size or 0) / tallest, 1) if tallest else 0
    return Bar(
        x=round(left + GAP / 2, 1),
        y=round(HEIGHT - height, 1),
        width=round(step - GAP, 1),
        height=height,
        letter=mark.letter,
        told=mark.told,
    )
