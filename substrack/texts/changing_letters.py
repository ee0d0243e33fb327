"""What members are told when their share changes, in one letter, whatever changed it."""

from __future__ import annotations

from substrack.domain.letters import Letter, ShareChanged
from substrack.domain.simulation import Why
from substrack.texts.bills import page_button
from substrack.texts.blocks import Composition, Facts, Paragraph
from substrack.texts.words import Words


def share_changed(letter: Letter, content: ShareChanged, _: Words) -> Composition:
    """Announce another share; who shares no longer is told so."""
    if content.after is None:
        return _shares_no_longer(letter, content, _)
    facts = [(_("Shared"), content.group), (_("Counts from"), _.day(content.from_on))]
    if content.before not in (None, content.after):
        facts.append((_("Your share until then"), _.money(content.before)))
    facts.append((_("Your new share"), _.money(content.after)))
    blocks = (
        Paragraph(_reason(content.why, _)),
        Facts(tuple(facts)),
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


def _shares_no_longer(letter: Letter, content: ShareChanged, _: Words) -> Composition:
    values = {"group": content.group, "day": _.day(content.from_on), "payer": content.payer.name}
    blocks = (
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
