"""The terms of a group: everything its form says, checked as a whole.

What a group costs, how it is split, when it is paid and how it asks. Members are not part of the terms, and
nothing here knows what was opened or paid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from substrack.domain.currencies import currency_code
from substrack.domain.cycles import Cycle, Unit, check_zone
from substrack.domain.errors import Phrase, Refused
from substrack.domain.money import MAX_MINOR, Money, NegativeAmount
from substrack.domain.pay_methods import PayMethod
from substrack.domain.service_kinds import ServiceKind
from substrack.domain.shares import PartPeriod, SplitKind
from substrack.domain.wording import clean_line, clean_text

MAX_DESCRIPTION: Final = 2000
MAX_TOLERANCE_MINOR: Final = 1_000_000
EARLIEST: Final = date(2000, 1, 1)
LATEST: Final = date(2999, 12, 31)


class OutOfRange(Refused):
    """A number of the form lies outside what makes sense (`lowest` … `highest`)."""

    def __init__(self, field: str, lowest: int, highest: int) -> None:
        self.lowest, self.highest = lowest, highest
        super().__init__(
            "%(label)s must be from %(lowest)s to %(highest)s.",
            field=field,
            label=_LABELS[field],
            lowest=lowest,
            highest=highest,
        )


class ToleranceOutOfRange(Refused):
    """A rest that is written off is small change, and no less than nothing."""

    field = "tolerance_minor"

    def __init__(self, currency: str) -> None:
        super().__init__(
            "%(label)s must be from %(lowest)s to %(highest)s.",
            label=Phrase("The tolerance"),
            lowest=Money(0, currency),
            highest=Money(MAX_TOLERANCE_MINOR, currency),
        )


class EndsBeforeStarting(Refused):
    """The group would end before it starts."""

    field = "ends_on"

    def __init__(self, starts_on: date) -> None:
        self.starts_on = starts_on
        super().__init__("The group can't end before it starts; choose %(day)s or later.", day=starts_on)


class DateOutOfRange(Refused):
    """A date so far off that it must be a slip."""

    def __init__(self, field: str) -> None:
        super().__init__(
            "Choose a date from %(first)s to %(last)s.",
            field=field,
            first=str(EARLIEST.year),
            last=str(LATEST.year),
        )


class PriceMissing(Refused):
    """Only a variable group has no price."""

    field = "price"

    def __init__(self) -> None:
        super().__init__("Give the price, or choose the split “variable” if it is different every time.")


class PriceInOtherCurrency(Refused):
    """The currency was changed, and the price is still in the former one."""

    field = "price"

    def __init__(self, currency: str) -> None:
        super().__init__("Give the price in %(currency)s as well.", currency=currency)


class PriceUnknown(Refused):
    """A variable group waits for its bill and has no price."""

    field = "price"

    def __init__(self) -> None:
        super().__init__(
            "Where the bill differs each time there is no price; the bill is entered for each period."
        )


class PriceTooLarge(Refused):
    """The price is beyond any shared bill."""

    field = "price"

    def __init__(self, currency: str) -> None:
        super().__init__("The price is too large; the most is %(most)s.", most=Money(MAX_MINOR, currency))


@dataclass(frozen=True)
class GroupTerms:
    """What the form of a group says.

    `price` is None for a variable group. `billing_day` None means the day of `starts_on`; weeks have none.
    `payer_id` None means the admin who acts; `time_zone` None means the workspace's.
    """

    name: str
    currency: str
    starts_on: date
    price: Money | None = None
    split: SplitKind = SplitKind.EQUAL
    unit: Unit = Unit.MONTH
    every: int = 1
    billing_day: int | None = None
    description: str = ""
    kind: ServiceKind = ServiceKind.OTHER
    payer_id: int | None = None
    payer_included: bool = True
    collect_days_before: int = 0
    due_days: int = 0
    grace_days: int = 3
    repeat_every_days: int = 3
    max_requests: int = 8
    overdue_after_days: int = 14
    hour: int = 10
    time_zone: str | None = None
    part_period: PartPeriod = PartPeriod.NEXT
    tolerance_minor: int = 5
    heads_up_days: int = 0
    tells_opened: bool = False
    ends_on: date | None = None
    pay_methods: tuple[PayMethod, ...] = ()

    @property
    def cycle(self) -> Cycle:
        """The calendar from the first date on or after `starts_on`.

        Raises: EveryOutOfRange, BillingDayOutOfRange.
        """
        return Cycle.begin(self.unit, self.every, self.billing_day, self.starts_on)


_RANGES: Final = {
    "collect_days_before": (0, 365),
    "due_days": (0, 365),
    "grace_days": (0, 365),
    "repeat_every_days": (1, 365),
    "max_requests": (1, 100),
    "overdue_after_days": (1, 3650),
    "hour": (0, 23),
    "heads_up_days": (0, 365),
}
_LABELS: Final = {
    "collect_days_before": Phrase("The days to collect before a period"),
    "due_days": Phrase("The days until it is due"),
    "grace_days": Phrase("The days of grace"),
    "repeat_every_days": Phrase("The days between reminders"),
    "max_requests": Phrase("The number of requests"),
    "overdue_after_days": Phrase("The days until it is overdue"),
    "hour": Phrase("The hour"),
    "heads_up_days": Phrase("The days of a heads-up"),
}


def check_terms(terms: GroupTerms) -> GroupTerms:
    """Return the terms cleaned: texts in NFC, the currency in capitals, the zone known.

    Raises:
        Refused: a value alone, or two of them together, make no sense; `field` says which.
    """
    for field, (lowest, highest) in _RANGES.items():
        if not lowest <= getattr(terms, field) <= highest:
            raise OutOfRange(field, lowest, highest)
    _check_dates(terms)
    _ = terms.cycle
    currency = currency_code(terms.currency)
    if not 0 <= terms.tolerance_minor <= MAX_TOLERANCE_MINOR:
        raise ToleranceOutOfRange(currency)
    _check_price(terms, currency)
    return replace(
        terms,
        name=clean_line(terms.name, field="name"),
        description=clean_text(terms.description, field="description", maximum=MAX_DESCRIPTION),
        currency=currency,
        time_zone=check_zone(terms.time_zone) if terms.time_zone else None,
    )


def check_price(price: Money) -> None:
    """Check that a price is one.

    Raises: NegativeAmount, PriceTooLarge.
    """
    if price.minor < 0:
        raise NegativeAmount("A price cannot be negative.", price.major())
    if price.minor > MAX_MINOR:
        raise PriceTooLarge(price.currency)


def check_day(day: date, field: str) -> date:
    """Return a date that no slip of the finger made.

    Raises: DateOutOfRange.
    """
    if not EARLIEST <= day <= LATEST:
        raise DateOutOfRange(field)
    return day


def _check_dates(terms: GroupTerms) -> None:
    check_day(terms.starts_on, "starts_on")
    if terms.ends_on is not None and check_day(terms.ends_on, "ends_on") < terms.starts_on:
        raise EndsBeforeStarting(terms.starts_on)


def _check_price(terms: GroupTerms, currency: str) -> None:
    if terms.split is SplitKind.VARIABLE:
        if terms.price is not None:
            raise PriceUnknown
        return
    if terms.price is None:
        raise PriceMissing
    if terms.price.currency != currency:
        raise PriceInOtherCurrency(currency)
    check_price(terms.price)
