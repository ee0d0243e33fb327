"""What people type into forms, read into values; what cannot be read is refused beside its field.

Meaning is the services'; here is only what a text box may hold.
"""

from __future__ import annotations

from datetime import date

from substrack.domain.errors import Refused
from substrack.domain.money import Money, parse_amount


class NotADay(Refused):
    """What was typed is no date."""

    def __init__(self, field: str) -> None:
        super().__init__("Write the day as 2026-03-05.", field=field)


class NothingTyped(Refused):
    """An amount of zero, or none where one is wanted."""

    def __init__(self, field: str) -> None:
        super().__init__("Enter an amount above zero.", field=field)


def typed_amount(text: str | None, currency: str, *, field: str = "amount") -> Money | None:
    """Read an amount above zero; None when nothing was typed.

    Raises:
        AmountRefused, NothingTyped.
    """
    if not (text or "").strip():
        return None
    try:
        amount = parse_amount(text or "", currency)
    except Refused as refused:
        refused.field = field
        raise
    if amount.minor == 0:
        raise NothingTyped(field)
    return amount


def wanted_amount(text: str | None, currency: str, *, field: str = "amount") -> Money:
    """Read an amount above zero that must be there.

    Raises:
        AmountRefused, NothingTyped.
    """
    amount = typed_amount(text, currency, field=field)
    if amount is None:
        raise NothingTyped(field)
    return amount


def typed_day(text: str | None, *, field: str) -> date | None:
    """Read a date as a browser's date field sends it (ISO 8601); None when nothing was typed.

    Raises:
        NotADay.
    """
    if not (text or "").strip():
        return None
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        raise NotADay(field) from None
