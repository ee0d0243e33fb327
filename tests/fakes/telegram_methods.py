"""The methods of the Bot API a bot of ours calls, with the refusals of the real one.

Sources: the Bot API page for limits, its server's own words for the descriptions. Two things are looser: a
webhook on loopback may be plain HTTP, and nobody is slowed down (ask `BotApi.busiest_second` instead).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.telegram_chats import Button, Chat, Grid, Shown, Upload, file_json, message_json, user_json
from tests.fakes.telegram_html import CannotParse, Entity, is_link_allowed, parse_html, units
from tests.fakes.telegram_updates import Webhook
from tests.fakes.telegram_world import World

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_CALLBACK_DATA_BYTES = 64
MAX_ANSWER = 200
MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
COMMAND = re.compile(r"[a-z0-9_]{1,32}")

Files = Mapping[str, tuple[str, str, bytes]]
"""Uploaded parts by field name: file name, content type, bytes."""


class ApiRefused(Exception):
    """What Telegram answers instead of a result."""

    def __init__(self, status: int, description: str, parameters: Mapping[str, Any] | None = None) -> None:
        super().__init__(description)
        self.status, self.description, self.parameters = status, description, dict(parameters or {})


@dataclass(frozen=True)
class Call:
    """The parameters of one request; values that hold JSON are read where they are used."""

    values: Mapping[str, str]
    files: Files = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a parameter, empty when absent."""
        return self.values.get(name, "")

    def number(self, name: str, default: int = 0) -> int:
        """Return a whole number."""
        return int(self.values.get(name) or default)

    def flag(self, name: str) -> bool:
        """Return a yes or no."""
        return self.values.get(name, "").lower() in ("true", "1")

    def json(self, name: str) -> Any:
        """Return what JSON a parameter holds, None when absent."""
        return json.loads(self.values[name]) if self.values.get(name) else None


@dataclass
class Methods:
    """The methods by their names in the API; `commands` keeps the menus by scope and language."""

    world: World
    commands: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)

    def run(self, method: str, call: Call) -> Any:
        """Do what a request asks for and return its `result`.

        Raises:
            ApiRefused: with Telegram's status and words.
        """
        known = METHODS.get(method)
        if known is None:
            raise ApiRefused(404, "Not Found: method not found")
        return known(self, call)

    def get_me(self, _call: Call) -> Any:
        abilities = {"can_join_groups": True, "can_read_all_group_messages": False}
        return user_json(self.world.bot) | abilities | {"supports_inline_queries": False}

    def send_message(self, call: Call) -> Any:
        chat = self._chat(call)
        text, entities = _words(call, "text", MAX_TEXT, "message is too long")
        if not text:
            raise ApiRefused(400, "Bad Request: message text is empty")
        return self._send(call, chat, text, entities, None)

    def send_photo(self, call: Call) -> Any:
        return self._send_file(call, "photo")

    def send_document(self, call: Call) -> Any:
        return self._send_file(call, "document")

    def edit_message_text(self, call: Call) -> Any:
        message = self._own_message(call)
        if message.file is not None:
            raise ApiRefused(400, "Bad Request: there is no text in the message to edit")
        text, entities = _words(call, "text", MAX_TEXT, "message is too long")
        if not text:
            raise ApiRefused(400, "Bad Request: message text is empty")
        return self._edit(message, text, entities, _buttons(call))

    def edit_message_caption(self, call: Call) -> Any:
        message = self._own_message(call)
        if message.file is None:
            raise ApiRefused(400, "Bad Request: there is no caption in the message to edit")
        text, entities = _words(call, "caption", MAX_CAPTION, "message caption is too long")
        return self._edit(message, text, entities, _buttons(call))

    def edit_message_reply_markup(self, call: Call) -> Any:
        message = self._own_message(call)
        return self._edit(message, message.text, message.entities, _buttons(call))

    def answer_callback_query(self, call: Call) -> Any:
        press = self.world.presses.get(call.text("callback_query_id"))
        if press is None or press.is_expired:
            late = "query is too old and response timeout expired or query ID is invalid"
            raise ApiRefused(400, f"Bad Request: {late}")
        if units(call.text("text")) > MAX_ANSWER:
            raise ApiRefused(400, "Bad Request: MESSAGE_TOO_LONG")
        press.answers.append(call.text("text"))
        press.answered_at = press.answered_at or time.monotonic()
        press.is_alert = call.flag("show_alert")
        self.world.changed.notify_all()
        return True

    def get_file(self, call: Call) -> Any:
        file = self.world.files.get(call.text("file_id").removesuffix("-small"))
        if file is None:
            raise ApiRefused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(file.data) > MAX_DOWNLOAD_BYTES:
            raise ApiRefused(400, "Bad Request: file is too big")
        return file_json(file) | {"file_path": file.path}

    def set_my_commands(self, call: Call) -> Any:
        commands = call.json("commands") or []
        for each in commands:
            if not COMMAND.fullmatch(each["command"]):
                raise ApiRefused(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(each["description"]) <= 256:
                raise ApiRefused(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands[_menu(call)] = commands
        return True

    def get_my_commands(self, call: Call) -> Any:
        return self.commands.get(_menu(call), [])

    def delete_my_commands(self, call: Call) -> Any:
        self.commands.pop(_menu(call), None)
        return True

    def set_webhook(self, call: Call) -> Any:
        url, secret = call.text("url"), call.values.get("secret_token")
        if url and not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ApiRefused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if secret is not None and not SECRET.fullmatch(secret):
            raise ApiRefused(400, "Bad Request: secret token contains unallowed characters")
        self._choose_kinds(call)
        connections = call.number("max_connections", 40)
        self.world.updates.push_to(Webhook(url, secret, max_connections=connections) if url else None)
        if call.flag("drop_pending_updates"):
            self.world.updates.drop()
        return True

    def delete_webhook(self, call: Call) -> Any:
        self.world.updates.push_to(None)
        if call.flag("drop_pending_updates"):
            self.world.updates.drop()
        return True

    def get_webhook_info(self, _call: Call) -> Any:
        updates, webhook = self.world.updates, self.world.updates.webhook
        info: dict[str, Any] = {
            "url": webhook.url if webhook else "",
            "has_custom_certificate": False,
            "pending_update_count": updates.pending,
        }
        if webhook is not None:
            info["max_connections"] = webhook.max_connections
        if webhook is not None and webhook.last_error is not None:
            info |= {"last_error_date": webhook.last_error_at, "last_error_message": webhook.last_error}
        return info if updates.allowed is None else info | {"allowed_updates": sorted(updates.allowed)}

    def get_updates(self, call: Call) -> Any:
        if self.world.updates.webhook is not None:
            active = "can't use getUpdates method while webhook is active"
            raise ApiRefused(409, f"Conflict: {active}; use deleteWebhook to delete the webhook first")
        self._choose_kinds(call)
        limit = min(max(call.number("limit", 100), 1), 100)
        return self.world.updates.fetch(call.number("offset"), limit, call.number("timeout"))

    def _choose_kinds(self, call: Call) -> None:
        kinds = call.json("allowed_updates")
        if kinds is not None:
            self.world.updates.allowed = set(kinds) or None

    def _chat(self, call: Call) -> Chat:
        number = call.text("chat_id")
        chat = self.world.chats.get(int(number)) if number.lstrip("-").isdigit() else None
        if chat is None or not chat.is_known:
            raise ApiRefused(400, "Bad Request: chat not found")
        if chat.refusal is not None:
            raise ApiRefused(*chat.refusal)
        return chat

    def _own_message(self, call: Call) -> Shown:
        message = self._chat(call).message(call.number("message_id"))
        if message is None:
            raise ApiRefused(400, "Bad Request: message to edit not found")
        if message.sender is not self.world.bot:
            raise ApiRefused(400, "Bad Request: message can't be edited")
        return message

    def _send_file(self, call: Call, kind: str) -> Any:
        chat = self._chat(call)
        text, entities = _words(call, "caption", MAX_CAPTION, "message caption is too long")
        return self._send(call, chat, text, entities, self._file(call, kind))

    def _file(self, call: Call, kind: str) -> Upload:
        given = call.text(kind)
        known = self.world.files.get(given)
        if known is not None:
            return known
        part = call.files.get(given.removeprefix("attach://") or kind)
        if part is None:
            raise ApiRefused(400, f"Bad Request: there is no {kind} in the request")
        name, mime_type, data = part
        if not data:
            raise ApiRefused(400, "Bad Request: file must be non-empty")
        return self.world.keep(kind, data, name if kind == "document" else None, mime_type)

    def _send(
        self, call: Call, chat: Chat, text: str, entities: list[Entity], file: Upload | None
    ) -> dict[str, Any]:
        preview = call.json("link_preview_options") or {}
        message = self.world.show(
            chat,
            self.world.bot,
            text=text,
            entities=entities,
            buttons=_buttons(call),
            file=file,
            reply_to=_replied(call, chat),
            is_silent=call.flag("disable_notification"),
            has_preview=not preview.get("is_disabled", False),
        )
        return message_json(message)

    def _edit(self, message: Shown, text: str, entities: list[Entity], buttons: Grid) -> dict[str, Any]:
        if (message.text, message.entities, message.buttons) == (text, entities, buttons):
            same = "specified new message content and reply markup are exactly the same"
            current = "as a current content and reply markup of the message"
            raise ApiRefused(400, f"Bad Request: message is not modified: {same} {current}")
        if message.text != text:
            message.earlier.append(message.text)
        message.text, message.entities, message.buttons = text, entities, buttons
        message.edits += 1
        self.world.changed.notify_all()
        return message_json(message) | {"edit_date": int(time.time())}


METHODS: Mapping[str, Callable[[Methods, Call], Any]] = {
    "getMe": Methods.get_me,
    "getUpdates": Methods.get_updates,
    "setWebhook": Methods.set_webhook,
    "deleteWebhook": Methods.delete_webhook,
    "getWebhookInfo": Methods.get_webhook_info,
    "sendMessage": Methods.send_message,
    "sendPhoto": Methods.send_photo,
    "sendDocument": Methods.send_document,
    "editMessageText": Methods.edit_message_text,
    "editMessageCaption": Methods.edit_message_caption,
    "editMessageReplyMarkup": Methods.edit_message_reply_markup,
    "answerCallbackQuery": Methods.answer_callback_query,
    "getFile": Methods.get_file,
    "setMyCommands": Methods.set_my_commands,
    "getMyCommands": Methods.get_my_commands,
    "deleteMyCommands": Methods.delete_my_commands,
}


def _words(call: Call, name: str, most: int, too_long: str) -> tuple[str, list[Entity]]:
    text, entities = call.text(name).strip(), list(call.json("entities") or ())
    mode = call.text("parse_mode")
    if mode.upper() == "HTML":
        try:
            text, entities = parse_html(call.text(name))
        except CannotParse as error:
            raise ApiRefused(400, f"Bad Request: can't parse entities: {error}") from error
    elif mode:
        raise ApiRefused(400, "Bad Request: unsupported parse_mode")
    if units(text) > most:
        raise ApiRefused(400, f"Bad Request: {too_long}")
    return text, entities


def _buttons(call: Call) -> Grid:
    markup = call.json("reply_markup") or {}
    return tuple(tuple(_button(each) for each in row) for row in markup.get("inline_keyboard", ()) if row)


def _button(given: Mapping[str, Any]) -> Button:
    text, data, url = given.get("text", ""), given.get("callback_data"), given.get("url")
    if not text:
        raise ApiRefused(400, "Bad Request: can't parse inline keyboard button: text must be non-empty")
    if data is None and url is None:
        unallowed = "Text buttons are unallowed in the inline keyboard"
        raise ApiRefused(400, f"Bad Request: can't parse inline keyboard button: {unallowed}")
    if data is not None and not 1 <= len(data.encode()) <= MAX_CALLBACK_DATA_BYTES:
        raise ApiRefused(400, "Bad Request: BUTTON_DATA_INVALID")
    if url is not None and not is_link_allowed(url):
        raise ApiRefused(400, f"Bad Request: inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
    return Button(text, data, url)


def _replied(call: Call, chat: Chat) -> Shown | None:
    wanted = call.json("reply_parameters")
    if not wanted:
        return None
    found = chat.message(wanted["message_id"])
    if found is None and not wanted.get("allow_sending_without_reply"):
        raise ApiRefused(400, "Bad Request: message to be replied not found")
    return found


def _menu(call: Call) -> tuple[str, str]:
    scope = call.json("scope") or {"type": "default"}
    return str(scope["type"]), call.text("language_code")
