"""Bring a message of the outbox up to date in its chat, as often as what it is about changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from substrack.bot import Bot
from substrack.bot.reactions import Screen
from substrack.bot.sending import show_fresh
from substrack.bot.views import draw_shown
from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.queries.chat_subjects import ShownMessage, address_of_shown, load_shown
from substrack.services.shown import finish_edit


async def refresh(bot: Bot, message_id: int) -> None:
    """Edit a message to what is so now, and note when it will look different by itself.

    A chat that turned us away is left as it is: nobody reads it.

    Raises:
        DeliveryFailed: Telegram can't be reached; the message is still to be edited.
    """
    drawn: list[ShownMessage] = []
    place = await asyncio.to_thread(_find, bot, message_id)
    if place is not None:
        chat_id, number, locale = place
        try:
            await show_fresh(bot, chat_id, number, partial(_draw, bot, message_id, locale, drawn))
        except DeliveryFailed as failure:
            if failure.scope is not Scope.ADDRESS:
                raise
    await asyncio.to_thread(_finish, bot, message_id, drawn)


def _find(bot: Bot, message_id: int) -> tuple[int, int, str] | None:
    with bot.runtime.reading() as session:
        return address_of_shown(session, message_id)


def _draw(bot: Bot, message_id: int, locale: str, drawn: list[ShownMessage]) -> Screen | None:
    with bot.runtime.reading() as session:
        shown = load_shown(session, message_id, now=bot.runtime.now())
    if shown is None:
        return None
    drawn.append(shown)
    return draw_shown(shown, locale, bot.runtime.signer)


def _finish(bot: Bot, message_id: int, drawn: Sequence[ShownMessage]) -> None:
    next_at = drawn[-1].card.changes_at if drawn and drawn[-1].card is not None else None
    with bot.runtime.transaction() as session:
        finish_edit(session, message_id, next_at=next_at, now=bot.runtime.now())
