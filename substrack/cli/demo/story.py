"""The sample workspace as data: groups, what they cost, who is in them and how each of them pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from substrack.domain.cycles import Unit
from substrack.domain.service_kinds import ServiceKind
from substrack.domain.shares import SplitKind


class Habit(Enum):
    """How somebody pays: after how many requests they do, usually."""

    PROMPT = 0
    USUAL = 1
    SLOW = 2
    FORGETFUL = 8


@dataclass(frozen=True)
class Seat:
    """One member: with a weight or a fixed amount, and the months of joining and leaving."""

    name: str
    weight: int = 1
    fixed: str | None = None
    joins_month: int = 0
    leaves_month: int | None = None


@dataclass(frozen=True)
class Sample:
    """One group of the story; `price` is None when the bill differs every time, and `bills` says how."""

    name: str
    description: str
    price: str | None
    currency: str
    seats: tuple[Seat, ...]
    split: SplitKind = SplitKind.EQUAL
    unit: Unit = Unit.MONTH
    every: int = 1
    billing_day: int = 1
    zone: str = "Europe/Berlin"
    new_price: tuple[int, str] | None = None
    bills: tuple[str, ...] = ()
    kind: ServiceKind = ServiceKind.OTHER
    terms: Mapping[str, Any] = field(default_factory=dict)
    ways: tuple[tuple[str, Mapping[str, str]], ...] = ()


OWNER = "Olga"
HABITS: Mapping[str, Habit] = {
    "Ben": Habit.USUAL,
    "Mia": Habit.PROMPT,
    "Jonas": Habit.SLOW,
    "Leyla": Habit.PROMPT,
    "Tomasz": Habit.USUAL,
    "Grandma Inge": Habit.PROMPT,
    "Piet": Habit.FORGETFUL,
    "Aiko": Habit.PROMPT,
    "Haruto": Habit.USUAL,
    "Yuna": Habit.SLOW,
    "Faisal": Habit.USUAL,
    "Noor": Habit.PROMPT,
    "Sara": Habit.USUAL,
    "Carlos": Habit.SLOW,
    "Zoe": Habit.USUAL,
    "Viktor": Habit.FORGETFUL,
}
"""Who is not named here pays the usual way."""

QUESTION = "I was away half of that month. Is it still the whole share?"
"""What somebody forgetful wrote yesterday."""

FORGIVEN = ((5, "Piet"), (10, "Piet"))
"""In which months the owner forgives whom the oldest payment that is open."""

_IBAN = ("iban", {"iban": "DE02 1203 0000 0000 2020 51", "holder": "Olga Sommer"})
_LINK = ("link", {"url": "https://pay.example.org/olga?amount={amount}&note={reference}"})
_CASH = ("text", {"text": "Or in cash, next time we see each other."})

STORY: tuple[Sample, ...] = (
    Sample(
        name="YouTube Premium",
        kind=ServiceKind.VIDEO,
        description="Family plan, six seats.",
        price="17.99",
        currency="EUR",
        seats=(
            Seat("Ben"),
            Seat("Mia"),
            Seat("Jonas"),
            Seat("Leyla"),
            Seat("Grandma Inge", joins_month=3),
        ),
        billing_day=5,
        new_price=(8, "23.99"),
        terms={"heads_up_days": 0},
        ways=(_IBAN, _LINK),
    ),
    Sample(
        name="Family phone plan",
        kind=ServiceKind.PHONE,
        description="Big data counts double.",
        price="64.90",
        currency="EUR",
        seats=(
            Seat("Ben", weight=2),
            Seat("Leyla"),
            Seat("Grandma Inge"),
            Seat("Piet", weight=2),
            Seat("Henrik"),
        ),
        split=SplitKind.WEIGHTS,
        billing_day=20,
        ways=(_IBAN,),
    ),
    Sample(
        name="Cloud storage 2 TB",
        kind=ServiceKind.CLOUD,
        description="By how much each of us keeps there.",
        price="9.99",
        currency="EUR",
        seats=(Seat("Mia", fixed="3.00"), Seat("Tomasz", fixed="2.00"), Seat("Ben", fixed="2.00")),
        split=SplitKind.FIXED,
        billing_day=1,
        ways=(_LINK,),
    ),
    Sample(
        name="Electricity, Lindenstraße",
        kind=ServiceKind.HOME,
        description="The bill comes by the end of the month.",
        price=None,
        currency="EUR",
        seats=(Seat("Tomasz"), Seat("Carlos"), Seat("Zoe")),
        split=SplitKind.VARIABLE,
        billing_day=28,
        bills=("81.40", "86.15", "97.80", "104.25", "99.10", "84.70", "71.95", "66.30"),
        ways=(_IBAN, _CASH),
    ),
    Sample(
        name="Football pitch, Thursdays",
        kind=ServiceKind.CLUB,
        description="Quarterly, collected two weeks ahead; nobody of us keeps the rest.",
        price="180.00",
        currency="EUR",
        seats=tuple(
            Seat(name)
            for name in ("Jonas", "Tomasz", "Carlos", "Viktor", "Emre", "Luca", "David", "Samir", "Finn")
        ),
        every=3,
        billing_day=15,
        terms={"payer_included": False, "collect_days_before": 14},
        ways=(_IBAN, _CASH),
    ),
    Sample(
        name="VPN",
        kind=ServiceKind.VPN,
        description="One year at a time.",
        price="119.88",
        currency="USD",
        seats=(Seat("Viktor"), Seat("Zoe"), Seat("Emre"), Seat("Sara"), Seat("Kofi")),
        unit=Unit.YEAR,
        billing_day=10,
        ways=(_LINK,),
    ),
    Sample(
        name="Kyoto flat, internet",
        kind=ServiceKind.HOME,
        description="Fibre, shared by the house.",
        price="5980",
        currency="JPY",
        seats=(Seat("Aiko"), Seat("Haruto"), Seat("Yuna")),
        billing_day=31,
        zone="Asia/Tokyo",
        terms={"payer_included": False},
        ways=(("text", {"text": "Japan Post Bank, 10140-1234567, Olga Sommer"}),),
    ),
    Sample(
        name="Salmiya beach hut",
        description="Quarterly; weekends count double.",
        price="45.500",
        currency="KWD",
        seats=(Seat("Faisal", weight=2), Seat("Noor", weight=2), Seat("Hessa"), Seat("Yousef"), Seat("Dana")),
        split=SplitKind.WEIGHTS,
        every=3,
        billing_day=1,
        zone="Asia/Kuwait",
        ways=(_LINK,),
    ),
    Sample(
        name="Vegetable box",
        description="Every second Tuesday, delivered to the yard.",
        price="28.50",
        currency="EUR",
        seats=(Seat("Mia"), Seat("Zoe"), Seat("Nele"), Seat("Ida"), Seat("Oskar", leaves_month=11)),
        unit=Unit.WEEK,
        every=2,
        ways=(_CASH,),
    ),
    Sample(
        name="Newspaper",
        description="Digital, three readers.",
        price="34.90",
        currency="EUR",
        seats=(Seat("Grandma Inge"), Seat("Lena"), Seat("Ada"), Seat("Rosa")),
        billing_day=12,
        terms={"tells_opened": True},
        ways=(_IBAN,),
    ),
)
