"""How people answer mail: each plays a shuffled hand of habits, the same in every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import TypeVar

Card = TypeVar("Card")


@dataclass(frozen=True)
class Habit:
    """What somebody does when asked: after so many days, in this way."""

    act: str
    after_days: int = 0


PAY = Habit("pay")
PAY_LATER = Habit("pay", 2)
PAY_SOME = Habit("pay-some")
PAY_LESS = Habit("pay-less", 1)
IGNORE = Habit("ignore")
NOT_YET = Habit("not-yet")
OBJECT = Habit("object", 1)
REGRET = Habit("regret")

HANDS = {
    "Ben": (PAY, PAY, PAY, PAY_LATER, PAY_SOME, PAY_LESS),
    "Mia": (PAY, PAY_LATER, NOT_YET, PAY_SOME, OBJECT, PAY, IGNORE),
    "Tom": (PAY, PAY_LATER, PAY, IGNORE, IGNORE),
    "Lea": (PAY, REGRET, NOT_YET, PAY, PAY_LESS, IGNORE),
    "Ivo": (PAY, PAY, NOT_YET, IGNORE),
}
OLGA = ("link", "link", "link", "review", "review", "several", "command", "reject", "part", "slow", "link")


def deal(cards: tuple[Habit, ...], seed: int) -> Iterator[Habit]:
    """Play a hand over and over, shuffled anew each time, so that everything happens and nothing in step."""
    return _deal(cards, Random(seed))


def deal_decisions(seed: int) -> Iterator[str]:
    """Play Olga's ways to decide about a claim."""
    return _deal(OLGA, Random(seed))


def _deal(cards: tuple[Card, ...], chance: Random) -> Iterator[Card]:
    while True:
        yield from chance.sample(cards, len(cards))
