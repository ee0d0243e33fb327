"""What a phone shows: chats, messages with their buttons and files, and how updates describe them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.telegram_html import Entity, cut_out, units

BOT_ID = 123456

Refused = tuple[int, str, dict[str, Any]]
"""What the bot hears instead of being heard: status, description, parameters."""


@dataclass(frozen=True)
class User:
    """Somebody with Telegram."""

    id: int
    name: str
    language: str = "en"
    username: str | None = None
    is_bot: bool = False


@dataclass(frozen=True)
class Button:
    """One inline button: what stands on it and either the data it sends or the address it opens."""

    text: str
    data: str | None = None
    url: str | None = None


Grid = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True)
class Upload:
    """A file in a chat: `kind` is photo or document."""

    kind: str
    data: bytes
    file_id: str
    name: str | None = None
    mime_type: str | None = None

    @property
    def path(self) -> str:
        """Where it is downloaded from."""
        return f"{self.kind}s/{self.name or self.file_id + '.jpg'}"


@dataclass(eq=False)
class Shown:
    """A message as a phone shows it now; `text` is the caption where there is a file.

    `earlier` are the texts it had before it was edited; `edits` counts every change, of buttons too.
    """

    id: int
    chat: Chat
    sender: User
    sent_at: int
    text: str = ""
    entities: list[Entity] = field(default_factory=list)
    buttons: Grid = ()
    file: Upload | None = None
    reply_to: Shown | None = None
    is_silent: bool = False
    has_preview: bool = True
    forwarded_from: User | None = None
    earlier: list[str] = field(default_factory=list)
    edits: int = 0

    @property
    def labels(self) -> list[list[str]]:
        """What stands on the buttons, row by row."""
        return [[button.text for button in row] for row in self.buttons]

    @property
    def codes(self) -> list[str]:
        """What a tap copies."""
        return [cut_out(self.text, each) for each in self.entities if each["type"] in ("code", "pre")]

    def button(self, label: str) -> Button:
        """Find a button by what stands on it."""
        found = [button for row in self.buttons for button in row if button.text == label]
        assert found, f"no button {label!r} among {self.labels} below {self.text!r}"
        return found[0]


@dataclass(eq=False)
class Chat:
    """One chat; `refusal` answers what the bot sends there, `is_known` once it may write at all."""

    id: int
    kind: str
    title: str
    messages: list[Shown] = field(default_factory=list)
    refusal: Refused | None = None
    is_known: bool = True

    def message(self, id: int) -> Shown | None:
        """Find a message by its number in this chat."""
        return next((each for each in self.messages if each.id == id), None)


@dataclass(eq=False)
class Press:
    """One press of a button and what came back; `answers` are the texts shown (empty: it stops spinning)."""

    query_id: str
    pressed_at: float
    answers: list[str] = field(default_factory=list)
    answered_at: float | None = None
    is_alert: bool = False
    is_expired: bool = False
    update: dict[str, Any] | None = None

    @property
    def seconds(self) -> float:
        """How long the first answer took."""
        assert self.answered_at is not None, "the button still spins"
        return self.answered_at - self.pressed_at


def user_json(user: User) -> dict[str, Any]:
    """Describe a User."""
    described: dict[str, Any] = {"id": user.id, "is_bot": user.is_bot, "first_name": user.name}
    if user.username:
        described["username"] = user.username
    return described if user.is_bot else described | {"language_code": user.language}


def chat_json(chat: Chat) -> dict[str, Any]:
    """Describe a Chat."""
    name = "first_name" if chat.kind == "private" else "title"
    return {"id": chat.id, "type": chat.kind, name: chat.title}


def message_json(message: Shown, *, with_reply: bool = True) -> dict[str, Any]:
    """Describe a Message; what it replies to is given one level deep, as Telegram does."""
    described: dict[str, Any] = {
        "message_id": message.id,
        "date": message.sent_at,
        "chat": chat_json(message.chat),
        "from": user_json(message.sender),
    }
    described |= _content(message)
    if message.buttons:
        described["reply_markup"] = {
            "inline_keyboard": [[_button(each) for each in row] for row in message.buttons]
        }
    if message.reply_to is not None and with_reply:
        described["reply_to_message"] = message_json(message.reply_to, with_reply=False)
    if message.forwarded_from is not None:
        origin = {"type": "user", "sender_user": user_json(message.forwarded_from), "date": message.sent_at}
        described["forward_origin"] = origin
    return described


def inaccessible_json(message: Shown) -> dict[str, Any]:
    """Describe a message too old to be shown to the bot (InaccessibleMessage)."""
    return {"chat": chat_json(message.chat), "message_id": message.id, "date": 0}


def membership_change(chat: Chat, by: User, bot: User, *, before: str, after: str, at: int) -> dict[str, Any]:
    """Describe that the bot was blocked, let in or removed (ChatMemberUpdated)."""
    return {
        "chat": chat_json(chat),
        "from": user_json(by),
        "date": at,
        "old_chat_member": _membership(bot, before),
        "new_chat_member": _membership(bot, after),
    }


def file_json(file: Upload) -> dict[str, Any]:
    """Describe what getFile and every message say about a file."""
    return {"file_id": file.file_id, "file_unique_id": f"u{file.file_id}", "file_size": len(file.data)}


def commands_in(text: str) -> list[Entity]:
    """Find the command a text begins with."""
    first = text.split(maxsplit=1)[0] if text.startswith("/") else ""
    return [{"type": "bot_command", "offset": 0, "length": units(first)}] if first else []


def _content(message: Shown) -> dict[str, Any]:
    words = "text" if message.file is None else "caption"
    described: dict[str, Any] = {words: message.text} if message.text else {}
    if message.entities:
        described["entities" if message.file is None else "caption_entities"] = message.entities
    return described | (_attached(message.file) if message.file else {})


def _attached(file: Upload) -> dict[str, Any]:
    if file.kind == "document":
        return {"document": file_json(file) | {"file_name": file.name, "mime_type": file.mime_type}}
    small = file_json(file) | {"file_id": f"{file.file_id}-small", "width": 90, "height": 67}
    return {"photo": [small, file_json(file) | {"width": 1280, "height": 960}]}


def _button(button: Button) -> dict[str, Any]:
    goal = {"url": button.url} if button.url is not None else {"callback_data": button.data}
    return {"text": button.text, **goal}


def _membership(bot: User, status: str) -> dict[str, Any]:
    ended = {"until_date": 0} if status == "kicked" else {}
    return {"user": user_json(bot), "status": status} | ended
