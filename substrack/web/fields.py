"""Fields of forms, and what is typed into them: numbers, sums, days and choices with sentences of ours.

What may be left empty says so in its name; whether a value makes sense, the services say.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Any

from wtforms import DateField, Field, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from substrack.domain.errors import Conflict, Phrase, Refused
from substrack.domain.money import Money, parse_amount
from substrack.domain.wording import MAX_NAME
from substrack.web.forms import too_long


class LookAgain(Conflict):
    """A form without the version of what it is about, so that nobody knows what was looked at."""

    def __init__(self) -> None:
        super().__init__("This page is old or incomplete; nothing was changed. Look again, then press.")


class NotADay(Refused):
    """What was typed is no date."""

    def __init__(self, field: str) -> None:
        super().__init__("Write the day as 2026-03-05.", field=field)


class NothingTyped(Refused):
    """An amount of zero, or none where one is wanted."""

    def __init__(self, field: str) -> None:
        super().__init__("Enter an amount above zero.", field=field)


class WholeNumber(IntegerField):
    """A number without decimals."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(Phrase("Write a whole number, such as 3.")) from None
        if self.data is not None and abs(self.data) > 10**9:
            self.data = None
            raise ValueError(Phrase("This number is too large."))


class Day(DateField):
    """A date as the browser's own field sends it (ISO 8601)."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(Phrase("Choose a day, such as 2026-03-05.")) from None


def line(label: str, *, maximum: int = MAX_NAME, **options: Any) -> Field:
    """Make a field of one line that may stay empty; a name unless it says how long it may be."""
    return StringField(label, [_at_most(maximum)], **options)


def area(label: str, *, maximum: int, **options: Any) -> Field:
    """Make a field of several lines that may stay empty."""
    return TextAreaField(label, [_at_most(maximum)], **options)


def whole(label: str, *, default: int | None = None) -> Field:
    """Make a field of a number that must be there."""
    return WholeNumber(label, [InputRequired("Write a whole number, such as 3.")], default=default)


def optional_whole(label: str) -> Field:
    """Make a field of a number that may be left out."""
    return WholeNumber(label, [Optional()])


def day(label: str) -> Field:
    """Make a field of a date that must be there."""
    return Day(label, [InputRequired("Choose a day.")])


def optional_day(label: str) -> Field:
    """Make a field of a date that may be left out."""
    return Day(label, [Optional()])


def one_of(label: str, choices: Iterable[tuple[StrEnum, str]], *, default: StrEnum) -> Field:
    """Make a choice among the members of an enum."""
    named = {member.value: words for member, words in choices}
    return SelectField(label, choices=named, default=default.value)


def read_version(text: str | None) -> int:
    """Read the version that a page showed.

    Raises:
        LookAgain: it is missing or garbled.
    """
    version = read_key(text)
    if version is None:
        raise LookAgain
    return version


def read_key(text: str | None) -> int | None:
    """Read a number that a page of ours wrote, such as where a list goes on; None for anything else."""
    typed = text or ""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 16 else None


def read_amount(text: str | None, currency: str, *, field: str) -> Money:
    """Read an amount of zero or more, refusing it beside `field`.

    Raises:
        AmountRefused, UnknownCurrency.
    """
    try:
        return parse_amount(text or "", currency)
    except Refused as refused:
        if refused.field == "amount":
            refused.field = field
        raise


def read_optional_amount(text: str | None, currency: str, *, field: str) -> Money | None:
    """Read an amount of zero or more; None when nothing was typed.

    Raises:
        AmountRefused, UnknownCurrency.
    """
    return read_amount(text, currency, field=field) if (text or "").strip() else None


def read_sum(text: str | None, currency: str, *, field: str = "amount") -> Money:
    """Read an amount above zero.

    Raises:
        AmountRefused, UnknownCurrency, NothingTyped.
    """
    amount = read_optional_sum(text, currency, field=field)
    if amount is None:
        raise NothingTyped(field)
    return amount


def read_optional_sum(text: str | None, currency: str, *, field: str = "amount") -> Money | None:
    """Read an amount above zero; None when nothing was typed.

    Raises:
        AmountRefused, UnknownCurrency, NothingTyped.
    """
    amount = read_optional_amount(text, currency, field=field)
    if amount is not None and amount.minor == 0:
        raise NothingTyped(field)
    return amount


def read_optional_day(text: str | None, *, field: str) -> date | None:
    """Read a date as a browser's date field sends it (ISO 8601); None when nothing was typed.

    Raises:
        NotADay.
    """
    typed = (text or "").strip()
    if not typed:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise NotADay(field) from None


def _at_most(maximum: int) -> Length:
    return Length(max=maximum, message=too_long(maximum))
