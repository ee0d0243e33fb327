"""The first lines of the member's page: who asks, for how much and by when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from substrack.domain.bills import Item
from substrack.texts.bills import keepers_of, payers_of, total_in_words
from substrack.texts.days_away import days_away
from substrack.texts.words import Words


class Asking(StrEnum):
    """How it stands with what somebody is asked for, where that is one thing for all of it."""

    PLAIN = "plain"
    OVERDUE = "overdue"
    REJECTED = "rejected"
    OBJECTED = "objected"


def who_asks(items: Sequence[Item], _: Words) -> str:
    """Say who asks for how much: "Olga asks you for 8.97 €"; `items` are never empty."""
    count = len({item.payer.name for item in items})
    facts = {"payers": payers_of(items, _), "sum": total_in_words(items, _)}
    if count == 1:
        return _("%(payers)s asks you for %(sum)s.", **facts)
    return _("%(payers)s ask you for %(sum)s.", **facts)


def headline(items: Sequence[Item], asking: Asking, _: Words) -> str:
    """Say what a person is asked for, as it stands between them and the payer; `items` are never empty."""
    facts = {"payers": payers_of(items, _), "sum": total_in_words(items, _)}
    are_many = len({item.payer.name for item in items}) > 1
    match asking:
        case Asking.OBJECTED:
            return _("You wrote to %(payers)s about %(sum)s", **facts | {"payers": keepers_of(items, _)})
        case Asking.OVERDUE:
            return _("%(sum)s to %(payers)s is overdue", **facts)
        case Asking.REJECTED if are_many:
            return _("%(payers)s ask you for %(sum)s again", **facts)
        case Asking.REJECTED:
            return _("%(payers)s asks you for %(sum)s again", **facts)
        case Asking.PLAIN if are_many:
            return _("%(payers)s ask you for %(sum)s", **facts)
    return _("%(payers)s asks you for %(sum)s", **facts)


def promise(items: Sequence[Item], _: Words) -> str:
    """Say how little it takes."""
    payers = keepers_of(items, _)
    if len({item.keeper for item in items}) > 1:
        return _("Paid? One more tap and %(payers)s know.", payers=payers)
    return _("Paid? One more tap and %(payers)s knows.", payers=payers)


def by_when(items: Sequence[Item], today: date, _: Words, *, is_asked: bool = True) -> str:
    """Say by when the first of the items is due, near and exactly; empty when none has a day.

    Of what nobody was asked for yet no days are counted once it was due.
    """
    first = min((item.due_on for item in items if item.due_on), default=None)
    if first is None:
        return ""
    when = days_away(first, today, _.locale) if is_asked or first >= today else _.short_day(first)
    if len(items) == 1:
        return _("It was due %(when)s.", when=when) if first < today else _("It is due %(when)s.", when=when)
    if first < today:
        return _("The first was due %(when)s.", when=when)
    return _("The first is due %(when)s.", when=when)
