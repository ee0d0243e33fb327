"""How long somebody has paid ahead, in words; for the member's page and the one admins see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from substrack.domain.cycles import Unit
from substrack.texts.days_away import days_away
from substrack.texts.words import Words


def comes_when(due_on: date, collected_on: date | None, today: date, _: Words) -> str:
    """Say when a period to come is due, and on which collection day it is asked for."""
    due = days_away(due_on, today, _.locale)
    if collected_on is None or collected_on == due_on:
        return due
    return _("%(due)s; you are asked on %(day)s", due=due, day=_.short_day(collected_on))


def after_bills(unless: Sequence[str], *, is_covered: bool, locale: str) -> str:
    """Say whose bills come before what else credit pays; empty where nothing is unsure.

    Put after what `covered_for` says, where there is that.
    """
    _ = Words(locale)
    if not unless:
        return ""
    groups = _.listed(unless)
    if is_covered:
        return _("then what the bill of %(groups)s leaves", groups=groups)
    return _("your credit pays what the bill of %(groups)s leaves of it", groups=groups)


def covered_for(unit: Unit, every: int, periods: int, locale: str) -> str:
    """Say for how long credit settles what comes: "covered, 4 months left"."""
    _, n = Words(locale), every * periods
    match unit:
        case Unit.WEEK:
            return _.ngettext("covered, %(n)s week left", "covered, %(n)s weeks left", n)
        case Unit.MONTH:
            return _.ngettext("covered, %(n)s month left", "covered, %(n)s months left", n)
        case Unit.YEAR:
            return _.ngettext("covered, %(n)s year left", "covered, %(n)s years left", n)
