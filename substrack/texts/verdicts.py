"""The last word about what is still open, for the top of a person's page: what it is, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from substrack.domain.bills import Item
from substrack.domain.payments import ANOTHER_SUM, ReopenCause
from substrack.domain.verdicts import Verdict, VerdictKind
from substrack.texts.bills import what_for
from substrack.texts.labels import reason_in_words
from substrack.texts.words import Words

MOST_NAMED: Final = 2
"""How many payments are named; more are counted."""


@dataclass(frozen=True)
class VerdictWords:
    """A verdict in words: `said` are the admin's own, if any, and `asked` the member's that they answer."""

    title: str
    what: str
    said: str
    next_step: str
    tone: str
    icon: str
    asked: str = ""


def verdict_in_words(verdict: Verdict, _: Words) -> VerdictWords:
    """Say what was decided and what the member can do about it."""
    return _WORDS[verdict.kind](verdict, _)


def _rejected(verdict: Verdict, _: Words) -> VerdictWords:
    return VerdictWords(
        title=_("Not confirmed"),
        what=_what(verdict.items, _),
        said=reason_in_words(verdict.reason or "", _.locale),
        next_step=_(
            "Please look whether the money went out, then press “I’ve paid” again. "
            "Or write below what is off."
        ),
        tone="bad",
        icon="x-circle-fill",
    )


def _part_received(verdict: Verdict, _: Words) -> VerdictWords:
    title = _(
        "%(payer)s received %(received)s of %(amount)s, %(left)s left",
        payer=verdict.payer,
        received=_.money(verdict.received),
        amount=_.money(verdict.amount),
        left=_.money(verdict.left),
    )
    return VerdictWords(title, _what(verdict.items, _), "", "", "wait", "coin")


def _reopened(verdict: Verdict, _: Words) -> VerdictWords:
    why = {
        ReopenCause.NEVER_CAME.value: _("The money that was noted for it has not come."),
        ReopenCause.SOMETHING_ELSE.value: _("The money that was noted for it was for something else."),
        ANOTHER_SUM: _("Another sum came than had been noted."),
    }
    reason = verdict.reason or ""
    said = "" if reason in why else reason
    next_step = why.get(reason, "")
    return VerdictWords(_("Open again"), _what(verdict.items, _), said, next_step, "wait", "undo")


def _answered(verdict: Verdict, _: Words) -> VerdictWords:
    return VerdictWords(
        title=_("The answer to what you wrote"),
        what=_what(verdict.items, _),
        said=verdict.reason or "",
        next_step="",
        tone="info",
        icon="mail",
        asked=verdict.question,
    )


def _what(items: Sequence[Item], _: Words) -> str:
    if len(items) > MOST_NAMED:
        return _.ngettext("%(n)s share", "%(n)s shares", len(items))
    return _.listed([what_for(item, _) for item in items])


_WORDS: Final[Mapping[VerdictKind, Callable[[Verdict, Words], VerdictWords]]] = {
    VerdictKind.REJECTED: _rejected,
    VerdictKind.PART_RECEIVED: _part_received,
    VerdictKind.REOPENED: _reopened,
    VerdictKind.ANSWERED: _answered,
}
