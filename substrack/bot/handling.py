"""One update, handled: the only entrance of the bot.

An update may come any number of times, late, and at several workers at once; each time it finds things as
they are. What fails on Telegram's side rises, and the update is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from substrack.bot import Bot
from substrack.bot.asking import people_in
from substrack.bot.pressing import press
from substrack.bot.proving import prove
from substrack.bot.updates import Blocked, Place, Pressed, Unblocked, Written, read_update
from substrack.bot.writing import read
from substrack.channels.telegram import prepare_library
from substrack.domain.chat_buttons import ButtonData, Do
from substrack.queries.chats import refused_chats
from substrack.services.chat_rows import lose_chat, welcome_back


async def handle(bot: Bot, body: Mapping[str, Any]) -> None:
    """Do what one update (Bot API, Update, as JSON) asks for.

    Raises:
        DeliveryFailed: Telegram could not be reached in the course of it; handle the update again later.
    """
    prepare_library()
    update = read_update(body)
    if isinstance(update, Pressed | Written | Unblocked):
        await asyncio.to_thread(_note_reachable, bot, update.place)
    match update:
        case Pressed() as pressed:
            data = ButtonData.decode(pressed.data)
            if data is not None and data.do is Do.PROVES and pressed.place.is_own_chat:
                await prove(bot, pressed, data)
            else:
                await press(bot, pressed)
        case Written() as written:
            await read(bot, written)
        case Blocked() as blocked:
            await asyncio.to_thread(_note_blocked, bot, blocked)
        case Unblocked() | None:
            return


def _note_blocked(bot: Bot, blocked: Blocked) -> None:
    """Reach people another way as soon as they block the bot, not only when a message fails."""
    with bot.runtime.transaction() as session:
        for person in people_in(session, bot, blocked.place):
            lose_chat(session, person.address_id, reason="the bot was blocked", now=bot.runtime.now())


def _note_reachable(bot: Bot, place: Place) -> None:
    """Write to a chat again that had turned us away: who writes or presses in it can read in it."""
    if not place.is_own_chat:
        return
    with bot.runtime.reading() as session:
        if not refused_chats(session, place.chat_id, bot.connection_id):
            return
    with bot.runtime.transaction() as session:
        welcome_back(session, place.chat_id, bot.connection_id, now=bot.runtime.now())
