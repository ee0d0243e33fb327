"""What members are told of money: that it came, that it was there, and what is left to pay."""

from __future__ import annotations

from collections.abc import Iterable

from substrack.domain.letters import Letter, Received, ReceivedItem
from substrack.domain.money import Money
from substrack.texts.bills import how_to_pay, page_button, paid_button, payers_of, what_for
from substrack.texts.blocks import Bill, Block, Composition, Paragraph, Row
from substrack.texts.words import Words


def received(letter: Letter, content: Received, _: Words) -> Composition:
    """Confirm that money came, or is there, and everything it was for is settled."""
    payers = content.payer.name if content.payer else payers_of([row.item for row in content.items], _)
    if content.receipt is not None:
        came = _.money(content.receipt)
        opening = _("%(payers)s received your %(amount)s. Thank you!", payers=payers, amount=came)
        subject = _("Received: %(amount)s for %(what)s", amount=came, what=_whats(content, _))
    elif _from_credit(content):
        opening = _("Your credit with %(payers)s has settled this.", payers=payers)
        subject = _("Settled from your credit: %(what)s", what=_whats(content, _))
    else:
        opening = _(
            "What %(payers)s received before covers this; there is nothing left to pay.", payers=payers
        )
        subject = _("Settled: %(what)s", what=_whats(content, _))
    bill = (_received_bill(content, _),) if content.items else ()
    blocks = (
        Paragraph(opening),
        *bill,
        *_of_credit(content, _),
        *_left_of_credit(content, _),
        *_credit(content, _),
        *page_button(letter, _),
    )
    return Composition(subject, blocks)


def part_received(letter: Letter, content: Received, _: Words) -> Composition:
    """Confirm that less came than was owed, and say what is left; it may have been settled since."""
    if not any(row.left.minor for row in content.items):
        return received(letter, content, _)
    left = _left_in_words(content, _)
    payers = payers_of([row.item for row in content.items], _)
    if content.receipt is None and _from_credit(content):
        opening = _(
            "Your credit with %(payers)s has settled a part; %(left)s is left.", payers=payers, left=left
        )
        subject = _("Partly settled, %(left)s left: %(what)s", left=left, what=_whats(content, _))
    elif content.receipt is None:
        opening = _(
            "The money you told of is booked by %(payers)s already, and %(left)s of this is left to pay.",
            payers=payers,
            left=left,
        )
        subject = _("%(left)s left: %(what)s", left=left, what=_whats(content, _))
    else:
        came = _.money(content.receipt)
        opening = _(
            "%(payers)s received %(came)s; %(left)s is left to pay.", payers=payers, came=came, left=left
        )
        subject = _(
            "Received %(came)s, %(left)s left: %(what)s", came=came, left=left, what=_whats(content, _)
        )
    blocks = (
        Paragraph(opening),
        _received_bill(content, _),
        *_of_credit(content, _),
        *_credit(content, _),
        *how_to_pay(content.how_to_pay, _),
        *paid_button(letter, [row.item for row in content.items], _),
    )
    return Composition(subject, blocks)


def _whats(content: Received, _: Words) -> str:
    if not content.items:
        return _("your credit")
    if len(content.items) == 1:
        return what_for(content.items[0].item, _)
    return _.ngettext("%(n)s share", "%(n)s shares", len(content.items))


def _received_bill(content: Received, _: Words) -> Bill:
    return Bill(tuple(_received_row(row, _) for row in content.items))


def _received_row(row: ReceivedItem, _: Words) -> Row:
    """Say what a payment got; what is left, or all that covers it, where it got nothing now."""
    amount, details = _.money(row.item.amount), [_("reference %(code)s", code=row.item.reference)]
    if not row.received.minor:
        if row.left.minor and row.left != row.item.amount:
            details.insert(0, _("left of %(amount)s", amount=amount))
        return Row(what_for(row.item, _), _.money(row.left) if row.left.minor else amount, tuple(details))
    if row.left.minor:
        details.insert(0, _("%(left)s of %(amount)s left", left=_.money(row.left), amount=amount))
    return Row(what_for(row.item, _), _.money(row.received), tuple(details))


def _left_in_words(content: Received, _: Words) -> str:
    return _sums_in_words([row.left for row in content.items], _)


def _from_credit(content: Received) -> list[Money]:
    return [row.from_credit for row in content.items if row.from_credit is not None and row.from_credit.minor]


def _of_credit(content: Received, _: Words) -> tuple[Block, ...]:
    """Say what of the bill above came from credit, where other money came with it."""
    came_from_credit = _from_credit(content)
    if content.receipt is None or not came_from_credit:
        return ()
    payers = payers_of([row.item for row in content.items], _)
    amount = _sums_in_words(came_from_credit, _)
    return (
        Paragraph(
            _("%(amount)s of this came from your credit with %(payers)s.", amount=amount, payers=payers)
        ),
    )


def _left_of_credit(content: Received, _: Words) -> tuple[Block, ...]:
    """Say what is left of the credit that settled this by itself."""
    if content.receipt is not None or not _from_credit(content):
        return ()
    left = _sums_in_words(content.credit_left, _)
    if not left:
        return (Paragraph(_("Nothing of your credit is left.")),)
    return (Paragraph(_("%(amount)s of your credit is left.", amount=left)),)


def _sums_in_words(amounts: Iterable[Money], _: Words) -> str:
    """Add up per currency, and name the sums in a row; nothing of one is not named beside another."""
    sums_of: dict[str, Money] = {}
    for amount in amounts:
        sums_of[amount.currency] = sums_of.get(amount.currency, Money(0, amount.currency)) + amount
    return _.listed([_.money(each) for each in sums_of.values() if each.minor])


def _credit(content: Received, _: Words) -> tuple[Block, ...]:
    if content.credit is None:
        return ()
    amount = _.money(content.credit)
    if not content.items:
        return (
            Paragraph(_("Nothing is open just now, so it is kept as credit and settles what comes next.")),
        )
    return (Paragraph(_("%(amount)s more came than was owed. It is kept as credit.", amount=amount)),)
