"""Letters as chat messages: the same blocks as in mail, laid out in Telegram's HTML.

The words are those of `texts.letters`; nothing here knows a bot, a chat or its buttons. A message that would
be too long lists less, says so, and leads to the page that has it all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from markupsafe import Markup

from substrack.domain.bills import Item
from substrack.domain.chat_links import is_link_in_chats
from substrack.domain.letters import About, Asking, Claims, Content, Decided, Letter, Received
from substrack.texts.blocks import Action, Bill, Block, Facts, Heading, Paragraph, PlainLink, Quote, Row
from substrack.texts.catalogue import language_of
from substrack.texts.chat_markup import (
    MAX_MESSAGE,
    bold,
    code,
    lines,
    link,
    plain,
    quote,
    shown_length,
    sum_to_copy,
)
from substrack.texts.letters import compose
from substrack.texts.words import Words

MAX_WORDS = 600
"""How much of one paragraph or quote a message keeps that is too long otherwise."""

ROWS_TO_TRY = (20, 10, 5, 2, 1)
"""How many lines of a bill are kept then: the first number that fits."""

MAX_SUBJECT = 200


@dataclass(frozen=True)
class ChatLink:
    """An address for a button below the message; Telegram takes it (see `is_link_in_chats`)."""

    label: str
    url: str


@dataclass(frozen=True)
class RenderedChat:
    """The exact words of one message, as they are stored before the first send.

    `subject` is its first line without markup, for lists; `link` the button it wants, if any.
    """

    subject: str
    html: str
    link: ChatLink | None = None
    is_shortened: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the form that is stored as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        wanted = stored.get("link")
        return cls(**{**stored, "link": ChatLink(**wanted) if wanted else None})


def render_chat(letter: Letter, *, has_answers: bool = False) -> RenderedChat:
    """Put a letter into one message of at most 4,096 characters.

    `has_answers`: the message gets buttons that do what the letter's own link is for, so the link is left
    out, unless the message had to be shortened: then it leads to the rest. Where Telegram allows no button,
    the text has the address.
    """
    layout = _Layout.of(replace(letter, reply_to=None))
    action = None if has_answers else layout.action
    whole = layout.show(action)
    if shown_length(whole) <= MAX_MESSAGE:
        return RenderedChat(layout.subject, str(whole), _button(action))
    leads_on = layout.leading_to_the_rest() if has_answers else layout
    return RenderedChat(layout.subject, str(leads_on.shorten()), _button(leads_on.action), is_shortened=True)


def lay_out(blocks: Sequence[Block], *, references: Iterable[str] = (), locale: str) -> Markup:
    """Put blocks into Telegram's HTML, for screens of the bot that are no letters.

    `references` are copied by a tap. Nothing is shortened.
    """
    words = Words(language_of(locale))
    layout = _Layout("", tuple(blocks), None, frozenset(references), words)
    return _paragraphs(list(layout._parts()))


@dataclass(frozen=True)
class _Layout:
    """A composed letter on its way to markup: its blocks but for the action, and what is to be copied."""

    subject: str
    blocks: tuple[Block, ...]
    action: Action | None
    references: frozenset[str]
    words: Words

    @classmethod
    def of(cls, letter: Letter) -> Self:
        words = Words(language_of(letter.locale))
        composition = compose(letter)
        actions = [block for block in composition.blocks if isinstance(block, Action)]
        return cls(
            subject=_cut(" ".join(composition.subject.split()), MAX_SUBJECT),
            blocks=tuple(block for block in composition.blocks if not isinstance(block, Action)),
            action=actions[0] if actions else None,
            references=frozenset(item.reference for item in _items(letter.content)),
            words=words,
        )

    def leading_to_the_rest(self) -> Self:
        """Call the link what it is for, where another button answers under the letter's own words."""
        if self.action is None:
            return self
        label, lead = self.words("See the rest"), self.words("The rest is here:")
        return replace(self, action=replace(self.action, label=label, lead=lead))

    def show(self, action: Action | None) -> Markup:
        return _paragraphs([bold(self.subject), *self._parts(), *_address(action)])

    def shorten(self) -> Markup:
        """Keep fewer lines of bills and less of long words; drop what stands last if that is not enough."""
        for most in ROWS_TO_TRY:
            shorter = replace(self, blocks=tuple(self._shortened(block, most) for block in self.blocks))
            shown = _paragraphs([shorter.show(None), *self._ending()])
            if shown_length(shown) <= MAX_MESSAGE:
                return shown
        while shorter.blocks and shown_length(shown) > MAX_MESSAGE:
            shorter = replace(shorter, blocks=shorter.blocks[:-1])
            shown = _paragraphs([shorter.show(None), *self._ending()])
        return shown

    def _parts(self) -> Iterator[Markup]:
        """Lay out each block; a heading stands right above what it is about."""
        heading: list[Markup] = []
        for block in self.blocks:
            if isinstance(block, Heading):
                heading.append(bold(block.text))
            else:
                yield lines([*heading, self._block(block)])
                heading = []
        yield from heading

    def _ending(self) -> Iterator[Markup]:
        yield plain(self.words("This message is shortened; SubsTrack has the rest."))
        yield from _address(self.action)

    def _shortened(self, block: Block, most: int) -> Block:
        match block:
            case Bill(rows, totals) if len(rows) > most:
                more = self.words.ngettext("and %(n)s more", "and %(n)s more", len(rows) - most)
                return Bill((*rows[:most], Row(f"… {more}", "")), totals)
            case Paragraph(text):
                return Paragraph(_cut(text, MAX_WORDS))
            case Quote(text):
                return Quote(_cut(text, MAX_WORDS))
            case _:
                return block

    def _block(self, block: Block) -> Markup:
        match block:
            case Paragraph(text):
                return lines(plain(line) for line in text.splitlines())
            case Heading(text):
                return bold(text)
            case Quote(text):
                return quote(text)
            case PlainLink(label, url):
                return _link(label, url)
            case Facts(rows):
                return lines(self._fact(label, value) for label, value in rows)
            case Bill(rows, totals):
                sums = lines(_labelled(bold(label), self._sum(amount)) for label, amount in totals)
                return _paragraphs([*(lines(self._row(row)) for row in rows), sums])
            case Action():
                return lines(_address(block))

    def _row(self, row: Row) -> Iterator[Markup]:
        yield _labelled(plain(row.title), self._sum(row.amount)) if row.amount else plain(row.title)
        if row.details:
            yield Markup(" · ").join(self._with_codes(each) for each in row.details)

    def _fact(self, label: str, value: str) -> Markup:
        if label == self.words("Amount"):
            return _labelled(plain(label), self._sum(value))
        is_copied = label in {self.words(each) for each in ("Account holder", "IBAN", "UPI ID", "Reference")}
        return _labelled(plain(label), code(value) if is_copied else plain(value))

    def _sum(self, amount: str) -> Markup:
        return sum_to_copy(amount, grouping=self.words.grouping)

    def _with_codes(self, text: str) -> Markup:
        """Make the references among the words of a detail copyable."""
        return Markup(" ").join(
            code(word) if word in self.references else plain(word) for word in re.split(r"\s+", text)
        )


def _paragraphs(parts: list[Markup]) -> Markup:
    return Markup("\n\n").join(part for part in parts if part)


def _labelled(label: Markup, value: Markup) -> Markup:
    return Markup("{}: {}").format(label, value)


def _address(action: Action | None) -> Iterator[Markup]:
    """Write an address out where no button can lead to it."""
    if action is not None and not is_link_in_chats(action.url):
        yield lines([plain(action.lead), plain(action.url)])


def _button(action: Action | None) -> ChatLink | None:
    if action is None or not is_link_in_chats(action.url):
        return None
    return ChatLink(action.label, action.url)


def _link(label: str, url: str) -> Markup:
    return link(label, url) if is_link_in_chats(url) else _labelled(plain(label), plain(url))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _items(content: Content) -> Iterator[Item]:
    match content:
        case Asking() | Decided() | About():
            yield from content.items
        case Received():
            yield from (row.item for row in content.items)
        case Claims():
            yield from (item for claim in content.claims for item in claim.items)
        case _:
            return
