"""Messages by Telegram's Bot API, over a few connections that are used again.

One message goes to one chat; whatever goes wrong with the API is a `DeliveryFailed`. Nothing here retries,
paces or receives: lanes do the first two, the bot the third. The library is imported at the first message,
since it is large and most processes never need it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from substrack.channels.chats import Keyboard, OutgoingChat
from substrack.channels.telegram_account import TelegramAccount
from substrack.channels.telegram_errors import delivery_failure, is_already_so
from substrack.domain.delivery import DeliveryFailed

if TYPE_CHECKING:
    from telegram import Bot, InlineKeyboardMarkup, Message
    from telegram.request import HTTPXRequest

T = TypeVar("T")

TIMEOUT_SECONDS = 20.0
UPLOAD_TIMEOUT_SECONDS = 60.0
MAX_ANSWER = 200
"""Characters shown after a press (Bot API, answerCallbackQuery)."""

TALKATIVE_LOGGERS = ("httpx", "httpcore", "telegram")


class TelegramChannel:
    """Writes as one bot over at most `connections` connections; belongs to one event loop.

    `timeout_seconds` bounds each request as a whole; uploads have a minute at least.
    """

    def __init__(
        self, account: TelegramAccount, *, connections: int = 8, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._account = account
        self._connections = connections
        self._timeout = timeout_seconds
        self._slots = asyncio.Semaphore(connections)
        self._made: tuple[Bot, HTTPXRequest] | None = None

    @property
    def account(self) -> TelegramAccount:
        """The bot this channel writes as."""
        return self._account

    @property
    def connections(self) -> int:
        """How many requests it makes side by side."""
        return self._connections

    async def send(self, chat: OutgoingChat) -> str:
        """Send one message and return its number in that chat; empty when Telegram took it and named none.

        Raises:
            DeliveryFailed: scope LANE for pauses, a refused token, 5xx, timeouts and the network; ADDRESS for
                a chat that is blocked, gone or unknown; MESSAGE for what Telegram has against these words.
            ChatMoved: the group has another number now.
        """
        return await self._send(
            lambda bot: bot.send_message(
                chat.chat_id, chat.html, disable_web_page_preview=True, **_options(chat)
            )
        )

    async def send_photo(self, chat: OutgoingChat, photo: bytes) -> str:
        """Send a picture with `chat.html` as its caption and return the message's number.

        Raises:
            DeliveryFailed: as for `send`; a caption has at most 1,024 characters.
        """
        return await self._send(
            lambda bot: bot.send_photo(chat.chat_id, photo, caption=chat.html, **_options(chat)),
            timeout_seconds=max(self._timeout, UPLOAD_TIMEOUT_SECONDS),
        )

    async def send_document(self, chat: OutgoingChat, document: bytes, *, name: str) -> str:
        """Send a file under `name` with `chat.html` as its caption and return the message's number.

        Raises:
            DeliveryFailed: as for `send_photo`.
        """
        return await self._send(
            lambda bot: bot.send_document(
                chat.chat_id, document, filename=name, caption=chat.html, **_options(chat)
            ),
            timeout_seconds=max(self._timeout, UPLOAD_TIMEOUT_SECONDS),
        )

    async def edit(self, message_id: str, chat: OutgoingChat) -> None:
        """Replace the words and buttons of a message; the same again is success.

        Raises:
            DeliveryFailed: as for `send`; scope MESSAGE when the message is gone.
        """
        await self._change(
            lambda bot: bot.edit_message_text(
                chat.html,
                chat.chat_id,
                int(message_id),
                parse_mode="HTML",
                disable_web_page_preview=True,
                reply_markup=_markup(chat.keyboard),
            )
        )

    async def edit_caption(self, message_id: str, chat: OutgoingChat) -> None:
        """Replace the caption and buttons of a picture or file; the same again is success.

        Raises:
            DeliveryFailed: as for `edit`.
        """
        await self._change(
            lambda bot: bot.edit_message_caption(
                chat.chat_id,
                int(message_id),
                caption=chat.html,
                parse_mode="HTML",
                reply_markup=_markup(chat.keyboard),
            )
        )

    async def edit_keyboard(self, message_id: str, *, chat_id: int, keyboard: Keyboard = ()) -> None:
        """Replace the buttons of a message, or take them away; the same again is success.

        Raises:
            DeliveryFailed: as for `edit`.
        """
        markup = _markup(keyboard)
        await self._change(
            lambda bot: bot.edit_message_reply_markup(chat_id, int(message_id), reply_markup=markup)
        )

    async def answer(self, callback_query_id: str, text: str = "", *, is_alert: bool = False) -> None:
        """Stop a button from spinning and show a short text; a press too old for that is success.

        Raises:
            DeliveryFailed: as for `send`.
        """
        shown = text[:MAX_ANSWER]
        await self._change(
            lambda bot: bot.answer_callback_query(callback_query_id, shown, show_alert=is_alert)
        )

    async def fetch_file(self, file_id: str, *, most_bytes: int) -> bytes | None:
        """Download what somebody sent; None, without downloading, when it is larger than `most_bytes`.

        Raises:
            DeliveryFailed: as for `send`; a bot is handed files of up to 20 MB (Bot API, getFile).
        """

        async def fetch(bot: Bot) -> bytes | None:
            file = await bot.get_file(file_id)
            if file.file_size is not None and file.file_size > most_bytes:
                return None
            return bytes(await file.download_as_bytearray())

        return await self._ask(fetch, max(self._timeout, UPLOAD_TIMEOUT_SECONDS))

    async def close(self) -> None:
        """Give back every connection; the channel may be used again."""
        if self._made is not None:
            _bot, request = self._made
            self._made = None
            await request.shutdown()
        await asyncio.sleep(0)  # lets the loop close the sockets

    async def _send(
        self, request: Callable[[Bot], Awaitable[Message]], *, timeout_seconds: float | None = None
    ) -> str:
        sent = await self._ask(request, timeout_seconds or self._timeout)
        return str(getattr(sent, "message_id", ""))

    async def _change(self, request: Callable[[Bot], Awaitable[object]]) -> None:
        try:
            await self._ask(request, self._timeout)
        except DeliveryFailed as failure:
            if not is_already_so(failure.__cause__):
                raise

    async def _ask(self, request: Callable[[Bot], Awaitable[T]], timeout_seconds: float) -> T:
        """Ask once, within a time for the whole: the library's own timeouts begin anew with each byte."""
        async with self._slots:
            try:
                async with asyncio.timeout(timeout_seconds):
                    return await request(self._bot())
            except Exception as error:
                failure = delivery_failure(error)
                if failure is None:
                    raise
                raise failure from error

    def _bot(self) -> Bot:
        if self._made is None:
            self._made = _make_bot(self._account, connections=self._connections, seconds=self._timeout)
        return self._made[0]


def prepare_library() -> None:
    """Make the library fit to run here; call it before anything else of it is used, as often as you like.

    It answers waits as timedelta (its own switch, which also ends a deprecation warning at each 429), and the
    loggers that would write URLs, and so the token, into every log are held to warnings.
    """
    os.environ.setdefault("PTB_TIMEDELTA", "true")
    for name in TALKATIVE_LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))


def _make_bot(account: TelegramAccount, *, connections: int, seconds: float) -> tuple[Bot, HTTPXRequest]:
    """Make a bot that asks nothing by itself: `Bot.initialize` would fail while Telegram is down."""
    prepare_library()
    from telegram import Bot

    from substrack.channels.telegram_answers import TelegramRequest

    request = TelegramRequest(
        connection_pool_size=connections,
        connect_timeout=seconds,
        read_timeout=seconds,
        write_timeout=seconds,
        pool_timeout=seconds,
        media_write_timeout=max(seconds, UPLOAD_TIMEOUT_SECONDS),
    )
    bot = Bot(
        account.token,
        account.base_url,
        account.base_file_url,
        request=request,
        get_updates_request=request,  # never used here; its own would be one more TLS context
    )
    return bot, request


def _options(chat: OutgoingChat) -> dict[str, Any]:
    from telegram import ReplyParameters

    replied = None
    if chat.reply_to is not None:
        replied = ReplyParameters(chat.reply_to, allow_sending_without_reply=True)
    return {
        "parse_mode": "HTML",
        "disable_notification": chat.is_silent,
        "reply_parameters": replied,
        "reply_markup": _markup(chat.keyboard),
    }


def _markup(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    if not keyboard:
        return None
    rows = [
        [InlineKeyboardButton(each.text, url=each.url, callback_data=each.data) for each in row]
        for row in keyboard
    ]
    return InlineKeyboardMarkup(rows)
