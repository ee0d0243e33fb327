"""What people type on the command line: instants, days and amounts, and the flags many commands share."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import click

from substrack.domain.errors import Refused
from substrack.domain.money import AmountRefused, Money, parse_amount
from substrack.domain.terms import EARLIEST, LATEST


class NaiveInstant(Refused):
    """An instant without its zone could be any of twenty-four."""

    field = "now"

    def __init__(self, text: str) -> None:
        super().__init__(f"{text} needs a zone: write 2026-03-01T10:00:00+01:00, or 2026-03-01T09:00:00Z.")


class FarInstant(Refused):
    """A year so far off that it must be a slip, and that calendars could not count on from."""

    field = "now"

    def __init__(self) -> None:
        super().__init__(f"Choose an instant in the years {EARLIEST.year} to {LATEST.year}.")


class InstantType(click.ParamType[datetime]):
    """An aware instant in ISO 8601."""

    name = "ISO"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"“{value}” is not an instant; write 2026-03-01T10:00:00+01:00.", param, ctx)
        if instant.tzinfo is None:
            raise NaiveInstant(value)
        if not EARLIEST.year <= instant.year <= LATEST.year:
            raise FarInstant
        return instant


class DayType(click.ParamType[date]):
    """A date in ISO 8601."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"“{value}” is not a date; write it as 2026-03-31.", param, ctx)


INSTANT = InstantType()
DAY = DayType()

json_flag = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
dry_run_flag = click.option("--dry-run", is_flag=True, help="Show what would happen, and change nothing.")
now_option = click.option("--now", type=INSTANT, help="Act as if it were this instant (with its zone).")


def read_amount(text: str, currency: str, *, flag: str) -> Money:
    """Read an amount as people type it; a refusal names the flag it came by."""
    try:
        return parse_amount(text, currency)
    except AmountRefused as refused:
        refused.field = flag
        raise


def read_optional(text: str | None, currency: str, *, flag: str) -> Money | None:
    """Read an amount that may be left out."""
    return None if text is None else read_amount(text, currency, flag=flag)
