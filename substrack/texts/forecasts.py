"""The sentence under the form of a group: what will happen as it stands, in words and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from substrack.domain.collecting import FirstRequest
from substrack.domain.cycles import Unit
from substrack.domain.money import Money
from substrack.domain.preview import Preview
from substrack.domain.spans import Span
from substrack.texts.first_requests import first_request_sentences
from substrack.texts.labels import rhythm
from substrack.texts.words import Words


@dataclass(frozen=True)
class Forecast:
    """What will happen: sentences to be read as one paragraph, who pays what (name, amount), `when`.

    `warning` is a gentle doubt about the number of people; empty when there is none.
    """

    sentences: tuple[str, ...]
    shares: tuple[tuple[str, Money], ...]
    payer: tuple[str, Money] | None
    total: Money | None
    when: str = ""
    warning: str = ""


@dataclass(frozen=True)
class Facts:
    """What a forecast says beside the amounts.

    `opening_now` periods have begun already and open at once; `payer` is None when the reader pays.
    `first_requests` says when each who owes is first asked.
    `due_days` are those of the first few periods. `seats` is how many usually share such a thing, the payer
    included.
    """

    preview: Preview
    names: Mapping[int, str]
    unit: Unit
    every: int
    payer: str | None
    opening_now: int
    first_requests: Mapping[int, FirstRequest] = field(default_factory=dict)
    due_days: tuple[date, ...] = ()
    seats: int | None = None


def forecast(facts: Facts, locale: str) -> Forecast:
    """Put a preview into words."""
    _ = Words(locale)
    preview = facts.preview
    sentences = [
        _who_pays(facts, _),
        _payer_share(facts, _),
        _first_period(facts, _),
        *_first_requests(facts, _),
    ]
    if facts.opening_now > 1 and not _is_free(preview):
        sentences.insert(
            3,
            _.ngettext(
                "%(n)s period has begun already; it opens at once, and everybody owes it.",
                "%(n)s periods have begun already; they open at once, and everybody owes them all.",
                facts.opening_now,
            ),
        )
    payer = preview.payer_share
    return Forecast(
        sentences=tuple(sentence for sentence in sentences if sentence),
        shares=tuple((facts.names[key], amount) for key, amount in preview.shares.items()),
        payer=(facts.payer or _("You"), payer) if payer is not None and payer.minor else None,
        total=preview.price,
        when=_when(facts, _),
        warning=_crowd(facts, _),
    )


def _first_requests(facts: Facts, _: Words) -> list[str]:
    preview = facts.preview
    return first_request_sentences(
        facts.first_requests,
        facts.names,
        _,
        is_billed=preview.price is not None,
        free=[key for key, amount in preview.shares.items() if not amount.minor],
    )


def _is_free(preview: Preview) -> bool:
    return preview.price is not None and not preview.price.minor


def _who_pays(facts: Facts, _: Words) -> str:
    preview, often = facts.preview, rhythm(facts.unit, facts.every, _.locale)
    if not preview.others:
        return _("Nobody else is in the group yet; the first period opens once somebody joins.")
    if preview.price is None:
        return _.ngettext(
            "%(n)s person pays a bill that you enter for each period, %(often)s.",
            "%(n)s people share a bill that you enter for each period, %(often)s.",
            preview.people,
            often=often,
        )
    if preview.share is not None and len(preview.shares) == 1:
        (name,) = facts.names.values()
        return _("%(name)s pays %(share)s %(often)s.", name=name, share=_.money(preview.share), often=often)
    if preview.share is not None:
        return _.ngettext(
            "%(n)s person pays %(share)s, %(often)s.",
            "%(n)s people pay %(share)s each, %(often)s.",
            len(preview.shares),
            share=_.money(preview.share),
            often=often,
        )
    return _.ngettext(
        "%(n)s person pays %(price)s, %(often)s.",
        "%(n)s people share %(price)s, %(often)s.",
        preview.people,
        price=_.money(preview.price),
        often=often,
    )


def _when(facts: Facts, _: Words) -> str:
    days = [_.short_day(day) for day in facts.due_days]
    return _("Due on %(days)s, and so on.", days=_.listed(days)) if len(days) > 1 else ""


def _crowd(facts: Facts, _: Words) -> str:
    """Doubt gently that so many fit; whoever knows better goes on."""
    people, seats = facts.preview.people, facts.seats
    if seats is None or people <= seats:
        return ""
    return _.ngettext(
        "That makes %(n)s person; such a plan usually has room for %(seats)s.",
        "That makes %(n)s people; such a plan usually has room for %(seats)s.",
        people,
        seats=seats,
    )


def _payer_share(facts: Facts, _: Words) -> str:
    share = facts.preview.payer_share
    if share is None or not share.minor or not facts.preview.others:
        return ""
    if facts.payer is None:
        return _("Your share is %(share)s.", share=_.money(share))
    return _("%(name)s’s share is %(share)s.", name=facts.payer, share=_.money(share))


def _first_period(facts: Facts, _: Words) -> str:
    preview = facts.preview
    span = Span(facts.unit, facts.every, preview.window.starts_on, preview.window.ends_on)
    values = {"period": _.span(span), "due": _.day(preview.due_on), "opens": _.day(preview.opens_on)}
    if facts.opening_now:
        return _("The first to open is %(period)s, due on %(due)s.", **values)
    if preview.opens_on == preview.due_on:
        return _("The next period is %(period)s, due on %(due)s.", **values)
    return _("The next period is %(period)s; it opens on %(opens)s and is due on %(due)s.", **values)
