"""Words as Telegram's HTML: the one place where text is escaped for a chat, and measured.

Everything is `Markup`, so what was forgotten is escaped and never trusted. Source: Bot API, "HTML style".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape

from markupsafe import Markup

MAX_MESSAGE = 4096
"""Characters of a message after its markup is read (Bot API, sendMessage), counted here in UTF-16 units."""

MAX_CAPTION = 1024
"""The same for the words below a picture or file (Bot API, sendPhoto)."""


def plain(text: str) -> Markup:
    """Show words as they are."""
    return Markup("{}").format(_visible(text))


def bold(text: str) -> Markup:
    """Show words in bold."""
    return Markup("<b>{}</b>").format(_visible(text))


def code(text: str) -> Markup:
    """Show something to be copied by a tap."""
    return Markup("<code>{}</code>").format(_visible(text))


def sum_to_copy(text: str, *, grouping: str) -> Markup:
    """Show a sum of which a tap copies the bare number, as a bank's form takes it: "8.97" of "8.97 €".

    `grouping` is what the language puts between thousands; it goes, because forms read it as they like.
    """
    found = re.search(r"\d(?:[^A-Za-z]*\d)?", text)
    if found is None:
        return plain(text)
    number = re.sub(rf"[\s{re.escape(grouping)}]", "", found[0])
    before, after = _visible(f"{text[: found.start()]}|"), _visible(f"|{text[found.end() :]}")
    return Markup("{}<code>{}</code>{}").format(before[:-1], number, after[1:])


def link(label: str, url: str) -> Markup:
    """Show words that lead to an address; only for one that `is_link_in_chats`."""
    return Markup('<a href="{}">{}</a>').format(url, _visible(label))


def quote(text: str) -> Markup:
    """Show what a person wrote, in their own lines."""
    return Markup("<blockquote>{}</blockquote>").format(lines(plain(line) for line in text.splitlines()))


def lines(parts: Iterable[Markup]) -> Markup:
    """Put parts below each other."""
    return Markup("\n").join(parts)


def shown_length(markup: str) -> int:
    """Count the UTF-16 units a phone shows, as Telegram's limits do."""
    shown = unescape(re.sub(r"<[^<>]*>", "", markup))
    return len(shown.encode("utf-16-le")) // 2


def _visible(text: str) -> str:
    """Leave nothing that moves or hides other words; spaces are ordinary ones, since text is copied."""
    spaced = re.sub(r"[\x00-\x20\x7f-\xa0\u2009\u2028\u2029\u202f]+", " ", text)
    return re.sub(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", spaced).strip()
