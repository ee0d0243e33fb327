"""What a chat message is made of, before any library sees it: words, buttons, where it goes.

Wrong buttons are caught here, where the code that made them is still on the stack, not by a refusal later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from substrack.domain.chat_links import is_link_in_chats

MAX_CALLBACK_BYTES = 64
"""Bot API, InlineKeyboardButton: callback_data has 1–64 bytes."""

MAX_BUTTONS = 100
"""Buttons below one message; python-telegram-bot, InlineKeyboardMarkupLimit.TOTAL_BUTTON_NUMBER."""


class WrongButton(ValueError):
    """A button Telegram would refuse, and the whole message with it."""


@dataclass(frozen=True)
class Button:
    """One button below a message: it sends `data` back to us, or opens `url`; never both, never neither.

    Raises:
        WrongButton: no words on it, data that is not 1–64 bytes, or an address that is no link in chats.
    """

    text: str
    data: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise WrongButton("a button needs words")
        if (self.data is None) == (self.url is None):
            raise WrongButton(f"{self.text!r} needs either data or an address")
        if self.data is not None and not 1 <= len(self.data.encode()) <= MAX_CALLBACK_BYTES:
            raise WrongButton(f"{self.text!r} has {len(self.data.encode())} bytes of data")
        if self.url is not None and not is_link_in_chats(self.url):
            raise WrongButton(f"{self.text!r} leads where Telegram lets no button lead")


Keyboard = tuple[tuple[Button, ...], ...]
"""Rows of buttons, from the top; empty for none."""


@dataclass(frozen=True)
class OutgoingChat:
    """One message to one chat; `html` is Telegram's HTML, or the caption when a file is sent with it.

    `is_silent` arrives without a sound; `reply_to` is the number of a message in the same chat, and the
    message goes out without it when that one is gone.

    Raises:
        WrongButton: more than 100 buttons.
    """

    chat_id: int
    html: str
    keyboard: Keyboard = ()
    is_silent: bool = False
    reply_to: int | None = None

    def __post_init__(self) -> None:
        if sum(map(len, self.keyboard)) > MAX_BUTTONS:
            raise WrongButton("too many buttons for one message")


class ChatSender(Protocol):
    """A way out for chat messages."""

    async def send(self, chat: OutgoingChat) -> str:
        """Send one message and return its number in that chat.

        Raises:
            DeliveryFailed: it was not accepted; says for whom that holds and whether to try again.
        """
        ...

    async def edit(self, message_id: str, chat: OutgoingChat) -> None:
        """Replace the words and buttons of a message sent before; to no effect when they are the same.

        Raises:
            DeliveryFailed: as for `send`.
        """
        ...

    async def close(self) -> None:
        """Give back every connection."""
        ...
