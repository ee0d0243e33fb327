"""How a group asks for its money, in sentences."""

from __future__ import annotations

from substrack.domain.terms import GroupTerms
from substrack.texts.words import Words


def rule_sentences(terms: GroupTerms, locale: str, *, collection_day: int | None) -> list[str]:
    """Say when a period opens, when people are asked, and what happens when they do not answer.

    `collection_day` is that of the workspace.
    """
    _ = Words(locale)
    first = _first(terms, _) if collection_day is None else _collected(collection_day, _)
    return [_opening(terms, _), _due(terms, _), first, _then(terms, _), _late(terms, _)]


def grace_help(collection_day: int | None, _: Words) -> str:
    """Say from when the days of grace count, and that they don't while there is a collection day."""
    if collection_day is None:
        return _("Counted from the day it is due.")
    return _(
        "Counts for nothing now: your collection day, day %(day)s of the month, decides.", day=collection_day
    )


def _opening(terms: GroupTerms, _: Words) -> str:
    if terms.collect_days_before == 0:
        return _("A period opens on the day it starts, at %(hour)s:00.", hour=terms.hour)
    return _.ngettext(
        "A period opens %(n)s day before it starts, at %(hour)s:00.",
        "A period opens %(n)s days before it starts, at %(hour)s:00.",
        terms.collect_days_before,
        hour=terms.hour,
    )


def _due(terms: GroupTerms, _: Words) -> str:
    if terms.due_days == 0:
        return _("It is to be paid by its first day.")
    return _.ngettext(
        "It is to be paid %(n)s day after it starts.",
        "It is to be paid %(n)s days after it starts.",
        terms.due_days,
    )


def _first(terms: GroupTerms, _: Words) -> str:
    if terms.grace_days == 0:
        return _("Whoever has not paid is asked at once.")
    return _.ngettext(
        "Whoever has not paid is asked %(n)s day later.",
        "Whoever has not paid is asked %(n)s days later.",
        terms.grace_days,
    )


def _collected(day: int, _: Words) -> str:
    return _("Whoever has not paid is first asked on your collection day, day %(day)s of the month.", day=day)


def _then(terms: GroupTerms, _: Words) -> str:
    days = terms.repeat_every_days
    often = _("every day") if days == 1 else _.ngettext("every %(n)s day", "every %(n)s days", days)
    return _.ngettext(
        "Then %(often)s, %(n)s time at most; after that you are told instead.",
        "Then %(often)s, %(n)s times at most; after that you are told instead.",
        terms.max_requests,
        often=often,
    )


def _late(terms: GroupTerms, _: Words) -> str:
    return _.ngettext(
        "After %(n)s day without an answer it is overdue, and asked for weekly.",
        "After %(n)s days without an answer it is overdue, and asked for weekly.",
        terms.overdue_after_days,
    )
