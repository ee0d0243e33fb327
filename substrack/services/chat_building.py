"""Chat messages: a letter as one message in a chat, stored as it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any, Final, Self

from substrack.domain.chat_cards import Card, NoteCard
from substrack.domain.cycles import local_hour
from substrack.domain.letters import Letter
from substrack.domain.notices import Notice
from substrack.texts.catalogue import language_of
from substrack.texts.chat_keyboards import Key, keyboard
from substrack.texts.chat_letters import RenderedChat, render_chat

QUIET_FROM: Final = 22
QUIET_UNTIL: Final = 8
CAN_WAIT: Final = frozenset(
    {
        Notice.CLAIMS_WAITING,
        Notice.BILL_WANTED,
        Notice.ADDRESS_REFUSED,
        Notice.REQUESTS_EXHAUSTED,
        Notice.STALE_CODE,
        Notice.UNSUBSCRIBED,
    }
)
"""What admins need not be woken for."""


_TAG: Final = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class ChatWords:
    """The exact words and buttons of one chat message, as they are stored before the first send.

    `is_shortened`: the page has the rest, so the button that leads there stays whatever is answered here.
    """

    html: str
    keys: tuple[tuple[Key, ...], ...] = ()
    is_shortened: bool = False

    def as_dict(self, subject: str) -> dict[str, Any]:
        """Return the form that is stored as JSON, with the words without markup for people to read."""
        keys = [[vars(key) for key in row] for row in self.keys]
        words = {"subject": subject, "html": self.html, "text": _plain(self.html), "keys": keys}
        return words | {"is_shortened": self.is_shortened}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        keys = tuple(tuple(Key(**key) for key in row) for row in stored.get("keys", ()))
        return cls(stored["html"], keys, stored.get("is_shortened", False))


def _plain(html: str) -> str:
    return unescape(_TAG.sub("", html))


def chat_words(letter: Letter, card: Card | None) -> dict[str, Any]:
    """Put a letter into one chat message with its buttons, in the form that is stored.

    Buttons that do what the letter's link is for take its place; a note is answered here and mended there.
    """
    locale = language_of(letter.locale)
    keys = keyboard(card, locale)
    rendered: RenderedChat = render_chat(letter, has_answers=bool(keys) and not isinstance(card, NoteCard))
    link = ((Key(rendered.link.label, url=rendered.link.url),),) if rendered.link else ()
    words = ChatWords(rendered.html, (*keys, *link), rendered.is_shortened)
    return words.as_dict(rendered.subject)


def is_silent(notice: Notice, now: datetime, time_zone: str) -> bool:
    """Tell whether a message arrives without a sound: at night, when it can wait."""
    hour = local_hour(now, time_zone)
    return notice in CAN_WAIT and (hour >= QUIET_FROM or hour < QUIET_UNTIL)
