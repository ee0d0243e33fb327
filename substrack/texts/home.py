"""Words of home: how late somebody is, whom a group asks next, what its chart shows."""

from __future__ import annotations

from datetime import date

from babel.dates import format_date

from substrack.texts.catalogue import format_locale
from substrack.texts.days_away import days_away
from substrack.texts.words import Words


def due_when(due_on: date | None, today: date, _: Words, *, is_asked: bool = True) -> str:
    """Say how late a debt is, or when it is due: "9 days late, 11 Nov 2026".

    Nobody is called late who was not asked yet: then it is the day alone, "due 11 Nov 2026".
    """
    if due_on is None:
        return _("no due date")
    days = (today - due_on).days
    if days > 0 and not is_asked:
        return _("due %(day)s", day=_.short_day(due_on))
    if days > 0:
        return _.ngettext(
            "%(n)s day late, %(day)s", "%(n)s days late, %(day)s", days, day=_.short_day(due_on)
        )
    return _("due %(when)s", when=days_away(due_on, today, _.locale))


def asks_when(names: tuple[str, ...], on: date, today: date, _: Words, *, is_more: bool) -> str:
    """Say whom a group asks next: "asks Ben and Mia tomorrow, 21 Nov 2026"."""
    shown = [*names, _("others")] if is_more else names
    return _(
        "asks %(names)s %(when)s", names=_.listed(shown), when=days_away(max(on, today), today, _.locale)
    )


def next_request(names: tuple[str, ...], on: date, today: date, _: Words, *, is_more: bool) -> str:
    """Say in a sentence whom a group asks next."""
    shown = [*names, _("others")] if is_more else names
    return _(
        "The next request goes to %(names)s %(when)s.",
        names=_.listed(shown),
        when=days_away(max(on, today), today, _.locale),
    )


def who_is_missing(names: tuple[str, ...], others: int | None, _: Words) -> str:
    """Name those who owe: "Ben, Mia and 2 more", or "Ben, Mia and others" when nobody has counted them."""
    if others is None:
        return _.listed([*names, _("others")])
    return _.listed([*names, *([_.ngettext("%(n)s more", "%(n)s more", others)] if others else [])])


def opens_when(state: str, opens_on: date | None, _: Words, *, is_next: bool) -> str:
    """Say when a group's next period opens: "opens 5 Dec 2026"; beside one that is open, the next one."""
    if state == "paused":
        return _("paused")
    if state != "active":
        return _("ended")
    if opens_on is None:
        return _("opens once somebody has joined")
    if is_next:
        return _("next one opens %(day)s", day=_.short_day(opens_on))
    return _("opens %(day)s", day=_.short_day(opens_on))


def days_taken(days: int | None, _: Words) -> str:
    """Say how long people took: "3 days"; None where no money came that settled a payment."""
    if days is None:
        return _("nothing to measure")
    return _.ngettext("%(n)s day", "%(n)s days", days)


def this_month(value: str, _: Words) -> str:
    """Say what stands for the month that runs: "115.17 € this month"."""
    return _("%(value)s this month", value=value)


def month_letter(day: date, _: Words) -> str:
    """Write a month as one letter, below its bar."""
    return format_date(day, "LLLLL", locale=format_locale(_.locale))


def month_name(day: date, _: Words) -> str:
    """Write a month with its year: "March 2026"."""
    return format_date(day, "LLLL y", locale=format_locale(_.locale))
