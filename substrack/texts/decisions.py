"""What was decided, by whom and when, in one calm sentence for somebody who comes too late."""

from __future__ import annotations

from datetime import datetime

from substrack.domain.actors import ActorKind
from substrack.domain.chat_cards import CONFIRMED_IN_PART
from substrack.domain.claims import Booked
from substrack.domain.money import Money
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
    return _("%(done)s; nothing was changed.", done=_what_was_done(verb, kind, name, _when(at, now, _), _))


def done_sentence(
    verb: str, kind: ActorKind | None, name: str | None, at: datetime, *, now: datetime, locale: str
) -> str:
    """Write "Olga confirmed this at 10:04."; `at` and `now` are in the reader's zone."""
    _ = Words(locale)
    return f"{_what_was_done(verb, kind, name, _when(at, now, _), _)}."


def confirmed_sentences(booked: Booked | None, left: Money, _: Words) -> str:
    """Say what sum was just booked for a claim, what is `left` to pay, and where it went beyond the claim.

    Nothing is `booked` (None) where all the money of the claim was before.
    """
    if booked is None and left.minor:
        return _("No more money was booked; %(left)s is left to pay.", left=_.money(left))
    if booked is None:
        return _("Settled with earlier money.")
    if not left.minor:
        return " ".join([_("Confirmed: %(amount)s.", amount=_.money(booked.amount)), *_beyond(booked, _)])
    amount, rest = _.money(booked.amount), _.money(left)
    said = _("Booked: %(amount)s; %(left)s is left to pay.", amount=amount, left=rest)
    return " ".join([said, *_beyond(booked, _)])


def claimed_sum(amount: Money, _: Words) -> str:
    """Write what a claim stands for; nothing once all of its money is booked."""
    return _.money(amount) if amount.minor else _("booked already")


def booked_sentences(booked: Booked, claimed: Money | None, _: Words) -> str | None:
    """Say what was booked for a claim and where it went; None when it was what was `claimed`, and no more.

    Where nothing of what was claimed is owed any more (None), it is always said.
    """
    beyond = _beyond(booked, _)
    if booked.amount == claimed and not beyond:
        return None
    return " ".join([_("Booked: %(amount)s.", amount=_.money(booked.amount)), *beyond])


def _beyond(booked: Booked, _: Words) -> list[str]:
    said = []
    if booked.elsewhere.minor:
        said.append(_("%(amount)s of it settled other shares.", amount=_.money(booked.elsewhere)))
    if booked.credit.minor:
        said.append(_("%(amount)s of it is kept as credit.", amount=_.money(booked.credit)))
    return said


def _what_was_done(verb: str, kind: ActorKind | None, name: str | None, when: str, _: Words) -> str:
    who = name or (_("The command line") if kind is ActorKind.OPERATOR else _("Somebody"))
    if kind is ActorKind.CREDIT:
        return _("Credit settled this %(when)s", when=when)
    done = {
        "claim": _("%(who)s said this is paid %(when)s", who=who, when=when),
        "withdraw": _("%(who)s took this back %(when)s", who=who, when=when),
        "confirm": _("%(who)s confirmed this %(when)s", who=who, when=when),
        CONFIRMED_IN_PART: _("%(who)s booked a part of this %(when)s", who=who, when=when),
        "reject": _("%(who)s rejected this %(when)s", who=who, when=when),
        "waive": _("%(who)s waived this %(when)s", who=who, when=when),
        "unwaive": _("%(who)s asked for this again %(when)s", who=who, when=when),
        "reopen": _("%(who)s opened this again %(when)s", who=who, when=when),
        "adjust": _("%(who)s corrected the amount %(when)s", who=who, when=when),
        "release": _("%(who)s took money off this %(when)s", who=who, when=when),
        "undo": _("%(who)s undid the decision %(when)s", who=who, when=when),
        "void": _("%(who)s voided this %(when)s", who=who, when=when),
        "restore": _("%(who)s restored this %(when)s", who=who, when=when),
        "answer": _("%(who)s answered this %(when)s", who=who, when=when),
        "dismiss": _("%(who)s left this without an answer %(when)s", who=who, when=when),
        "lapse": _("This became overdue %(when)s", when=when),
        "extend": _("%(who)s moved the due date of this %(when)s", who=who, when=when),
    }
    return done.get(verb, _("%(who)s changed this %(when)s", who=who, when=when))


def _when(at: datetime, now: datetime, _: Words) -> str:
    if at.date() == now.date():
        return _("at %(time)s", time=formats.clock(at, _.locale))
    return _("on %(day)s", day=_.day(at.date()))
