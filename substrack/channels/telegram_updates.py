"""What a bot asks Telegram for: updates, its own name, its webhook and its commands.

Uses a connection of its own, because a long poll occupies one for half a minute. Stores and interprets
nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from substrack.channels.telegram import prepare_library
from substrack.channels.telegram_account import TelegramAccount
from substrack.channels.telegram_errors import delivery_failure

if TYPE_CHECKING:
    from telegram import Bot
    from telegram.request import HTTPXRequest

T = TypeVar("T")

POLL_SECONDS: Final = 25
MARGIN_SECONDS: Final = 10.0
ALLOWED: Final = ("message", "edited_message", "callback_query", "my_chat_member")
BATCH: Final = 100
"""Most updates of one getUpdates (Bot API)."""


@dataclass(frozen=True)
class WebhookState:
    """What Telegram says about the webhook: `url` is empty while there is none."""

    url: str
    pending: int
    last_error: str | None
    last_error_at: datetime | None


class TelegramUpdates:
    """Asks as one bot; belongs to one event loop. Every failure is a `DeliveryFailed`."""

    def __init__(self, account: TelegramAccount, *, poll_seconds: int = POLL_SECONDS) -> None:
        self._account, self._poll_seconds = account, poll_seconds
        self._made: tuple[Bot, HTTPXRequest] | None = None

    async def fetch(self, offset: int | None) -> list[dict[str, Any]]:
        """Wait up to half a minute for updates and return them as Telegram wrote them.

        Asking with an offset tells Telegram that all before it were stored.
        """
        updates = await self._ask(
            lambda bot: bot.get_updates(
                offset=offset, limit=BATCH, timeout=self._poll_seconds, allowed_updates=list(ALLOWED)
            )
        )
        return [update.to_dict() for update in updates]

    async def username(self) -> str:
        """Ask for the bot's own name, without the @."""
        return (await self._ask(lambda bot: bot.get_me())).username or ""

    async def set_webhook(self, url: str, secret: str) -> None:
        """Have updates pushed to a URL, with a secret in their header."""
        await self._ask(lambda bot: bot.set_webhook(url, secret_token=secret, allowed_updates=list(ALLOWED)))

    async def delete_webhook(self) -> None:
        """Have updates kept until they are fetched."""
        await self._ask(lambda bot: bot.delete_webhook())

    async def webhook(self) -> WebhookState:
        """Ask how the webhook does."""
        info = await self._ask(lambda bot: bot.get_webhook_info())
        return WebhookState(
            info.url or "", info.pending_update_count, info.last_error_message, info.last_error_date
        )

    async def set_commands(self, commands: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """Register the bot's commands (name, what it does) by language; "" is for all others.

        Only private chats show them: in a group the bot has nothing to say.
        """
        for language, listed in commands.items():
            await self._ask(partial(_set_commands, list(listed), language))

    async def close(self) -> None:
        """Give back the connection."""
        if self._made is not None:
            _bot, request = self._made
            self._made = None
            await request.shutdown()
        await asyncio.sleep(0)

    async def _ask(self, request: Callable[[Bot], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(self._poll_seconds + MARGIN_SECONDS):
                return await request(self._bot())
        except Exception as error:
            failure = delivery_failure(error)
            if failure is None:
                raise
            raise failure from error

    def _bot(self) -> Bot:
        if self._made is None:
            self._made = _make_bot(self._account, self._poll_seconds + MARGIN_SECONDS)
        return self._made[0]


def _set_commands(listed: list[tuple[str, str]], language: str, bot: Bot) -> Awaitable[bool]:
    from telegram import BotCommandScopeAllPrivateChats

    everywhere_private = BotCommandScopeAllPrivateChats()
    return bot.set_my_commands(listed, scope=everywhere_private, language_code=language or None)


def _make_bot(account: TelegramAccount, seconds: float) -> tuple[Bot, HTTPXRequest]:
    prepare_library()
    from telegram import Bot

    from substrack.channels.telegram_answers import TelegramRequest

    request = TelegramRequest(connection_pool_size=2, connect_timeout=MARGIN_SECONDS, read_timeout=seconds)
    bot = Bot(
        account.token,
        account.base_url,
        account.base_file_url,
        request=request,
        get_updates_request=request,
    )
    return bot, request
