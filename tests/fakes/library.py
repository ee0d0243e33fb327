"""The real library at the stand-in: what tests of both let it do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.request import HTTPXRequest

from tests.fakes.bot_api import BotApi

Use = Callable[[Bot], Awaitable[Any]]
PICTURE = bytes(range(256)) * 4 + b"\r\n--not-the-boundary\r\n"
BUTTON = InlineKeyboardMarkup.from_button(InlineKeyboardButton("I’ve paid", callback_data="paid:1"))


def ask(api: BotApi, use: Use, *, token: str | None = None, read_timeout: float = 5) -> Any:
    """Let the real library's Bot ask something."""

    async def run() -> Any:
        request = HTTPXRequest(read_timeout=read_timeout)
        bot = Bot(
            token or api.token, api.base_url, api.base_file_url, request=request, get_updates_request=request
        )
        try:
            return await use(bot)
        finally:
            await request.shutdown()
            await asyncio.sleep(0)  # lets the loop close the sockets

    return asyncio.run(run())


def say(text: str, *, chat: int = 1001, **options: Any) -> Use:
    return lambda bot: bot.send_message(chat, text, parse_mode="HTML", **options)
