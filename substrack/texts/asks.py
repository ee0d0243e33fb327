"""The first lines of the member's page: who asks, for how much and by when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from substrack.domain.bills import Item
from substrack.texts.bills import payers_of, total_in_words
from substrack.texts.days_away import days_away
from substrack.texts.words import Words


def who_asks(items: Sequence[Item], _: Words) -> str:
    """Say who asks for how much: "Olga asks you for 8.97 €"; `items` are never empty."""
    count = len({item.payer.name for item in items})
    facts = {"payers": payers_of(items, _), "sum": total_in_words(items, _)}
    if count == 1:
        return _("%(payers)s asks you for %(sum)s.", **facts)
    return _("%(payers)s ask you for %(sum)s.", **facts)


def by_when(items: Sequence[Item], today: date, _: Words) -> str:
    """Say by when the first of the items is due, near and exactly; empty when none has a day."""
    first = min((item.due_on for item in items if item.due_on), default=None)
    if first is None:
        return ""
    when = days_away(first, today, _.locale)
    if len(items) == 1:
        return _("It was due %(when)s.", when=when) if first < today else _("It is due %(when)s.", when=when)
    if first < today:
        return _("The first was due %(when)s.", when=when)
    return _("The first is due %(when)s.", when=when)
