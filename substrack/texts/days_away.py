"""Days as people think of them: how far away, and which."""

from __future__ import annotations

from datetime import date
from typing import Final

from substrack.texts.words import Words

NEAR_DAYS: Final = 60
"""Farther away nobody counts days."""


def days_away(day: date, today: date, locale: str) -> str:
    """Say how far a day is and which it is: "in 3 days, 5 Mar 2026"; the day alone when that is far."""
    _ = Words(locale)
    if abs((day - today).days) > NEAR_DAYS:
        return _.short_day(day)
    return _("%(away)s, %(day)s", away=_away((day - today).days, _), day=_.short_day(day))


def _away(days: int, _: Words) -> str:
    if days == 0:
        return _("today")
    if days == 1:
        return _("tomorrow")
    if days == -1:
        return _("yesterday")
    if days > 0:
        return _.ngettext("in %(n)s day", "in %(n)s days", days)
    return _.ngettext("%(n)s day ago", "%(n)s days ago", -days)
