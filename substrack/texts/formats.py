"""Money, dates and lists as a language writes them. Reading what people type is the domain's work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Final

from babel.dates import format_date, format_datetime, format_interval, get_timezone_gmt
from babel.lists import format_list
from babel.numbers import (
    NumberPattern,
    format_decimal,
    get_decimal_symbol,
    get_group_symbol,
    parse_pattern,
)
from babel.units import format_unit

from substrack.domain.cycles import Unit
from substrack.domain.money import Money
from substrack.texts.catalogue import format_locale

KEPT: Final = 2_000
"""How many of each kind a process remembers: a page writes the same sums and days again and again."""

LONGEST_ZONE: Final = 5
"""Of a zone's short name, in letters ("AEDT", "MSK"); some languages know only "Eastern Standard Time"."""


@lru_cache(KEPT)
def money(amount: Money, locale: str) -> str:
    """Write an amount with its sign: "4.00 €" (the space does not break).

    The decimals are those of our own currency table; CLDR's differ for some currencies.
    """
    written: str = _pattern(locale, amount.exponent).apply(
        Decimal(amount.major()), format_locale(locale), currency=amount.currency, currency_digits=False
    )
    return written


@cache
def _pattern(locale: str, exponent: int) -> NumberPattern:
    standard: str = format_locale(locale).currency_formats["standard"].pattern
    return parse_pattern(standard.replace("0.00", _decimals(exponent)))


def bare_sum(amount: Money, locale: str) -> str:
    """Write a sum as a bank's form takes it: no sign, nothing between thousands ("1234.00")."""
    return amount.major().replace(".", get_decimal_symbol(format_locale(locale)))


def number(value: int, locale: str) -> str:
    """Write a whole number: "1,234"."""
    return format_decimal(value, locale=format_locale(locale))


def grouping(locale: str) -> str:
    """Return what stands between thousands: the comma of "1,234.00"."""
    return get_group_symbol(format_locale(locale))


@lru_cache(KEPT)
def day(value: date, locale: str) -> str:
    """Write a date in full: "5 March 2026"."""
    return _plain_year(format_date(value, "long", locale=format_locale(locale)))


@lru_cache(KEPT)
def short_day(value: date, locale: str) -> str:
    """Write a date for tables: "5 Mar 2026"."""
    return _plain_year(format_date(value, "medium", locale=format_locale(locale)))


def moment(value: datetime, locale: str) -> str:
    """Write an aware instant by the clock of its own zone: "5 Mar 2026, 10:00 CET"."""
    return f"{short_day(value.date(), locale)}, {clock(value, locale)} {_zone(value, locale)}"


def clock(value: datetime, locale: str) -> str:
    """Write the time of day of an aware instant by its own zone: "10:04"."""
    return format_datetime(value, "HH:mm", tzinfo=value.tzinfo, locale=format_locale(locale))


@lru_cache(KEPT)
def period_name(unit: Unit, every: int, starts_on: date, ends_on: date, locale: str) -> str:
    """Name a period: "March 2026" when monthly, else its dates ("1 Jan – 31 Mar 2026").

    A monthly period is named after the month it starts in; no two of one group start in the same month.
    """
    rules = format_locale(locale)
    if unit is Unit.MONTH and every == 1:
        return format_date(starts_on, "LLLL y", locale=rules)
    return _plain_year(format_interval(starts_on, ends_on, skeleton="yMMMd", locale=rules))


def dates(first_on: date, last_on: date, locale: str) -> str:
    """Write the days from one to another: "5 – 19 Dec 2026"."""
    return _plain_year(format_interval(first_on, last_on, skeleton="yMMMd", locale=format_locale(locale)))


def listed(words: Sequence[str], locale: str) -> str:
    """Join words: "Ben, Mia and Olga"."""
    return format_list(list(words), locale=format_locale(locale))


def file_size(size: int, locale: str) -> str:
    """Write a number of bytes for people: "120 kB", "1.2 MB" (thousands, not 1,024s)."""
    rules = format_locale(locale)
    if size < 1_000_000:
        return format_unit(max(1, round(size / 1000)), "digital-kilobyte", length="short", locale=rules)
    return format_unit(round(size / 1_000_000, 1), "digital-megabyte", length="short", locale=rules)


def _zone(value: datetime, locale: str) -> str:
    """Name a zone in short: "CET", in no other words where the language has none, else "GMT+05:00"."""
    rules = format_locale(locale)
    name = format_datetime(value, "z", tzinfo=value.tzinfo, locale=rules)
    names = (name, value.tzname() or "")
    short = (one for one in names if one.isalpha() and len(one) <= LONGEST_ZONE)
    return next(short, get_timezone_gmt(value, locale=rules))


def _plain_year(written: str) -> str:
    """Leave out the Russian "г." after a year: it is for papers, and meets the full stop."""
    return re.sub(r"\sг\.", "", written)


def _decimals(exponent: int) -> str:
    return "0." + "0" * exponent if exponent else "0"
