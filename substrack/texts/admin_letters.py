"""What admins are told: what waits for them, and where the requests could not do their work."""

from __future__ import annotations

from collections.abc import Iterator

from substrack.domain.letters import About, AboutAddress, BillWanted, Claim, Claims, Letter
from substrack.domain.notices import Channel
from substrack.texts.bills import bill, in_all, total_in_words, what_for
from substrack.texts.blocks import Action, Bill, Block, Composition, Facts, Paragraph, Quote, Row
from substrack.texts.decisions import claimed_sum
from substrack.texts.words import Words


def claim_received(letter: Letter, content: Claims, _: Words) -> Composition:
    """Ask an admin to check one claim."""
    claim = content.claims[0]
    name, amount = claim.member.name, _.money(claim.amount)
    if not claim.amount.minor:
        opening = _(
            "%(name)s says: I’ve paid. All of that money is booked already; this still waits.",
            name=name,
        )
    elif claim.noted_by is None:
        opening = _("%(name)s says: I’ve paid %(amount)s.", name=name, amount=amount)
    else:
        opening = _("%(by)s noted: %(name)s paid %(amount)s.", by=claim.noted_by, name=name, amount=amount)
    blocks = (
        Paragraph(opening),
        bill(claim.items, _),
        *_said_with_it(claim, _),
        Paragraph(_how_to_check(claim, _)),
        Action(_("Check it"), letter.links.decide or letter.links.waiting, _("It takes one tap:")),
    )
    if not claim.amount.minor:
        return Composition(_("%(name)s paid? Please check", name=name), blocks)
    return Composition(_("%(name)s paid %(amount)s? Please check", name=name, amount=amount), blocks)


def _how_to_check(claim: Claim, _: Words) -> str:
    if not claim.amount.minor:
        return _("Confirming books no more: credit settles what it can, and the rest stays open.")
    if claim.account_of:
        return _(
            "It goes to %(payer)s’s account. Please find out whether it came, then confirm or reject.",
            payer=claim.account_of,
        )
    return _("Please look whether the money came, then confirm or reject.")


def claims_waiting(letter: Letter, content: Claims, _: Words) -> Composition:
    """List all claims nobody has checked yet."""
    count = len(content.claims)
    opening = _.ngettext("%(n)s payment waits for your check.", "%(n)s payments wait for your check.", count)
    blocks = (
        Paragraph(opening),
        Bill(tuple(_claim_row(claim, _) for claim in content.claims)),
        Action(_("Review them"), letter.links.waiting, _("Confirm or reject here:")),
    )
    subject = _.ngettext("%(n)s payment to check", "%(n)s payments to check", count)
    return Composition(subject, blocks)


def bill_wanted(letter: Letter, content: BillWanted, _: Words) -> Composition:
    """Ask for the total of a variable period."""
    period = _.span(content.span)
    opening = _(
        "How much was %(group)s for %(period)s? Enter the bill and everybody’s share is worked out.",
        group=content.group,
        period=period,
    )
    facts = Facts(((_("Period"), period), (_("Due"), _.day(content.due_on))))
    button = Action(_("Enter the bill"), letter.links.bill(content.period_id), _("It goes here:"))
    subject = _("Bill wanted: %(group)s, %(period)s", group=content.group, period=period)
    return Composition(subject, (Paragraph(opening), facts, button))


def requests_exhausted(letter: Letter, content: About, _: Words) -> Composition:
    """Say that a member was asked often enough without an answer."""
    name = content.member.name
    opening = _("%(name)s has been asked as often as the group allows and has not answered.", name=name)
    blocks = (
        Paragraph(opening),
        bill(content.items, _),
        *in_all(content.open_in_all, _),
        Paragraph(_("No more requests go out for this. You may want to talk to them, or waive it.")),
        Action(_("Open SubsTrack"), letter.links.home, _("Decide what happens here:")),
    )
    total = total_in_words(content.items, _)
    return Composition(_("No answer from %(name)s: %(total)s open", name=name, total=total), blocks)


def objection(letter: Letter, content: About, _: Words) -> Composition:
    """Pass on what a member wrote about their payments."""
    name = content.member.name
    address = letter.links.objection(content.objection) if content.objection else letter.links.home
    about = content.about or content.items
    what = what_for(about[0], _) if len(about) == 1 else _("several payments")
    blocks = (
        *_what_is_off(content, what, _),
        Quote(content.text or ""),
        *_what_rests(content, _),
        *_reply_hint(letter, _),
        Action(_("Look at it"), address, _("Answer, adjust or waive it here:")),
    )
    return Composition(_("%(name)s asks about %(what)s", name=name, what=what), blocks)


def _what_is_off(content: About, what: str, _: Words) -> Iterator[Block]:
    name = content.member.name
    if content.items:
        yield Paragraph(_("%(name)s says that something is off here:", name=name))
        yield bill(content.items, _)
    else:
        yield Paragraph(_("%(name)s says that something is off with %(what)s:", name=name, what=what))


def _what_rests(content: About, _: Words) -> Iterator[Block]:
    if not content.items:
        yield Paragraph(_("There is nothing to pay for it now."))
    elif content.rests:
        yield Paragraph(_("Requests for it rest for up to 14 days."))


def address_refused(letter: Letter, content: AboutAddress, _: Words) -> Composition:
    """Say that a member can no longer be reached one way."""
    if content.channel is Channel.TELEGRAM:
        return _chat_refused(letter, content, _)
    name = content.member.name
    opening = _("Mail to %(name)s at %(address)s is refused.", name=name, address=content.address)
    why = (Paragraph(_("The mail server said:")), Quote(content.reason)) if content.reason else ()
    advice = _("Nothing more is sent there until you correct the address.")
    button = Action(_("Open SubsTrack"), letter.links.person(content.person_id), _("Correct it here:"))
    return Composition(
        _("Mail to %(name)s is refused", name=name), (Paragraph(opening), *why, Paragraph(advice), button)
    )


def _chat_refused(letter: Letter, content: AboutAddress, _: Words) -> Composition:
    name = content.member.name
    opening = _("%(name)s can’t be reached in Telegram any more.", name=name)
    why = (Paragraph(_("Telegram said:")), Quote(content.reason)) if content.reason else ()
    advice = _(
        "What is for them goes by mail, if an address is known. "
        "Once they write to the bot again, or open a new invitation, it goes there as before."
    )
    address = letter.links.person(content.person_id)
    button = Action(_("Open SubsTrack"), address, _("How they are reached is on their page:"))
    subject = _("%(name)s can’t be reached in Telegram", name=name)
    return Composition(subject, (Paragraph(opening), *why, Paragraph(advice), button))


def unsubscribed(letter: Letter, content: AboutAddress, _: Words) -> Composition:
    """Say that a member wants no more requests at an address."""
    name, advice = content.member.name, _("What they owe is unchanged; please talk to them.")
    if content.channel is Channel.TELEGRAM:
        subject = _("%(name)s stopped requests in Telegram", name=name)
        opening = _("%(name)s has stopped requests to their chat.", name=name)
    else:
        subject = _("%(name)s stopped requests by mail", name=name)
        opening = _("%(name)s has stopped requests to %(address)s.", name=name, address=content.address)
    still = _("Answers to what they do still go there.")
    button = Action(_("Open SubsTrack"), letter.links.person(content.person_id), _("See what is open here:"))
    return Composition(subject, (Paragraph(opening), Paragraph(f"{still} {advice}"), button))


def _reply_hint(letter: Letter, _: Words) -> tuple[Block, ...]:
    return (Paragraph(_("A reply to this mail goes to them.")),) if letter.reply_to else ()


def _said_with_it(claim: Claim, _: Words) -> Iterator[Block]:
    facts = [(_("Said on"), _.day(claim.made_on))]
    if claim.paid_on is not None:
        facts.append((_("Paid on"), _.day(claim.paid_on)))
    if claim.method:
        facts.append((_("How"), claim.method))
    yield Facts(tuple(facts))
    if claim.note:
        yield Quote(claim.note)
    if claim.is_flagged:
        yield Paragraph(
            _("This came within a minute of our message, so a program that checks links may have pressed it.")
        )


def _claim_row(claim: Claim, _: Words) -> Row:
    what = _.listed([what_for(item, _) for item in claim.items])
    references = " ".join(item.reference for item in claim.items)
    since = _("since %(day)s", day=_.day(claim.made_on))
    return Row(
        claim.member.name,
        claimed_sum(claim.amount, _),
        (what, since, _("reference %(code)s", code=references)),
    )
