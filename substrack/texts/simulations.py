"""What a change would do, in words: the sentence above the table, its cells, and who would be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from substrack.domain.cycles import Unit
from substrack.domain.money import Money
from substrack.domain.simulation import GroupChange, Hearing, ShareChange
from substrack.domain.spans import Span
from substrack.texts.first_requests import first_request_sentences
from substrack.texts.words import Words

SHOWN: Final = 50
"""How many people's shares are told one by one."""


@dataclass(frozen=True)
class SharesLine:
    """One person's row; `tone` names the look of the difference, which the words say as well.

    `lasting` is their share of the first whole period, `instead` what it would be without the change.
    """

    name: str
    before: str
    after: str
    difference: str
    tone: str
    hears: str
    lasting: str = ""
    instead: str = ""


@dataclass(frozen=True)
class Story:
    """A change in words. `telling` says who would be told, and is empty when nobody would.

    `lasting_words` head the shares of the first whole period after a part period, where they are others.
    `lines` are of those whose share differs most; `others` says how many there are besides, if any.
    """

    sentences: tuple[str, ...]
    from_words: str
    lines: tuple[SharesLine, ...]
    others: str
    total: SharesLine | None
    telling: str
    unreachable: str
    lasting_words: str = ""


@dataclass(frozen=True)
class Setting:
    """What a story needs besides the change: the group's rhythm, the reader, and when news goes out.

    `told_on` is a later day, or None for at once.
    """

    unit: Unit
    every: int
    reader_pays: bool
    told_on: date | None = None


def tell_change(change: GroupChange, setting: Setting, locale: str) -> Story:
    """Put a change into words."""
    _ = Words(locale)
    shown = change.differing_most(SHOWN)
    rest = len(change.people) - len(shown)
    span = Span(setting.unit, setting.every, change.window.starts_on, change.window.ends_on)
    return Story(
        sentences=(
            _(
                "It counts from %(day)s, the period %(period)s.",
                day=_.day(change.window.starts_on),
                period=_.span(span),
            ),
            _number_of_sharers(change.people, _),
            *_part_period(change, setting, _),
            *_first_requests(change, _),
            _("What is open already stays as it is."),
        ),
        from_words=_from(change, _),
        lasting_words=_from(change.lasting, _) if change.lasting else "",
        lines=tuple(_line(one, _later(change, one), setting, _) for one in shown),
        others=_.ngettext("and %(n)s more", "and %(n)s more", rest) if rest else "",
        total=_total(change, _),
        telling=_telling(change, setting, _),
        unreachable=_unreachable(change, _),
    )


def _from(change: GroupChange, _: Words) -> str:
    return _("From %(day)s", day=_.short_day(change.window.starts_on))


def _later(change: GroupChange, one: ShareChange) -> ShareChange | None:
    """Find what somebody bears of the first whole period."""
    people = change.lasting.people if change.lasting else ()
    return next((later for later in people if later.contact_id == one.contact_id), None)


def _part_period(change: GroupChange, setting: Setting, _: Words) -> list[str]:
    """Say that a period is one of transition, who bears its missing days, and how many share it after."""
    if change.lasting is None:
        return []
    later = _.ngettext(
        "From %(day)s on %(n)s person shares it.",
        "From %(day)s on %(n)s people share it.",
        sum(one.is_in for one in change.lasting.people),
        day=_.day(change.lasting.window.starts_on),
    )
    payer = next((one for one in change.people if one.is_payer and one.is_in), None)
    if payer is None:
        return [later]
    if setting.reader_pays:
        return [_("You bear the days of it that nobody pays for."), later]
    return [_("%(payer)s bears the days of it that nobody pays for.", payer=payer.name), later]


def _first_requests(change: GroupChange, _: Words) -> list[str]:
    names = {one.contact_id: one.name for one in change.people if one.contact_id in change.first_requests}
    free = [one.contact_id for one in change.people if one.after is not None and not one.after.minor]
    is_billed = change.total_after is not None
    return first_request_sentences(change.first_requests, names, _, is_billed=is_billed, free=free)


def _number_of_sharers(people: Sequence[ShareChange], _: Words) -> str:
    before, after = sum(one.was_in for one in people), sum(one.is_in for one in people)
    if before == after:
        return _.ngettext("%(n)s person shares it, as before.", "%(n)s people share it, as before.", after)
    return _.ngettext(
        "%(n)s person shares it then, instead of %(before)s.",
        "%(n)s people share it then, instead of %(before)s.",
        after,
        before=before,
    )


def _line(one: ShareChange, later: ShareChange | None, setting: Setting, _: Words) -> SharesLine:
    difference, tone = _difference(one, _)
    name = _("You") if one.is_payer and setting.reader_pays else one.name
    return SharesLine(
        name=name,
        before=_share(one.was_in, one.before, one.weights[0], _),
        after=_share(one.is_in, one.after, one.weights[1], _),
        difference=difference,
        tone=tone,
        hears=_hears(one, _),
        lasting=_share(later.is_in, later.after, later.weights[1], _) if later else "",
        instead=_instead(later, _) if later else "",
    )


def _instead(later: ShareChange, _: Words) -> str:
    """Say what a share would be without the change, where that is known and another."""
    if later.before is None or later.after is None or later.before == later.after:
        return ""
    return _("instead of %(amount)s", amount=_.money(later.before))


def _share(is_in: bool, share: Money | None, weight: int, _: Words) -> str:
    if not is_in:
        return "–"
    if share is not None:
        return _.money(share)
    return _("by the bill") if weight == 1 else _("by the bill, weight %(n)s", n=weight)


def _difference(one: ShareChange, _: Words) -> tuple[str, str]:
    if not one.was_in:
        return _("new"), "info"
    if not one.is_in:
        return _("leaves"), "mute"
    if one.before == one.after or one.before is None or one.after is None:
        return _("as before"), "mute"
    by = Money(abs(one.after.minor - one.before.minor), one.after.currency)
    if one.after.minor > one.before.minor:
        return _("%(amount)s more", amount=_.money(by)), "more"
    return _("%(amount)s less", amount=_.money(by)), "less"


def _hears(one: ShareChange, _: Words) -> str:
    words = {Hearing.UNTOUCHED: "", Hearing.TOLD: _("is told"), Hearing.UNREACHABLE: _("can’t be reached")}
    return words[one.hearing]


def _total(change: GroupChange, _: Words) -> SharesLine | None:
    before, after = change.total_before, change.total_after
    if before is None and after is None:
        return None
    shown = [_.money(total) if total is not None else "–" for total in (before, after)]
    later = change.lasting.total_after if change.lasting else None
    lasting = _.money(later) if later is not None else ""
    return SharesLine(_("Total"), shown[0], shown[1], "", "mute", "", lasting)


def _telling(change: GroupChange, setting: Setting, _: Words) -> str:
    names = _few([one.name for one in change.told], _)
    if not names:
        return ""
    if setting.told_on is None:
        return _("Tell %(names)s now, one message each", names=names)
    return _("Tell %(names)s on %(day)s, one message each", names=names, day=_.short_day(setting.told_on))


def _unreachable(change: GroupChange, _: Words) -> str:
    names = _few([one.name for one in change.unreachable], _)
    return _("Nothing reaches %(names)s: tell them yourself.", names=names) if names else ""


def _few(names: Sequence[str], _: Words, most: int = 6) -> str:
    """Name some and count the rest."""
    if len(names) <= most:
        return _.listed(names)
    rest = len(names) - most
    return _.listed([*names[:most], _.ngettext("%(n)s more", "%(n)s more", rest)])
