"""Updates as Telegram writes them (Bot API, Update), read into the little that the bot goes by.

What is not understood is None, never an error: Telegram adds kinds of updates at will.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """Where something happened and who did it; `language` is that of their Telegram."""

    chat_id: int
    user_id: int
    is_private: bool
    language: str | None
    name: str = ""

    @property
    def is_own_chat(self) -> bool:
        """Tell whether this is the private chat of the very person who acted."""
        return self.is_private and self.chat_id == self.user_id


@dataclass(frozen=True)
class Attached:
    """A picture or file in a message; `size` in bytes, where Telegram says."""

    file_id: str
    size: int | None


@dataclass(frozen=True)
class Replied:
    """The message somebody replied to: its number, whether a bot wrote it, the data on its buttons."""

    number: int
    is_from_bot: bool
    buttons: tuple[str, ...]


@dataclass(frozen=True)
class Pressed:
    """A press of a button; `proof` is the file in the message that the one with the button replies to.

    `caption` is what was written below that file.
    """

    query_id: str
    place: Place
    number: int
    data: str
    proof: Attached | None = None
    caption: str = ""


@dataclass(frozen=True)
class Written:
    """A message: `text` is the caption where there is a file."""

    place: Place
    number: int
    text: str
    file: Attached | None = None
    replied: Replied | None = None


@dataclass(frozen=True)
class Blocked:
    """Somebody blocked the bot in their private chat."""

    place: Place


@dataclass(frozen=True)
class Unblocked:
    """Somebody let the bot into their private chat again."""

    place: Place


Update = Pressed | Written | Blocked | Unblocked


def read_update(body: Mapping[str, Any]) -> Update | None:
    """Read one update; None for what the bot does not care about (edits, channels, other bots)."""
    if "callback_query" in body:
        return _pressed(body["callback_query"])
    if "message" in body:
        return _written(body["message"])
    if "my_chat_member" in body:
        return _membership(body["my_chat_member"])
    return None


def _pressed(query: Mapping[str, Any]) -> Pressed | None:
    message = query.get("message")
    if not message or "data" not in query:
        return None
    question = message.get("reply_to_message") or {}
    place = _place(message["chat"], query["from"])
    proof, caption = _attached(question), question.get("caption") or ""
    return Pressed(query["id"], place, message["message_id"], query["data"], proof, caption)


def _written(message: Mapping[str, Any]) -> Written | None:
    author = message.get("from")
    if not author or author.get("is_bot"):
        return None
    return Written(
        place=_place(message["chat"], author),
        number=message["message_id"],
        text=message.get("text") or message.get("caption") or "",
        file=_attached(message),
        replied=_replied(message.get("reply_to_message")),
    )


def _membership(change: Mapping[str, Any]) -> Blocked | Unblocked | None:
    """In a private chat the bot is a "member", or "kicked" while it is blocked (Bot API, my_chat_member)."""
    place = _place(change["chat"], change["from"])
    match change.get("new_chat_member", {}).get("status"):
        case "kicked":
            return Blocked(place)
        case "member":
            return Unblocked(place)
        case _:
            return None


def _place(chat: Mapping[str, Any], author: Mapping[str, Any]) -> Place:
    username = author.get("username")
    name = f"@{username}" if username else author.get("first_name") or ""
    return Place(chat["id"], author["id"], chat.get("type") == "private", author.get("language_code"), name)


def _attached(message: Mapping[str, Any]) -> Attached | None:
    """Take the largest size of a picture, or the file."""
    sizes = message.get("photo") or ()
    found = sizes[-1] if sizes else message.get("document")
    return Attached(found["file_id"], found.get("file_size")) if found else None


def _replied(message: Mapping[str, Any] | None) -> Replied | None:
    if not message:
        return None
    rows = (message.get("reply_markup") or {}).get("inline_keyboard", ())
    buttons = tuple(key["callback_data"] for row in rows for key in row if "callback_data" in key)
    return Replied(message["message_id"], bool((message.get("from") or {}).get("is_bot")), buttons)
