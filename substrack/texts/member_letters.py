"""What members are told: what they owe, what became of what they said, what will change."""

from __future__ import annotations

from collections.abc import Iterator

from substrack.domain.claims import RejectReason
from substrack.domain.letters import (
    Asking,
    Decided,
    HeadsUp,
    Letter,
    Plain,
    PriceChange,
    TakenBack,
    Void,
    Welcome,
)
from substrack.texts.bills import (
    asking_blocks,
    bill,
    how_to_pay,
    items_in_words,
    keepers_of,
    page_button,
    paid_button,
    payers_of,
    sums,
    total_in_words,
    what_for,
)
from substrack.texts.blocks import Bill, Block, Composition, Facts, Paragraph, Quote, Row
from substrack.texts.labels import reason_in_words, rhythm
from substrack.texts.restored_letters import counts_again
from substrack.texts.share_facts import share_facts
from substrack.texts.words import Words

FACTUAL_FROM_STEP = 3
"""From this request on (and whenever something is overdue) a reminder is factual instead of friendly."""


def request(letter: Letter, content: Asking, _: Words) -> Composition:
    """Ask for the first time."""
    payers = payers_of(content.items, _)
    if len(content.items) == 1:
        opening = _("Here is your share. Please send it to %(payers)s when you can.", payers=payers)
    else:
        opening = _.ngettext(
            "Here is %(n)s share to settle. Please send it to %(payers)s when you can.",
            "Here are %(n)s shares to settle. Please send them to %(payers)s when you can.",
            len(content.items),
            payers=payers,
        )
    return Composition(_asking_subject(content, _), (Paragraph(opening), *asking_blocks(content, letter, _)))


def reminder(letter: Letter, content: Asking, _: Words) -> Composition:
    """Ask again: friendly at first, then plainly."""
    blocks = (Paragraph(_reminding_words(content, _)), *asking_blocks(content, letter, _))
    return Composition(_reminding_subject(content, _), blocks)


def period_opened(letter: Letter, content: Asking, _: Words) -> Composition:
    """Say that a period has begun; nobody is late yet."""
    opening = (
        _("A new period is open. This is your share; pay it when you can.")
        if len(content.items) == 1
        else _("New periods are open. These are your shares; pay them when you can.")
    )
    return Composition(_opened_subject(content, _), (Paragraph(opening), *asking_blocks(content, letter, _)))


def welcome(letter: Letter, content: Welcome, _: Words) -> Composition:
    """Tell a new member what they are part of."""
    shared = _(
        "%(payer)s pays for %(group)s and shares the cost with you.",
        payer=content.payer.name,
        group=content.group,
    )
    about = (Quote(content.description),) if content.description else ()
    facts = (
        (_("Shared"), content.group),
        (_("Paid by"), content.payer.name),
        (_("Rhythm"), rhythm(content.unit, content.every, _.locale)),
    )
    subject = _("%(payer)s shares %(group)s with you", payer=content.payer.name, group=content.group)
    told = _owed_first(facts, content, _) if content.owed else _nothing_yet(facts, content, _)
    return Composition(subject, (Paragraph(shared), *about, *told, *page_button(letter, _)))


def _nothing_yet(facts: tuple[tuple[str, str], ...], content: Welcome, _: Words) -> Iterator[Block]:
    """Say what comes; there is nothing to pay before."""
    to_come = (*_share_to_come(content, _), *_start_to_come(content, _))
    yield Facts((*facts, *_awaited_bills(content, _), *to_come))
    yield Paragraph(_("There is nothing to do yet, and you need no account.") + " " + _when_asked(content, _))


def _owed_first(facts: tuple[tuple[str, str], ...], content: Welcome, _: Words) -> Iterator[Block]:
    """Say what is open already before what comes."""
    yield Facts(facts)
    yield Paragraph(_("This is already open with %(payers)s:", payers=payers_of(content.owed, _)))
    yield bill(content.owed, _)
    to_come = (*_awaited_bills(content, _), *_start_to_come(content, _), *_share_to_come(content, _))
    if to_come:
        yield Facts(to_come)
    yield Paragraph(_("You need no account: your page says how to pay.") + " " + _when_asked(content, _))


def _awaited_bills(content: Welcome, _: Words) -> list[tuple[str, str]]:
    return [(_.span(span), _("the bill is not in yet")) for span in content.awaited]


def _share_to_come(content: Welcome, _: Words) -> list[tuple[str, str]]:
    if content.share is None:
        return []
    return share_facts(content.share, content.stretch, _("Your share"), _)


def _start_to_come(content: Welcome, _: Words) -> list[tuple[str, str]]:
    if content.first_on is None:
        return []
    if content.comes_within:
        starts = _("Your first day")
    else:
        starts = _("Next period starts") if content.has_begun else _("First period starts")
    return [(starts, _.day(content.first_on))]


def _when_asked(content: Welcome, _: Words) -> str:
    """Say when they are first asked for a share, by the terms of the group."""
    days = content.asked_after_days
    if days is None:
        return _("When there is something to pay you get a message that says how.")
    if days == 0:
        return _("When a share is due you get a message that says how to pay.")
    return _.ngettext(
        "If a share is not paid %(n)s day after it is due, you get a message that says how to pay.",
        "If a share is not paid %(n)s days after it is due, you get a message that says how to pay.",
        days,
    )


def heads_up(letter: Letter, content: HeadsUp, _: Words) -> Composition:
    """Announce a period before it opens."""
    period = _.span(content.span)
    facts = [
        (_("For"), f"{content.group}, {period}"),
        (_("Starts"), _.day(content.span.starts_on)),
        (_("Due"), _.day(content.due_on)),
    ]
    if content.amount is not None:
        facts += share_facts(content.amount, content.stretch, _("Your share"), _)
    blocks = (
        Paragraph(_("The next period is coming up. There is nothing to do yet.")),
        Facts(tuple(facts)),
        *page_button(letter, _),
    )
    return Composition(_("Coming up: %(group)s, %(period)s", group=content.group, period=period), blocks)


def price_change(letter: Letter, content: PriceChange, _: Words) -> Composition:
    """Announce a new price; what is already owed stays as it is."""
    from_on = _.day(content.from_on)
    opening = _("The price of %(group)s changes on %(day)s.", group=content.group, day=from_on)
    facts = [(_("Price so far"), _.money(content.before)), (_("New price"), _.money(content.after))]
    if content.share_before is not None:
        facts.append((_("Your share until then"), _.money(content.share_before)))
    if content.share_after is not None:
        facts += share_facts(content.share_after, content.stretch, _("Your new share"), _)
    blocks = (
        Paragraph(opening),
        Facts(tuple(facts)),
        Paragraph(_("What you already owe does not change.")),
        *page_button(letter, _),
    )
    return Composition(_("New price for %(group)s from %(day)s", group=content.group, day=from_on), blocks)


def rejected(letter: Letter, content: Decided, _: Words) -> Composition:
    """Say that a claim was not accepted, why, and that the items are open again."""
    if content.again:
        return counts_again(letter, content, content.again, _)
    if content.taken_back:
        return _taken_back(letter, content, content.taken_back, _)
    told = (*content.items, *content.claimed)
    payers, what = payers_of(told, _), items_in_words(told, _)
    if content.reason == RejectReason.NOT_RECEIVED:
        opening = _("You said you had paid, but %(payers)s could not find the money.", payers=payers)
        subject = _("Not found yet: your payment for %(what)s", what=what)
    else:
        opening = _("You said you had paid, but %(payers)s does not confirm it.", payers=payers)
        subject = _("Not confirmed: your payment for %(what)s", what=what)
    words = reason_in_words(content.reason, _.locale) if content.reason else ""
    reason = (Paragraph(_("The reason given:")), Quote(words)) if words else ()
    return Composition(subject, (Paragraph(opening), *reason, *_open_again(letter, content, _)))


def _open_again(letter: Letter, content: Decided, _: Words) -> Iterator[Block]:
    """List what is open again and how to pay it, and say what the member has claimed again since."""
    if content.claimed:
        payers = keepers_of(content.claimed, _)
        again = _("You have said since that you’ve paid; %(payers)s will check.", payers=payers)
        yield Paragraph(f"{items_in_words(content.claimed, _)}: {again}" if content.items else again)
    if not content.items:
        yield from page_button(letter, _)
        return
    yield Paragraph(_("So this is open again:"))
    yield bill(content.items, _)
    yield from how_to_pay(content.how_to_pay, _)
    yield from paid_button(letter, content.items, _)


def _taken_back(letter: Letter, content: Decided, taken: TakenBack, _: Words) -> Composition:
    """Say that money which was noted as received no longer is, and what that leaves open."""
    values = {"amount": _.money(taken.amount), "day": _.day(taken.received_on), "payer": taken.payer.name}
    opening = _(
        "%(payer)s had noted that your %(amount)s of %(day)s came, and has taken that back.", **values
    )
    words = reason_in_words(content.reason, _.locale) if content.reason else ""
    reason = (Paragraph(_("The reason given:")), Quote(words)) if words else ()
    blocks = (Paragraph(opening), *reason, *_open_again(letter, content, _))
    return Composition(_("Taken back: %(amount)s of %(day)s", **values), blocks)


def waived(letter: Letter, content: Decided, _: Words) -> Composition:
    """Say that somebody let a member off."""
    payers = payers_of(content.items, _)
    if content.void is None:
        opening = _("%(payers)s waived this; there is nothing left to pay for it.", payers=payers)
    else:
        opening = _("%(payers)s has taken this back; nothing is owed for it.", payers=payers)
    money = _void_money(content.void, payers, _) if content.void else ()
    reason = (Paragraph(_("The reason given:")), Quote(content.reason)) if content.reason else ()
    rows = tuple(Row(what_for(item, _), _.money(item.left)) for item in content.items)
    blocks: tuple[Block, ...] = (
        Paragraph(opening),
        Bill(rows),
        *money,
        *reason,
        *page_button(letter, _),
    )
    return Composition(_("Nothing to pay: %(what)s", what=items_in_words(content.items, _)), blocks)


def _void_money(void: Void, payers: str, _: Words) -> Iterator[Block]:
    """Say where money for it is, or may be."""
    if void.credit is not None:
        yield Paragraph(_("%(amount)s that had come for it is your credit.", amount=_.money(void.credit)))
    if void.is_claimed:
        yield Paragraph(
            _(
                "You had said that you paid it. If you sent the money, %(payers)s can keep it as your credit "
                "or send it back.",
                payers=payers,
            )
        )


def fresh_link(letter: Letter, content: Plain, _: Words) -> Composition:
    """Send the member's page to the address on file."""
    opening = _("Here is a fresh link to your page, as asked for. Older links may no longer work.")
    not_you = _("If it wasn’t you who asked, there is nothing to do.")
    blocks = (Paragraph(opening), *page_button(letter, _), Paragraph(not_you))
    return Composition(_("Your fresh link"), blocks)


def _asking_subject(content: Asking, _: Words) -> str:
    if len(content.items) > 1:
        count = _.ngettext("%(n)s share", "%(n)s shares", len(content.items))
        total = total_in_words(content.items, _)
        return _("Your shares: %(total)s (%(count)s)", total=total, count=count)
    item = content.items[0]
    amount = _.money(item.left)
    if item.span is None:
        return _("Your share: %(amount)s for %(group)s", amount=amount, group=item.group)
    return _(
        "Your share for %(period)s: %(amount)s for %(group)s",
        period=_.span(item.span),
        amount=amount,
        group=item.group,
    )


def _opened_subject(content: Asking, _: Words) -> str:
    """Say it in other words than a request, so that the two are told apart in a mailbox."""
    item = content.items[0]
    if len(content.items) > 1 or item.span is None:
        return _asking_subject(content, _)
    period, amount = _.span(item.span), _.money(item.left)
    return _("%(period)s is open: %(amount)s for %(group)s", period=period, amount=amount, group=item.group)


def _reminding_subject(content: Asking, _: Words) -> str:
    total, what = total_in_words(content.items, _), items_in_words(content.items, _)
    if len(content.overdue) == len(content.items):
        return _("Overdue: %(total)s for %(what)s", total=total, what=what)
    if _is_factual(content):
        return _("Still open: %(total)s for %(what)s", total=total, what=what)
    return _("Reminder: %(total)s for %(what)s", total=total, what=what)


def _reminding_words(content: Asking, _: Words) -> str:
    payers = payers_of(content.items, _)
    if not _is_factual(content):
        return _(
            "A friendly reminder, in case it slipped by. This is still open with %(payers)s:", payers=payers
        )
    return " ".join((_still_open(content, payers, _), *_part_overdue(content, _)))


def _still_open(content: Asking, payers: str, _: Words) -> str:
    total = total_in_words(content.items, _)
    if len(sums(content.items)) == 1:
        return _("%(total)s is still open. Please send it to %(payers)s.", total=total, payers=payers)
    return _("%(total)s are still open. Please send them to %(payers)s.", total=total, payers=payers)


def _part_overdue(content: Asking, _: Words) -> Iterator[str]:
    """Tell what of the total is overdue, where it is a part."""
    if 0 < len(content.overdue) < len(content.items):
        total = total_in_words(content.overdue, _)
        if len(sums(content.overdue)) == 1:
            yield _("%(total)s of that is overdue.", total=total)
        else:
            yield _("%(total)s of that are overdue.", total=total)


def _is_factual(content: Asking) -> bool:
    return bool(content.overdue) or content.step >= FACTUAL_FROM_STEP
