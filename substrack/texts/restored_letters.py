"""What members read of shares that were taken back and count again."""

from __future__ import annotations

from collections.abc import Iterator

from substrack.domain.letters import CountsAgain, Decided, Letter
from substrack.texts.bills import (
    bill,
    how_to_pay,
    items_in_words,
    keepers_of,
    page_button,
    paid_button,
    total_in_words,
    what_for,
)
from substrack.texts.blocks import Bill, Block, Composition, Paragraph, Row
from substrack.texts.words import Words


def counts_again(letter: Letter, content: Decided, again: CountsAgain, _: Words) -> Composition:
    """Take back that nothing is owed, and say what is open, waits for a check or is settled again."""
    opening = _("You were told that nothing is owed for this. That has changed: it counts again.")
    blocks = (Paragraph(opening), *_not_to_pay(content, again, _), *_to_pay(letter, content, _))
    return Composition(_subject(content, again, _), blocks)


def _subject(content: Decided, again: CountsAgain, _: Words) -> str:
    if not content.items:
        told = (*content.claimed, *again.settled)
        return _("Counts again: %(what)s", what=items_in_words(told, _))
    total, what = total_in_words(content.items, _), items_in_words(content.items, _)
    return _("Open again: %(total)s for %(what)s", total=total, what=what)


def _not_to_pay(content: Decided, again: CountsAgain, _: Words) -> Iterator[Block]:
    """Say what is not to be paid, and what money of the reader's is used again."""
    closed = (*again.settled, *content.claimed)
    if closed:
        yield Bill(tuple(Row(what_for(item, _), _.money(item.amount)) for item in closed))
    if again.used is not None:
        yield Paragraph(_("%(amount)s of your credit is used for it again.", amount=_.money(again.used)))
    if content.claimed:
        payers = keepers_of(content.claimed, _)
        yield Paragraph(_("You had said that you paid it; %(payers)s will check.", payers=payers))
    elif not content.items:
        yield Paragraph(_("There is nothing left to pay for it."))


def _to_pay(letter: Letter, content: Decided, _: Words) -> Iterator[Block]:
    if not content.items:
        yield from page_button(letter, _)
        return
    yield Paragraph(_("So this is open again:"))
    yield bill(content.items, _)
    yield from how_to_pay(content.how_to_pay, _)
    yield from paid_button(letter, content.items, _)
