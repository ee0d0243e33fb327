"""One language at hand: translate, and write money and dates, without naming the locale at every turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from substrack.domain.money import Money
from substrack.domain.spans import Span
from substrack.texts import catalogue, formats


@dataclass(frozen=True)
class Words:
    """The words of one locale. Called `_` where it is used, so that catalogue tools find the messages."""

    locale: str

    def __call__(self, message: str, **values: object) -> str:
        """Translate a message and fill its `%(name)s` places."""
        return catalogue.gettext(message, self.locale, **values)

    def ngettext(self, singular: str, plural: str, n: int, **values: object) -> str:
        """Translate the form of a message that fits `n`."""
        return catalogue.ngettext(singular, plural, n, self.locale, **values)

    def money(self, amount: Money) -> str:
        """Write an amount with its sign."""
        return formats.money(amount, self.locale)

    def bare_sum(self, amount: Money) -> str:
        """Write an amount to be copied into a form."""
        return formats.bare_sum(amount, self.locale)

    @property
    def grouping(self) -> str:
        """What stands between thousands."""
        return formats.grouping(self.locale)

    def number(self, value: int) -> str:
        """Write a whole number, grouped as the language does."""
        return formats.number(value, self.locale)

    def day(self, value: date) -> str:
        """Write a date in full."""
        return formats.day(value, self.locale)

    def short_day(self, value: date) -> str:
        """Write a date for a narrow place."""
        return formats.short_day(value, self.locale)

    def span(self, span: Span) -> str:
        """Name a period."""
        return formats.period_name(span.unit, span.every, span.starts_on, span.ends_on, self.locale)

    def dates(self, first_on: date, last_on: date) -> str:
        """Write the days from one to another."""
        return formats.dates(first_on, last_on, self.locale)

    def listed(self, words: Sequence[str]) -> str:
        """Join words with commas and an "and"."""
        return formats.listed(words, self.locale)

    def moment(self, value: datetime) -> str:
        """Write an aware instant by the clock of its own zone, and say which: "5 Mar 2026, 10:00 CET"."""
        return formats.moment(value, self.locale)

    def file_size(self, size: int) -> str:
        """Write a number of bytes: "120 kB"."""
        return formats.file_size(size, self.locale)
