"""Bring a message of the outbox up to date in its chat, as often as what it is about changes."""

from __future__ import annotations

import asyncio

from substrack.bot import Bot
from substrack.bot.sending import show
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
    found = await asyncio.to_thread(_load, bot, message_id)
    if found is not None:
        shown, chat_id, number, locale = found
        try:
            await show(bot, chat_id, number, draw_shown(shown, locale))
        except DeliveryFailed as failure:
            if failure.scope is not Scope.ADDRESS:
                raise
    await asyncio.to_thread(_finish, bot, message_id, found[0] if found else None)


def _load(bot: Bot, message_id: int) -> tuple[ShownMessage, int, int, str] | None:
    with bot.runtime.reading() as session:
        shown = load_shown(session, message_id, now=bot.runtime.now())
        place = address_of_shown(session, message_id)
        return (shown, *place) if shown is not None and place is not None else None


def _finish(bot: Bot, message_id: int, shown: ShownMessage | None) -> None:
    next_at = shown.card.changes_at if shown is not None and shown.card is not None else None
    with bot.runtime.transaction() as session:
        finish_edit(session, message_id, next_at=next_at, now=bot.runtime.now())
