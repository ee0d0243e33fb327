"""The buttons below a chat message and the lines that say what became of what it was about.

One card gives the same buttons and lines wherever they are made: at the first send, at an edit by the worker,
after a press. What a press does is the bot's; nothing here reads a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from substrack.domain.chat_buttons import Do, Later, Subject, WhyNot, data
from substrack.domain.chat_cards import (
    Card,
    ClaimCard,
    ClaimItem,
    Decision,
    MemberCard,
    MemberItem,
    NoteCard,
    PlainCard,
    Standing,
)
from substrack.domain.money import Money
from substrack.texts.bills import keepers_of, total_in_words, what_for
from substrack.texts.catalogue import language_of
from substrack.texts.chat_markup import MAX_MESSAGE, lines, plain, shown_length
from substrack.texts.decisions import done_sentence
from substrack.texts.labels import reason_in_words
from substrack.texts.words import Words

MAX_LABEL: Final = 48
"""Characters on a button before a phone cuts it anyway."""

MAX_TOAST: Final = 200
"""Characters of the answer to a press (Bot API, answerCallbackQuery)."""

MAX_ITEMS: Final = 20
"""Buttons for single items; the rest is done by "all" or on the page."""


@dataclass(frozen=True)
class Key:
    """One button: it sends `data` back, or opens `url`."""

    text: str
    data: str | None = None
    url: str | None = None


Rows = tuple[tuple[Key, ...], ...]


def keyboard(card: Card | None, locale: str) -> Rows:
    """Make the buttons of a card; none for None or when nothing is left to do."""
    _ = Words(language_of(locale))
    match card:
        case MemberCard():
            return tuple(_member_rows(card, _))
        case ClaimCard():
            return tuple(_claim_rows(card, _))
        case PlainCard():
            return tuple(_plain_rows(card, _))
        case NoteCard():
            return tuple(_note_rows(card, _))
        case None:
            return ()


def status_lines(card: Card | None, locale: str) -> Markup:
    """Say in Telegram's HTML what became of what a message is about; "" while there is nothing to say."""
    _ = Words(language_of(locale))
    match card:
        case MemberCard():
            return lines(plain(line) for line in _member_lines(card, _))
        case ClaimCard():
            return lines(plain(line) for line in _claim_lines(card, _))
        case NoteCard():
            return lines(plain(line) for line in _note_lines(card, _))
        case _:
            return Markup("")


def decided_in_words(card: ClaimCard, locale: str) -> str:
    """Say in plain words who decided what about a claim, for somebody who comes too late."""
    said = " ".join(_claim_lines(card, Words(language_of(locale))))
    return said if len(said) <= MAX_TOAST else f"{said[: MAX_TOAST - 1]}…"


def with_status(html: str, card: Card | None, locale: str) -> str:
    """Put the lines below the words a message was sent with, while both fit; else keep the lines."""
    status = status_lines(card, locale)
    if not status:
        return html
    whole = f"{html}\n\n{status}"
    return whole if shown_length(whole) <= MAX_MESSAGE else _cut_lines(status)


def later_keyboard(subject: Subject, locale: str) -> Rows:
    """Offer the days to be asked again."""
    _ = Words(language_of(locale))
    names = {Later.DAYS: _("In 3 days"), Later.WEEK: _("Next week"), Later.FIRST: _("On the 1st")}
    choices = tuple(Key(name, data(Do.LATER_UNTIL, str(subject), when)) for when, name in names.items())
    return (choices, (Key(_("Back"), data(Do.BACK, str(subject))),))


def reject_keyboard(card: ClaimCard, locale: str, *, back: str, page: str = "") -> Rows:
    """Offer the reasons to reject a claim; `back` is the data that leads back, to `page` of a list if any."""
    _ = Words(language_of(locale))
    about, listed = (card.claim_id, card.seen), ((page,) if page else ())
    not_received = Key(_("Not received"), data(Do.REJECT_FOR, *about, WhyNot.NOT_RECEIVED, *listed))
    too_little = Key(_("Too little"), data(Do.TOO_LITTLE, *about, *listed))
    return (
        (not_received, too_little) if card.amount.minor else (not_received,),
        (Key(_("Another reason"), data(Do.REJECT_OTHER, *about, *listed)), Key(_("Back"), back)),
    )


def sum_of(amount: Money, _: Words) -> str:
    """Write a sum for a button, with ordinary spaces."""
    return _spaced(_.money(amount))


def _spaced(text: str) -> str:
    return re.sub("[\xa0\u2009\u202f]", " ", text)


def _member_rows(card: MemberCard, _: Words) -> Iterator[tuple[Key, ...]]:
    open_items, subject = card.those(Standing.OPEN), str(card.subject)
    if len(card.items) == 1:
        yield from ((Key(_("I’ve paid"), _paid(each)),) for each in open_items)
    else:
        yield from ((Key(_paid_label(each, _), _paid(each)),) for each in open_items[:MAX_ITEMS])
    if len(open_items) > 1:
        total = _spaced(total_in_words([each.item for each in open_items], _))
        yield (Key(_label(_("Paid all: %(total)s", total=total)), data(Do.PAID_ALL, subject)),)
    if open_items:
        yield (
            Key(_("Remind me later"), data(Do.LATER, subject)),
            Key(_("How to pay"), data(Do.HOW_TO_PAY, subject)),
        )
        yield (Key(_("Something’s off"), data(Do.OBJECT, subject)),)
    if card.those(Standing.CLAIMED):
        yield (Key(_("Oops, not yet"), data(Do.WITHDRAW, subject)),)


def _paid(each: MemberItem) -> str:
    return data(Do.PAID, each.item.payment_id)


def _paid_label(each: MemberItem, _: Words) -> str:
    amount = sum_of(each.item.left, _)
    return _label(_("Paid: %(what)s", what=what_for(each.item, _)), amount)


def _claim_rows(card: ClaimCard, _: Words) -> Iterator[tuple[Key, ...]]:
    waiting, about = card.waiting, (card.claim_id, card.seen)
    if waiting:
        confirm = _confirm_words(card, _)
        yield (Key(confirm, data(Do.CONFIRM, *about)), Key(_("Reject"), data(Do.REJECT, *about)))
    if len(waiting) > 1:
        yield from ((_confirm_one(each, _),) for each in waiting[:MAX_ITEMS])
    if waiting and card.proofs:
        yield (Key(_("See the proof"), data(Do.PROOF, card.claim_id)),)
    if card.undo:
        yield (Key(_("Undo"), data(Do.UNDO, card.undo)),)


def _confirm_words(card: ClaimCard, _: Words) -> str:
    if not card.amount.minor:
        return _("Settle with earlier money")
    words = _("Confirm all: %(amount)s") if len(card.waiting) > 1 else _("Confirm %(amount)s")
    return words % {"amount": sum_of(card.amount, _)}


def _confirm_one(each: ClaimItem, _: Words) -> Key:
    what, amount = what_for(each.item, _), each.item.left if each.expected is None else each.expected
    if amount.minor:
        label = _label(_("Confirm: %(what)s", what=what), sum_of(amount, _))
    else:
        label = _label(_("Settle: %(what)s", what=what))
    return Key(label, data(Do.CONFIRM_ONE, each.item.payment_id, each.version))


def _plain_rows(card: PlainCard, _: Words) -> Iterator[tuple[Key, ...]]:
    if card.pending_for is not None:
        yield (Key(_("Look at them here"), data(Do.PENDING, card.pending_for, 1)),)
    if card.former_of is not None:
        yield (Key(_("That wasn’t me"), data(Do.NOT_ME, card.former_of)),)
    if card.invites is not None:
        yield (Key(_("Make a new one"), data(Do.NEW_CODE, card.invites)),)


def _note_rows(card: NoteCard, _: Words) -> Iterator[tuple[Key, ...]]:
    if card.ending is None:
        yield (
            Key(_("Answer"), data(Do.ANSWER, card.objection)),
            Key(_("No answer needed"), data(Do.NO_ANSWER, card.objection)),
        )


def _note_lines(card: NoteCard, _: Words) -> Iterator[str]:
    ending = card.ending
    if ending is None:
        return
    yield done_sentence(ending.verb, ending.kind, ending.name, ending.at, now=card.now, locale=_.locale)
    if ending.reason:
        yield f"“{ending.reason}”"


def _member_lines(card: MemberCard, _: Words) -> Iterator[str]:
    claimed = card.those(Standing.CLAIMED)
    if claimed:
        payers = keepers_of([each.item for each in claimed], _)
        said = _("You said you’ve paid; %(payers)s will check.", payers=payers)
        yield said if len(claimed) == len(card.items) else f"{_whats(claimed, _)}: {said}"
    for each in card.those(Standing.CLOSED):
        yield f"{what_for(each.item, _)}: {_done(each.decision, card, _)}"
    void = card.those(Standing.VOID)
    if void:
        yield f"{_whats(void, _)}: {_('This is no longer asked for.')}"
    yield from _resting_lines(card, _)


def resting_lines(card: MemberCard, locale: str) -> Markup:
    """Say from when on a member is asked again for what they put off."""
    return lines(plain(line) for line in _resting_lines(card, Words(language_of(locale))))


def _resting_lines(card: MemberCard, _: Words) -> Iterator[str]:
    resting = [each for each in card.items if each.asks_again_on is not None]
    for day in sorted({each.asks_again_on for each in resting if each.asks_again_on}):
        those = [each for each in resting if each.asks_again_on == day]
        said = _("You’ll be asked again on %(day)s.", day=_.day(day))
        yield said if len(those) == len(card.items) else f"{_whats(those, _)}: {said}"


def _whats(items: Sequence[MemberItem], _: Words) -> str:
    return _.listed([what_for(each.item, _) for each in items])


def _claim_lines(card: ClaimCard, _: Words) -> Iterator[str]:
    """Say once what was decided about everything, or what about which payment."""
    decided = [each for each in card.items if not each.waits]
    sentences = [_done(each.decision, card, _) for each in decided]
    if decided and len(decided) == len(card.items) and len(set(sentences)) == 1:
        yield sentences[0]
    else:
        yield from (
            f"{what_for(each.item, _)}: {said}" for each, said in zip(decided, sentences, strict=True)
        )
    reasons = {each.decision.reason for each in decided if each.decision and each.decision.verb == "reject"}
    for reason in sorted(filter(None, reasons)):
        yield _("Reason: %(reason)s", reason=reason_in_words(reason, _.locale))


def _done(decision: Decision | None, card: MemberCard | ClaimCard, _: Words) -> str:
    if decision is None:
        return _("This was decided in the meantime.")
    return done_sentence(
        decision.verb, decision.kind, decision.name, decision.at, now=card.now, locale=_.locale
    )


def _label(words: str, amount: str = "") -> str:
    """Keep a label short; the amount at its end is never cut."""
    ending = f" · {amount}" if amount else ""
    room = MAX_LABEL - len(ending)
    return (words if len(words) <= room else f"{words[: room - 1].rstrip()}…") + ending


def _cut_lines(status: str) -> str:
    kept: list[str] = []
    for line in status.split("\n"):
        if shown_length("\n".join([*kept, line])) > MAX_MESSAGE:
            break
        kept.append(line)
    return str(Markup("\n").join(map(Markup, kept)))
