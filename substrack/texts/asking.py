"""Asking now, in words: how somebody stands, what goes out which way, and a message to send by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from substrack.domain.asking import AskState
from substrack.domain.bills import Item, OwnSentence
from substrack.domain.notices import Channel
from substrack.texts import formats
from substrack.texts.bills import own_sentences, payers_of, total_in_words, what_for
from substrack.texts.days_away import days_away
from substrack.texts.words import Words


def standing(
    state: AskState,
    asked_on: date | None,
    until: date | None,
    today: date,
    _: Words,
    *,
    is_kept: bool = False,
) -> str:
    """Say when somebody was last asked, or why they are not asked now.

    `is_kept`: what asked them was only kept here, so that they know nothing of it.
    """
    match state:
        case AskState.READY | AskState.RECENT if is_kept and asked_on is not None:
            when = days_away(asked_on, today, _.locale)
            return _("written %(when)s and kept here, not sent", when=when)
        case AskState.ASKED_TODAY if is_kept:
            return _("written today and kept here, not sent")
        case AskState.READY | AskState.RECENT:
            return last_asked(asked_on, today, _)
        case AskState.SNOOZED if until is not None and until > today:
            return _("asked to wait until %(day)s", day=_.short_day(until))
    reasons = {
        AskState.ASKED_TODAY: _("asked today"),
        AskState.ASKED_ELSE: _("asked today for something else"),
        AskState.ON_ITS_WAY: _("a request is on its way"),
        AskState.TO_CHECK: _("says it is paid; waits for your check"),
        AskState.SNOOZED: _("asked to wait"),
        AskState.OBJECTED: _("says something’s off"),
        AskState.LEFT: _("has left; confirm, waive or let it be"),
        AskState.UNREACHABLE: _("no address that works"),
        AskState.UNSUBSCRIBED: _("wants no requests from us"),
        AskState.PAID: _("owes nothing"),
    }
    return reasons[state]


def held_until(until: datetime, _: Words) -> str:
    """Say until when a request waits; the instant is in the reader's zone."""
    return _("a request waits until %(when)s", when=_.moment(until))


def time_there(now: datetime, zones: Iterable[str], _: Words) -> str:
    """Say what time it is for people in these zones: "23:40", or "05:40–23:40" where it differs."""
    local = sorted((now.astimezone(ZoneInfo(zone)) for zone in zones), key=lambda there: there.time())
    ends = [formats.clock(there, _.locale) for there in (local[0], local[-1])]
    return "–".join(dict.fromkeys(ends))


def standing_sentence(words: str) -> str:
    """Make a sentence of how somebody stands; what is in it keeps its capitals."""
    return f"{words[:1].upper()}{words[1:]}."


def last_asked(asked_on: date | None, today: date, _: Words) -> str:
    """Say when somebody was last asked for anything."""
    if asked_on is None:
        return _("never asked so far")
    return _("asked %(when)s", when=days_away(asked_on, today, _.locale))


def channels_in_words(channels: Sequence[Channel], _: Words) -> str:
    """Say which way a message goes: "by mail and in Telegram"."""
    names = {Channel.EMAIL: _("by mail"), Channel.TELEGRAM: _("in Telegram")}
    return _.listed([names[channel] for channel in channels])


def asked_sentence(
    names: Sequence[str], waits_until: datetime | None, _: Words, *, is_kept: bool = False
) -> str:
    """Say who is asked, and when it goes out if that is not at once; `is_kept`: mail goes nowhere."""
    if not names:
        return _("Nobody was asked: whoever can be asked was asked already.")
    whom = _.listed(names) if len(names) <= 3 else _.ngettext("%(n)s person", "%(n)s people", len(names))
    if is_kept:
        return _("Written to %(whom)s. Mail is kept here, not sent: no mail server is set.", whom=whom)
    if waits_until is None:
        return _("Asked: %(whom)s. It goes out in ten seconds.", whom=whom)
    return _("Asked: %(whom)s. It goes out %(when)s.", whom=whom, when=_.moment(waits_until))


def message_by_hand(
    name: str, items: Sequence[Item], sentences: Sequence[OwnSentence], link: str, locale: str
) -> str:
    """Write a short message for any chat: plain text without markup, with the person's own link."""
    _ = Words(locale)
    lines = [_opening(name, items, _)]
    if len(items) > 1:
        lines += [f"– {what_for(item, _)}: {_.money(item.left)}" for item in items]
    lines += own_sentences(sentences, items, _)
    lines.append(_("How to pay, and a button for when you have: %(link)s", link=link))
    return re.sub("[\xa0\u2009\u202f]", " ", "\n".join(lines))


def _opening(name: str, items: Sequence[Item], _: Words) -> str:
    total, payers = total_in_words(items, _), payers_of(items, _)
    if len(items) == 1:
        return _(
            "Hi %(name)s, your share for %(what)s is %(total)s, to %(payers)s.",
            name=name,
            what=what_for(items[0], _),
            total=total,
            payers=payers,
        )
    return _("Hi %(name)s, %(total)s is open with %(payers)s:", name=name, total=total, payers=payers)
