"""What the bot itself sends: answers, changed messages and new ones, in the same pace as everything else."""

from __future__ import annotations

import asyncio
import logging

from substrack.bootstrap import wall_clock
from substrack.bot import Bot
from substrack.bot.reactions import Screen
from substrack.channels.chats import OutgoingChat
from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.domain.notices import Channel
from substrack.services.pacing import reserve_send

log = logging.getLogger(__name__)


async def say(bot: Bot, chat_id: int, screen: Screen, *, reply_to: int) -> None:
    """Send one new message, after its turn has come.

    Raises:
        DeliveryFailed.
    """
    chat = OutgoingChat(chat_id, screen.html, screen.keyboard, reply_to=reply_to if screen.is_reply else None)
    await _wait_for_turn(bot, chat_id)
    if screen.photo is not None:
        await bot.channel.send_photo(chat, screen.photo)
    elif screen.document is not None:
        await bot.channel.send_document(chat, screen.document, name="proof.pdf")
    else:
        await bot.channel.send(chat)


async def show(bot: Bot, chat_id: int, number: int, screen: Screen) -> None:
    """Change a message; one that is gone or can't be changed is left alone.

    Raises:
        DeliveryFailed: the bot or the chat can't be reached.
    """
    try:
        await bot.channel.edit(str(number), OutgoingChat(chat_id, screen.html, screen.keyboard))
    except DeliveryFailed as failure:
        if failure.scope is not Scope.MESSAGE:
            raise
        log.info("message %s stays as it is: %s", number, failure.reason)


async def show_keys(bot: Bot, chat_id: int, number: int, screen: Screen) -> None:
    """Change only the buttons of a message; one that is gone is left alone.

    Raises:
        DeliveryFailed: as for `show`.
    """
    try:
        await bot.channel.edit_keyboard(str(number), chat_id=chat_id, keyboard=screen.keyboard)
    except DeliveryFailed as failure:
        if failure.scope is not Scope.MESSAGE:
            raise
        log.info("buttons of message %s stay as they are: %s", number, failure.reason)


async def _wait_for_turn(bot: Bot, chat_id: int) -> None:
    while True:
        seconds, is_reserved = await asyncio.to_thread(_reserve, bot, chat_id)
        await asyncio.sleep(seconds)
        if is_reserved:
            return


def _reserve(bot: Bot, chat_id: int) -> tuple[float, bool]:
    now = wall_clock()
    with bot.runtime.transaction() as session:
        slot = reserve_send(session, f"{Channel.TELEGRAM.value}:{bot.connection_id}", str(chat_id), now=now)
    return max(0.0, (slot.at - now).total_seconds()), slot.is_reserved
