"""The answer to "something's off": what the member wrote, what was answered, and what is to be paid now."""

from __future__ import annotations

from substrack.domain.letters import Answered, Letter
from substrack.texts.bills import bill, keepers_of, page_button, paid_button, what_for
from substrack.texts.blocks import Block, Composition, Paragraph, Quote
from substrack.texts.words import Words


def objection_answered(letter: Letter, content: Answered, _: Words) -> Composition:
    """Pass on an admin's answer; what is still open is listed as it stands by now."""
    who = content.by or keepers_of(content.about, _)
    blocks = (
        Paragraph(_("%(who)s has answered what you wrote.", who=who)),
        Paragraph(_("You wrote:")),
        Quote(content.question),
        Paragraph(_("The answer:")),
        Quote(content.answer),
        *_to_pay(letter, content, _),
    )
    return Composition(_("%(who)s answered: %(what)s", who=who, what=_what(content, _)), blocks)


def _to_pay(letter: Letter, content: Answered, _: Words) -> tuple[Block, ...]:
    if not content.items:
        return (Paragraph(_("There is nothing to pay for it now.")), *page_button(letter, _))
    return (
        Paragraph(_("This is how it stands now. If something is still off, write on your page once more.")),
        bill(content.items, _),
        *paid_button(letter, content.items, _),
    )


def _what(content: Answered, _: Words) -> str:
    if len(content.about) == 1:
        return what_for(content.about[0], _)
    return _.ngettext("%(n)s share", "%(n)s shares", len(content.about))
