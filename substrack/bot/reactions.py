"""What an act in a chat leads to, before anything is sent: a short answer, a changed message, new ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

from substrack.channels.chats import Button, Keyboard
from substrack.queries.chats import ChatContact
from substrack.texts.chat_keyboards import Rows


@dataclass(frozen=True)
class Screen:
    """One message: words, buttons, and a file if any; `is_reply` answers the message that was acted on."""

    html: str
    rows: Rows = ()
    photo: bytes | None = None
    document: bytes | None = None
    is_reply: bool = False

    @property
    def keyboard(self) -> Keyboard:
        """The buttons as the channel takes them."""
        return tuple(tuple(Button(key.text, data=key.data, url=key.url) for key in row) for row in self.rows)


@dataclass(frozen=True)
class StatusView:
    """What one person owes."""

    person: ChatContact


@dataclass(frozen=True)
class PendingView:
    """A page of the claims that wait in an admin's workspace; `undo` names what was just decided from it."""

    admin: ChatContact
    page: int
    undo: str | None = None


View = StatusView | PendingView
"""What the bot shows of itself, to be drawn afresh after an act on it."""


@dataclass(frozen=True)
class Reaction:
    """`toast` is shown for a moment, `shows` replaces the message, `keys` only its buttons, `says` are new.

    `redraws`: the message is shown as it is now: from the outbox, or as `view` when it is not from there.
    `fades_to` is what a screen of the bot's own shows once what it offers to undo is final.
    """

    toast: str = ""
    is_alert: bool = False
    shows: Screen | None = None
    keys: Rows | None = None
    says: tuple[Screen, ...] = field(default=())
    redraws: bool = False
    view: View | None = None
    fades_to: View | None = None

    def redrawn(self, screen: Screen | None) -> Self:
        """Add how the message looks now."""
        return self if screen is None else replace(self, shows=screen)
