"""What the bot itself says: screens for its commands, short answers to presses, and questions.

Screens are Telegram's HTML; answers to presses are plain words of at most 200 characters. Whom the bot has
not looked up first is shown no sum and no name: that is the caller's to see to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import accumulate

from markupsafe import Markup

from substrack.domain.bills import HowToPay, Item
from substrack.domain.chat_buttons import Do, data
from substrack.domain.chat_cards import ClaimCard, MemberCard, Standing
from substrack.domain.epc import MAX_REMITTANCE
from substrack.texts.bills import bill, how_to_pay, what_for
from substrack.texts.blocks import Block, Heading, Row
from substrack.texts.catalogue import LANGUAGE_NAMES, LANGUAGES, language_of
from substrack.texts.chat_keyboards import Key, Rows, resting_lines, sum_of
from substrack.texts.chat_letters import ROWS_TO_TRY, lay_out
from substrack.texts.chat_markup import (
    MAX_CAPTION,
    MAX_MESSAGE,
    bold,
    code,
    lines,
    plain,
    quote,
    shown_length,
)
from substrack.texts.decisions import claimed_sum
from substrack.texts.words import Words

MOST_IN_A_CAPTION = 5
MOST_OF_A_NOTE = 300
"""Characters of what was written with a claim that a list of claims shows."""

FEWEST_SUMS = 5
"""Sums of different payers that are shown when hardly anything fits."""


def words_of(locale: str) -> Words:
    """Take the nearest language that can be written."""
    return Words(language_of(locale))


def commands(locale: str) -> tuple[tuple[str, str], ...]:
    """List the bot's commands for the menu: name, what it does."""
    _ = words_of(locale)
    return (
        ("start", _("Begin, or link this chat")),
        ("status", _("What you owe, what waits, what is next")),
        ("language", _("Choose your language")),
        ("unlink", _("Stop messages to this chat")),
        ("help", _("What I can do")),
    )


def help_screen(locale: str, *, is_linked: bool, is_admin: bool) -> str:
    """Say what the bot is for."""
    _ = words_of(locale)
    listed = [f"/{name} – {what}" for name, what in commands(locale)]
    if is_admin:
        listed.insert(2, f"/pending – {_('Payments that wait for your check')}")
    if not is_linked:
        return not_linked(locale)
    about = _("I ask for shares, take “I’ve paid”, and tell you what became of it.")
    proof = _("A picture or PDF sent as a reply to a reminder says that you paid, with proof.")
    return _paragraphs([plain(about), lines(plain(each) for each in listed), plain(proof)])


def not_linked(locale: str) -> str:
    """Answer somebody whom no chat of ours belongs to."""
    _ = words_of(locale)
    return str(
        plain(
            _("This chat isn’t linked to anything. Open the link that you were sent, or ask for a new one.")
        )
    )


def in_group(locale: str) -> str:
    """Answer a command in a group."""
    _ = words_of(locale)
    return str(plain(_("I only talk in private chats. Please write to me there.")))


def dead_code(locale: str) -> str:
    """Answer an invitation that no longer works; the same for every reason, so only what is always so."""
    _ = words_of(locale)
    return str(plain(_("This invitation no longer works. Ask whoever sent it for a new one.")))


def needs_sign_in(locale: str) -> str:
    """Ask an admin to say yes where they are signed in."""
    _ = words_of(locale)
    return str(
        plain(_("Almost there: go back to “Your account” in SubsTrack and say yes, this chat is yours."))
    )


def status_screen(
    card: MemberCard, dues: Sequence[tuple[str, date]], locale: str, *, to_check: int = 0
) -> str:
    """Show what one person owes, what waits and what comes next; to an admin, how much there is to check."""
    _ = words_of(locale)
    for most in ROWS_TO_TRY:
        parts = [*_to_check(to_check, _), *_status_parts(card, dues, locale, most)]
        if shown_length(_paragraphs(parts)) <= MAX_MESSAGE:
            break
    return _fitting(parts, _)


def pending_screen(cards: Sequence[ClaimCard], *, total: int, page: int, last: int, locale: str) -> str:
    """List claims that wait."""
    _ = words_of(locale)
    if not cards:
        return str(plain(_("Nothing waits for your check.")))
    heading = _.ngettext("%(n)s payment to check", "%(n)s payments to check", total)
    pages = _("Page %(page)s of %(last)s", page=page, last=last) if last > 1 else ""
    listed = [
        Markup("{}. {}").format(number, _claim_line(card, _)) for number, card in enumerate(cards, start=1)
    ]
    return _fitting([bold(heading), *listed, *([plain(pages)] if pages else [])], _)


def pending_keyboard(
    cards: Sequence[ClaimCard], *, admin: str, page: int, last: int, undo: str | None = None, locale: str
) -> Rows:
    """Offer to decide each listed claim, to confirm all that are listed, to turn the page.

    `undo` is one of the decisions just made from the page: one tap takes them all back.
    """
    _ = words_of(locale)
    rows: list[tuple[Key, ...]] = [(Key(_("Undo"), data(Do.UNDO_PAGE, undo, page)),)] if undo else []
    rows += [_decide_row(number, card, page, _) for number, card in enumerate(cards, start=1)]
    if len(cards) > 1:
        all_of_them = _("Confirm all %(n)s", n=len(cards))
        rows.append((Key(all_of_them, data(Do.CONFIRM_PAGE, admin, page)),))
    turns = [(page - 1, "←"), (page + 1, "→")]
    turn = tuple(Key(sign, data(Do.PENDING, admin, to)) for to, sign in turns if 1 <= to <= last)
    return (*rows, turn) if turn else tuple(rows)


def confirm_page_screen(cards: Sequence[ClaimCard], locale: str) -> str:
    """Name the people and sums that one more tap confirms."""
    _ = words_of(locale)
    question = (
        _("Confirm this payment?")
        if len(cards) == 1
        else _.ngettext("Confirm this %(n)s payment?", "Confirm these %(n)s payments?", len(cards))
    )
    named = (Markup("{}: {}").format(plain(card.name), plain(claimed_sum(card.amount, _))) for card in cards)
    return _fitting([bold(question), lines(named)], _)


def confirm_page_keyboard(
    cards: Sequence[ClaimCard], *, admin: str, page: int, digest: str, locale: str
) -> Rows:
    """Offer the second tap, or the way back."""
    _ = words_of(locale)
    yes = Key(_("Yes, confirm all %(n)s", n=len(cards)), data(Do.CONFIRM_PAGE_NOW, admin, page, digest))
    return ((yes,), (Key(_("Back"), data(Do.PENDING, admin, page)),))


def how_to_pay_screen(ways: Sequence[HowToPay], locale: str) -> str:
    """Say where the money goes, with everything to be copied by a tap."""
    _ = words_of(locale)
    if not ways:
        return str(plain(_("Nothing is open here.")))
    parts: list[list[Block]] = []
    for block in how_to_pay([replace(way, references=_first_of(way.references)) for way in ways], _):
        parts = [*parts, [block]] if isinstance(block, Heading) else [*parts[:-1], [*parts[-1], block]]
    return _fitting([lay_out(part, locale=locale) for part in parts], _)


def qr_caption(way: HowToPay, locale: str) -> str:
    """Say what a picture to scan pays."""
    _ = words_of(locale)
    scan = _(
        "Scan this with your bank’s app: %(amount)s to %(payer)s", amount=_.money(way.total), payer=way.payer
    )
    return str(lines([plain(scan), code(" ".join(_first_of(way.references)))]))


def ask_reason(card: ClaimCard, locale: str) -> str:
    """Ask an admin why, in words of their own."""
    _ = words_of(locale)
    if card.amount.minor:
        question = _("Why do you reject %(name)s’s %(amount)s?", name=card.name, amount=_.money(card.amount))
    else:
        question = _("Why do you reject what %(name)s said?", name=card.name)
    how = _("Write it as a reply to this message; %(name)s will read it.", name=card.name)
    return str(lines([plain(question), plain(how)]))


def ask_how_much(card: ClaimCard, locale: str) -> str:
    """Ask an admin what sum came instead of the one that was claimed."""
    _ = words_of(locale)
    question = _("How much of %(name)s’s %(amount)s came?", name=card.name, amount=_.money(card.amount))
    example = _.bare_sum(replace(card.amount, minor=max(1, card.amount.minor // 2)))
    how = _(
        "Reply with the sum, such as %(example)s: it is booked, and %(name)s reads what is left.",
        example=example,
        name=card.name,
    )
    return str(lines([plain(question), plain(how)]))


def proof_caption(card: ClaimCard, locale: str) -> str:
    """Say below a proof who paid what, by their own words, and for as many shares as there is room."""
    _ = words_of(locale)
    for most in range(min(len(card.items), MOST_IN_A_CAPTION), -1, -1):
        caption = _proof_caption(card, most, _)
        if shown_length(caption) <= MAX_CAPTION:
            break
    return caption


def ask_objection(locale: str) -> str:
    """Ask a member what is off."""
    _ = words_of(locale)
    return str(plain(_("What’s off? Write it as a reply to this message and it is passed on.")))


def ask_answer(name: str, locale: str) -> str:
    """Ask an admin what to answer."""
    _ = words_of(locale)
    return str(
        plain(_("What do you answer? Write it as a reply to this message; %(name)s reads it.", name=name))
    )


def ask_what_for(items: Sequence[Item], locale: str) -> tuple[str, Rows]:
    """Ask which payment a picture proves that replied to nothing."""
    _ = words_of(locale)
    if not items:
        return str(plain(_("Nothing is open, so nothing was done with this file."))), ()
    question = _("Is this proof that you paid? Say for which, or send it again as a reply to the reminder.")
    rows = tuple((Key(_label(item, _), data(Do.PROVES, item.payment_id)),) for item in items[:10])
    return str(plain(question)), (*rows, never_mind(locale))


def never_mind(locale: str, *about: str) -> tuple[Key, ...]:
    """Offer to drop a question; what it was about is on the button, so that a reply can be understood."""
    _ = words_of(locale)
    return (Key(_("Never mind"), data(Do.NEVER_MIND, *about)),)


def ask_language(locale: str) -> tuple[str, Rows]:
    """Offer the languages."""
    _ = words_of(locale)
    once = {code.partition("_")[0]: code for code in reversed(LANGUAGES)}  # of each language, the first
    offered = [code for code in LANGUAGES if code in once.values()]
    rows = tuple((Key(LANGUAGE_NAMES[code], data(Do.LANGUAGE, code)),) for code in offered)
    return str(plain(_("Which language shall I write in?"))), rows


def ask_unlink(locale: str) -> tuple[str, Rows]:
    """Ask before a chat is unlinked."""
    _ = words_of(locale)
    question = _("Stop all messages to this chat? What you owe stays as it is.")
    yes, no = Key(_("Yes, unlink"), data(Do.UNLINK, "yes")), Key(_("No, keep it"), data(Do.UNLINK, "no"))
    return str(plain(question)), ((yes, no),)


def new_invitation(name: str, url: str, locale: str) -> str:
    """Hand an admin a link to pass on."""
    _ = words_of(locale)
    words = _("Send this to %(name)s; it works once:", name=name)
    return str(lines([plain(words), code(url)]))


def said(words: str) -> str:
    """Show one sentence as a screen."""
    return str(plain(words))


def _to_check(count: int, _: Words) -> Iterator[Markup]:
    if count:
        waiting = _.ngettext(
            "%(n)s payment waits for your check", "%(n)s payments wait for your check", count
        )
        yield plain(f"{waiting}: /pending")


def _status_parts(card: MemberCard, dues: Sequence[tuple[str, date]], locale: str, most: int) -> list[Markup]:
    """List at most so many of what is owed and of what waits; the sums are those of all."""
    _ = words_of(locale)
    open_items = [each.item for each in card.those(Standing.OPEN)]
    waiting = [each.item for each in card.those(Standing.CLAIMED)]
    parts: list[Markup] = []
    if open_items:
        parts += [bold(_("You owe")), _laid_out(open_items, locale, most)]
    elif not waiting:
        parts.append(plain(_("Nothing is open. Thank you!")))
    if waiting:
        parts += [bold(_("Waiting to be checked")), _laid_out(waiting, locale, most)]
    if resting_lines(card, locale):
        parts.append(resting_lines(card, locale))
    if dues:
        upcoming = [_("%(group)s: %(day)s", group=group, day=_.day(day)) for group, day in dues[:10]]
        parts.append(lines([bold(_("Next due")), *(plain(line) for line in upcoming)]))
    return parts


def _claim_line(card: ClaimCard, _: Words) -> Markup:
    whats = _.listed([what_for(each.item, _) for each in card.waiting])
    references = [each.item.reference for each in card.waiting]
    parts = [
        Markup("{}: {}").format(bold(card.name), plain(claimed_sum(card.amount, _))),
        plain(whats),
        Markup(" · ").join([*_when_said(card, _), code(" ".join(_first_of(references)))]),
    ]
    return lines([*parts, quote(_cut(card.note, MOST_OF_A_NOTE))] if card.note else parts)


def _when_said(card: ClaimCard, _: Words) -> Iterator[Markup]:
    if card.made_on is not None:
        yield plain(_("said on %(day)s", day=_.day(card.made_on)))
    if card.paid_on is not None:
        yield plain(_("paid on %(day)s", day=_.day(card.paid_on)))


def _proof_caption(card: ClaimCard, most: int, _: Words) -> str:
    whats = [what_for(each.item, _) for each in card.items[:most]]
    more = ["…"] if len(card.items) > most else []
    words = _("%(name)s: %(amount)s", name=card.name, amount=claimed_sum(card.amount, _))
    return str(lines([plain(words), plain(_.listed([*whats, *more]))]))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _decide_row(number: int, card: ClaimCard, page: int, _: Words) -> tuple[Key, ...]:
    if card.amount.minor:
        label = _("Confirm %(number)s: %(amount)s", number=number, amount=sum_of(card.amount, _))
    else:
        label = _("Settle %(number)s with earlier money", number=number)
    reject = _("Reject %(number)s", number=number)
    about = (card.claim_id, card.seen, str(page))
    keys = (Key(label, data(Do.CONFIRM, *about)), Key(reject, data(Do.REJECT, *about)))
    proof = Key(_("Proof %(number)s", number=number), data(Do.PROOF, card.claim_id))
    return (*keys, proof) if card.proofs else keys


def _label(item: Item, _: Words) -> str:
    return f"{what_for(item, _)[:36]} · {sum_of(item.left, _)}"


def _laid_out(items: Sequence[Item], locale: str, most: int) -> Markup:
    """List the first items; what they come to is the sum of all."""
    _, references = words_of(locale), (item.reference for item in items)
    whole = bill(items, _)
    if len(items) > most:
        more = _.ngettext("and %(n)s more", "and %(n)s more", len(items) - most)
        whole = replace(whole, rows=(*whole.rows[:most], Row(f"… {more}", "")))
    sums = whole.totals[: max(most, FEWEST_SUMS)]
    shown = lay_out([replace(whole, totals=sums)], references=references, locale=locale)
    return shown if len(sums) == len(whole.totals) else lines([shown, _rest_elsewhere(_)])


def _first_of(references: Sequence[str]) -> tuple[str, ...]:
    """Keep the first references that a transfer has room for; the payer tells the rest by its sum."""
    ends = accumulate(len(reference) + 1 for reference in references)
    return tuple(each for each, end in zip(references, ends, strict=True) if end <= MAX_REMITTANCE + 1)


def _paragraphs(parts: Iterable[Markup]) -> str:
    return str(Markup("\n\n").join(parts))


def _fitting(parts: Sequence[Markup], _: Words) -> str:
    """Keep as many whole parts as fit into a message, and say when some were left out."""
    return _paragraphs(_as_many_as_fit(parts, _rest_elsewhere(_)))


def _rest_elsewhere(_: Words) -> Markup:
    return plain(_("There is more; SubsTrack has the rest."))


def _as_many_as_fit(parts: Sequence[Markup], ending: Markup) -> Iterator[Markup]:
    used, room = 0, MAX_MESSAGE - shown_length(ending) - 2
    for part in parts:
        used += shown_length(part) + 2
        if used > room:
            yield ending
            return
        yield part
