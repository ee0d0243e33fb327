"""What was decided, by whom and when, in one calm sentence for somebody who comes too late."""

from __future__ import annotations

from datetime import datetime

from substrack.domain.actors import ActorKind
from substrack.domain.chat_cards import CONFIRMED_IN_PART
from substrack.texts import formats
from substrack.texts.words import Words


def decided_sentence(
    verb: str | None,
    kind: ActorKind | None,
    name: str | None,
    at: datetime | None,
    *,
    now: datetime,
    locale: str,
) -> str:
    """Write "Olga confirmed this at 10:04; nothing was changed."; `at` and `now` are in the reader's zone."""
    _ = Words(locale)
    if verb is None or at is None:
        return _("This was changed in the meantime; nothing was changed now.")
    what = _what_was_done(verb, kind, name, _)
    return _("%(what)s %(when)s; nothing was changed.", what=what, when=_when(at, now, _))


def done_sentence(
    verb: str, kind: ActorKind | None, name: str | None, at: datetime, *, now: datetime, locale: str
) -> str:
    """Write "Olga confirmed this at 10:04."; `at` and `now` are in the reader's zone."""
    _ = Words(locale)
    return _("%(what)s %(when)s.", what=_what_was_done(verb, kind, name, _), when=_when(at, now, _))


def _what_was_done(verb: str, kind: ActorKind | None, name: str | None, _: Words) -> str:
    who = name or (_("The command line") if kind is ActorKind.OPERATOR else _("Somebody"))
    if kind is ActorKind.CREDIT:
        return _("Credit settled this")
    done = {
        "claim": _("%(who)s said this is paid", who=who),
        "withdraw": _("%(who)s took this back", who=who),
        "confirm": _("%(who)s confirmed this", who=who),
        CONFIRMED_IN_PART: _("%(who)s booked a part of this", who=who),
        "reject": _("%(who)s rejected this", who=who),
        "waive": _("%(who)s waived this", who=who),
        "unwaive": _("%(who)s asked for this again", who=who),
        "reopen": _("%(who)s opened this again", who=who),
        "adjust": _("%(who)s corrected the amount", who=who),
        "undo": _("%(who)s undid the decision", who=who),
        "void": _("%(who)s voided this", who=who),
        "restore": _("%(who)s restored this", who=who),
        "lapse": _("This became overdue"),
    }
    return done.get(verb, _("%(who)s changed this", who=who))


def _when(at: datetime, now: datetime, _: Words) -> str:
    if at.date() == now.date():
        return _("at %(time)s", time=formats.clock(at, _.locale))
    return _("on %(day)s", day=_.day(at.date()))
