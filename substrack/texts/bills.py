"""The blocks that letters about payments share: items with their totals, and how to pay them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from substrack.domain.bills import HowToPay, Item, OpenInAll, OwnSentence, Way
from substrack.domain.letters import Asking, Letter
from substrack.domain.money import Money
from substrack.domain.payments import Status
from substrack.texts.blocks import Action, Bill, Block, Facts, Heading, Paragraph, PlainLink, Row
from substrack.texts.words import Words


def what_for(item: Item, _: Words) -> str:
    """Name an item: "YouTube Premium, March 2026"."""
    return item.group if item.span is None else f"{item.group}, {_.span(item.span)}"


def items_in_words(items: Sequence[Item], _: Words) -> str:
    """Name one item, or count several: "2 shares"."""
    if len(items) == 1:
        return what_for(items[0], _)
    return _.ngettext("%(n)s share", "%(n)s shares", len(items))


def bill(items: Sequence[Item], _: Words) -> Bill:
    """List items with what is left of each, and a total per currency and payer."""
    return Bill(tuple(_row(item, _) for item in items), _total_lines(items, _))


def totals(items: Iterable[Item]) -> dict[tuple[str, str], Money]:
    """Add what is left per payer and currency, in the order of the items; nothing else is ever added up."""
    sums: dict[tuple[str, str], Money] = {}
    for item in items:
        key = (item.payer.name, item.left.currency)
        sums[key] = sums[key] + item.left if key in sums else item.left
    return sums


def total_in_words(items: Sequence[Item], _: Words) -> str:
    """Say all totals in a row: "9.00 € and 500 JP¥"."""
    return _.listed([_.money(amount) for amount in sums(items)])


def sums(items: Iterable[Item]) -> list[Money]:
    """Add what is left per currency, whoever it goes to, in the order of the items."""
    per_currency: dict[str, Money] = {}
    for (_payer, currency), amount in totals(items).items():
        per_currency[currency] = per_currency[currency] + amount if currency in per_currency else amount
    return list(per_currency.values())


def payers_of(items: Iterable[Item], _: Words) -> str:
    """Name those the money goes to, each once."""
    return _.listed(list(dict.fromkeys(item.payer.name for item in items)))


def keepers_of(items: Iterable[Item], _: Words) -> str:
    """Name those who hear what is said about items and decide, each once."""
    return _.listed(list(dict.fromkeys(item.keeper for item in items)))


def how_to_pay(ways: Sequence[HowToPay], _: Words) -> tuple[Block, ...]:
    """Explain how each sum reaches its payer."""
    return tuple(block for each in ways for block in _one_way_to_pay(each, len(ways) > 1, _))


def asking_blocks(content: Asking, letter: Letter, _: Words) -> tuple[Block, ...]:
    """List what is owed, how to pay it and the button that says it is done."""
    return (
        bill(content.items, _),
        *(Paragraph(sentence) for sentence in own_sentences(content.sentences, content.items, _)),
        *in_all(content.open_in_all, _),
        *how_to_pay(content.how_to_pay, _),
        *paid_button(letter, content.items, _),
    )


def own_sentences(sentences: Sequence[OwnSentence], items: Sequence[Item], _: Words) -> list[str]:
    """Write the sentences of groups, with the groups' names where the items are of several."""
    if len({item.group for item in items}) == 1:
        return [sentence.text for sentence in sentences]
    return [f"{one.group}: {one.text}" for one in sentences]


def in_all(sums: Sequence[OpenInAll], _: Words) -> tuple[Block, ...]:
    """Say what is open altogether, where the bill above lists only a part of it."""
    return tuple(
        Paragraph(_("In all, %(total)s is open with %(payer)s.", total=_.money(each.total), payer=each.payer))
        for each in sums
    )


def paid_button(letter: Letter, items: Sequence[Item], _: Words) -> tuple[Block, ...]:
    """Offer the member's page, when the letter has a link to it."""
    if letter.links.pay is None:
        return ()
    lead = _("Paid already? Say so here and %(payers)s will know:", payers=keepers_of(items, _))
    return (Action(_("I’ve paid"), letter.links.pay, lead),)


def page_button(letter: Letter, _: Words) -> tuple[Block, ...]:
    """Offer the member's page for looking only."""
    if letter.links.pay is None:
        return ()
    return (Action(_("Open your page"), letter.links.pay, _("Everything you share and owe is here:")),)


def _row(item: Item, _: Words) -> Row:
    return Row(what_for(item, _), _.money(item.left), tuple(_details(item, _)))


def part_in_words(item: Item, _: Words) -> str:
    """Say for which days a share is that is for a part of its period; empty where it is for all of it."""
    return _("for %(days)s", days=_.dates(*item.days)) if item.days else ""


def _details(item: Item, _: Words) -> Iterator[str]:
    if item.days is not None:
        yield part_in_words(item, _)
    if item.left != item.amount:
        yield _("left of %(amount)s", amount=_.money(item.amount))
    if item.due_on is not None:
        due = _.day(item.due_on)
        yield _("was due %(day)s", day=due) if item.status is Status.OVERDUE else _("due %(day)s", day=due)
    yield _("reference %(code)s", code=item.reference)


def _total_lines(items: Sequence[Item], _: Words) -> tuple[tuple[str, str], ...]:
    if len(items) == 1:
        return ()
    return tuple(
        (_("Total to %(payer)s", payer=payer), _.money(amount))
        for (payer, _currency), amount in totals(items).items()
    )


def _one_way_to_pay(how: HowToPay, is_one_of_many: bool, _: Words) -> Iterator[Block]:
    title = _("How to pay %(payer)s", payer=how.payer)
    yield Heading(f"{title} ({_.listed(how.groups)})" if is_one_of_many else title)
    if how.changed_on is not None and how.ways:
        yield Paragraph(_("New since %(day)s: please use this from now on.", day=_.day(how.changed_on)))
    if not how.ways:
        yield Paragraph(_("%(payer)s has not said how yet; please ask.", payer=how.payer))
    for way in how.ways:
        yield _WAYS[way.kind](way, how, _)


def _link(way: Way, _how: HowToPay, _: Words) -> Block:
    return PlainLink(way.label or _("Pay online"), way.value)


def _iban(way: Way, how: HowToPay, _: Words) -> Block:
    rows = [
        (_("Account holder"), way.holder or how.payer),
        (_("IBAN"), way.value),
        (_("Amount"), _.money(how.total)),
        (_("Reference"), " ".join(how.references)),
    ]
    return Facts(tuple(rows))


def _upi(way: Way, how: HowToPay, _: Words) -> Block:
    rows = [
        (_("UPI ID"), way.value),
        (_("Amount"), _.money(how.total)),
        (_("Reference"), " ".join(how.references)),
    ]
    return Facts(tuple(rows))


def _text(way: Way, _how: HowToPay, _words: Words) -> Block:
    return Paragraph(f"{way.label}: {way.value}" if way.label else way.value)


_WAYS = {"link": _link, "iban": _iban, "upi": _upi, "text": _text}
