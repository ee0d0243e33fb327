"""What members are told when their share changes, in one letter, whatever changed it."""

from __future__ import annotations

from substrack.domain.letters import Letter, ShareChanged
from substrack.domain.money import Money
from substrack.domain.simulation import Why
from substrack.texts.bills import page_button
from substrack.texts.blocks import Composition, Facts, Paragraph
from substrack.texts.share_facts import share_facts
from substrack.texts.words import Words


def share_changed(letter: Letter, content: ShareChanged, _: Words) -> Composition:
    """Announce another share; who shares no longer is told so."""
    if content.after is None:
        return _shares_no_longer(letter, content, _)
    leaving = _leaving(content, content.after, _)
    if leaving and content.is_own:
        return _leaves(letter, content, leaving, _)
    facts = [(_("Shared"), content.group), (_("Counts from"), _.day(content.from_on))]
    if content.before not in (None, content.after):
        facts.append((_("Your share until then"), _.money(content.before)))
    facts += share_facts(content.after, content.stretch, _("Your new share"), _)
    blocks = (
        Paragraph(_reason(content.why, _)),
        Facts(tuple(facts)),
        *([Paragraph(leaving)] if leaving else []),
        Paragraph(_("What you already owe does not change, and there is nothing to do yet.")),
        *page_button(letter, _),
    )
    subject = _(
        "Your share of %(group)s from %(day)s: %(share)s",
        group=content.group,
        day=_.day(content.from_on),
        share=_.money(content.after),
    )
    return Composition(subject, blocks)


def _leaves(letter: Letter, content: ShareChanged, leaving: str, _: Words) -> Composition:
    """Tell somebody that they leave within a period, and what they bear of it."""
    values = {"group": content.group, "day": _.day(content.left_on or content.from_on)}
    blocks = (
        Paragraph(leaving),
        Facts(((_("Shared"), content.group),)),
        Paragraph(_("What you already owe does not change, and there is nothing to do yet.")),
        *page_button(letter, _),
    )
    return Composition(_("You leave %(group)s on %(day)s", **values), blocks)


def _leaving(content: ShareChanged, share: Money, _: Words) -> str:
    """Say for which days somebody pays who leaves within the period; empty for who stays."""
    stretch = content.stretch
    if stretch is None or stretch.left_on is None:
        return ""
    return _(
        "You leave on %(day)s. For %(dates)s you pay %(share)s.",
        day=_.day(stretch.left_on),
        dates=_.dates(stretch.first_on, stretch.last_on),
        share=_.money(share),
    )


def _shares_no_longer(letter: Letter, content: ShareChanged, _: Words) -> Composition:
    values = {"group": content.group, "day": _.day(content.from_on), "payer": content.payer.name}
    left_on = content.left_on
    goes = [Paragraph(_("You leave on %(day)s.", day=_.day(left_on)))] if left_on else []
    blocks = (
        *goes,
        Paragraph(_("From %(day)s on you no longer share %(group)s with %(payer)s.", **values)),
        Paragraph(
            _("What you already owe stays on your page until %(payer)s has decided about it.", **values)
        ),
        *page_button(letter, _),
    )
    return Composition(_("You no longer share %(group)s from %(day)s", **values), blocks)


def _reason(why: Why, _: Words) -> str:
    words = {
        Why.PRICE: _("The price changes, and with it your share."),
        Why.JOIN: _("Somebody joins, so the cost is divided anew."),
        Why.LEAVE: _("Somebody leaves, so the cost is divided anew."),
        Why.TERMS: _("How the cost is shared changes, and with it your share."),
    }
    return words[why]
