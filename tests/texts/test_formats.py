"""Claims about how money, dates and lists are written."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from babel.numbers import get_decimal_symbol

from substrack.domain.currencies import EXPONENTS
from substrack.domain.cycles import Unit
from substrack.domain.money import Money
from substrack.texts import formats
from substrack.texts.catalogue import LANGUAGES, format_locale


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "expected"),
    [
        (400, "EUR", "en", "4.00 €"),
        (123450, "EUR", "en", "1,234.50 €"),
        (123450, "USD", "en", "1,234.50 US$"),
        (123450, "USD", "en_US", "$1,234.50"),
        (123450, "GBP", "en_GB", "£1,234.50"),
        (500, "JPY", "en", "500 JP¥"),
        (1234, "KWD", "en", "1.234 KWD"),
        (-99, "EUR", "en", "-0.99 €"),
        (0, "EUR", "en", "0.00 €"),
        (10**17 + 1, "EUR", "en", "1,000,000,000,000,000.01 €"),
    ],
)
def test_amounts_are_written_to_the_last_unit(minor: int, currency: str, locale: str, expected: str) -> None:
    assert formats.money(Money(minor, currency), locale).replace("\xa0", " ") == expected


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_currency_has_our_decimals_in_every_language(locale: str) -> None:
    for currency, exponent in EXPONENTS.items():
        written = formats.money(Money(10**exponent, currency), locale)
        point = get_decimal_symbol(format_locale(locale))
        number = re.search(r"1(\D0+)?", written)
        assert number
        assert number[0] == (f"1{point}" + "0" * exponent if exponent else "1")


def test_an_amount_does_not_break_across_lines() -> None:
    assert " " not in formats.money(Money(400, "EUR"), "en")


@pytest.mark.parametrize(
    ("unit", "every", "starts_on", "ends_on", "expected"),
    [
        (Unit.MONTH, 1, date(2026, 3, 1), date(2026, 3, 31), "March 2026"),
        (Unit.MONTH, 1, date(2026, 1, 31), date(2026, 2, 27), "January 2026"),
        (Unit.MONTH, 1, date(2026, 2, 28), date(2026, 3, 30), "February 2026"),
        (Unit.MONTH, 3, date(2026, 1, 1), date(2026, 3, 31), "1 Jan – 31 Mar 2026"),
        (Unit.YEAR, 1, date(2025, 12, 1), date(2026, 11, 30), "1 Dec 2025 – 30 Nov 2026"),
        (Unit.WEEK, 1, date(2026, 3, 2), date(2026, 3, 8), "2–8 Mar 2026"),
    ],
)
def test_periods_are_called_by_their_month_or_their_dates(
    unit: Unit, every: int, starts_on: date, ends_on: date, expected: str
) -> None:
    name = formats.period_name(unit, every, starts_on, ends_on, "en")
    assert name.replace("\u2009", " ").replace("\u202f", " ") == expected


def test_days_are_written_as_the_language_does() -> None:
    assert formats.day(date(2026, 3, 5), "en") == "5 March 2026"
    assert formats.day(date(2026, 3, 5), "en_US") == "March 5, 2026"


def test_russian_names_a_month_as_it_stands_alone() -> None:
    march = date(2026, 3, 1), date(2026, 3, 31)
    assert formats.period_name(Unit.MONTH, 1, *march, "ru") == "март 2026"
    assert formats.period_name(Unit.MONTH, 1, *march, "de") == "März 2026"


@pytest.mark.parametrize(
    "written",
    [
        formats.day(date(2026, 3, 5), "ru"),
        formats.short_day(date(2026, 3, 5), "ru"),
        formats.period_name(Unit.YEAR, 1, date(2025, 12, 1), date(2026, 11, 30), "ru"),
        formats.period_name(Unit.WEEK, 1, date(2026, 3, 2), date(2026, 3, 8), "ru"),
    ],
)
def test_russian_years_stand_without_their_abbreviation(written: str) -> None:
    assert "2026" in written
    assert "г" not in written


def test_an_instant_is_written_by_the_clock_of_its_zone() -> None:
    instant = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
    assert formats.moment(instant, "en") == "5 Mar 2026, 09:00 UTC"
    in_berlin = instant.astimezone(ZoneInfo("Europe/Berlin"))
    assert formats.moment(in_berlin, "en") == "5 Mar 2026, 10:00 CET"
    assert formats.moment(in_berlin, "ru").endswith("10:00 CET")


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["Ben"], "Ben"), (["Ben", "Mia"], "Ben and Mia"), (["a", "b", "c"], "a, b and c")],
)
def test_lists_end_with_an_and(words: list[str], expected: str) -> None:
    assert formats.listed(words, "en") == expected


@pytest.mark.parametrize(
    ("size", "locale", "expected"),
    [
        (15, "en", "1 kB"),
        (119_600, "en", "120 kB"),
        (1_240_000, "en", "1.2 MB"),
        (1_240_000, "de", "1,2 MB"),
    ],
)
def test_sizes_of_files_are_written_in_thousands(size: int, locale: str, expected: str) -> None:
    assert formats.file_size(size, locale) == expected
