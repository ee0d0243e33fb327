"""The parts a letter is made of.

A letter is composed once, as blocks; plain text, HTML and later Telegram are three ways of showing the same
blocks, so they cannot say different things. Blocks hold finished words and no markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Paragraph:
    """Running words."""

    kind: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True)
class Heading:
    """What the next blocks are about."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Row:
    """One line of a bill: what for, how much, and small print below."""

    title: str
    amount: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bill:
    """What is owed, line by line, and the totals (label, amount), one per currency and payer."""

    kind: ClassVar[str] = "bill"
    rows: tuple[Row, ...]
    totals: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Facts:
    """Labels and values to read or copy."""

    kind: ClassVar[str] = "facts"
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PlainLink:
    """A link that is not the main action; its address is shown."""

    kind: ClassVar[str] = "plain_link"
    label: str
    url: str


@dataclass(frozen=True)
class Quote:
    """What a person wrote, in their own words and lines."""

    kind: ClassVar[str] = "quote"
    text: str


@dataclass(frozen=True)
class Action:
    """The one thing to do; the plain address stands under the button."""

    kind: ClassVar[str] = "action"
    label: str
    url: str
    lead: str


Block = Paragraph | Heading | Bill | Facts | PlainLink | Quote | Action


@dataclass(frozen=True)
class Composition:
    """A letter in words: the subject, then the blocks in reading order."""

    subject: str
    blocks: tuple[Block, ...]
