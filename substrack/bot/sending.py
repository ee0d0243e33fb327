"""What the bot itself sends: answers, changed messages and new ones, in the same pace as everything else.

An edit waits for its turn like a message, since Telegram counts both.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import TypeVar, TypeVarTuple, Unpack

from substrack.bot import Bot
from substrack.bot.reactions import Screen
from substrack.bot.turns import Turns
from substrack.channels.chats import OutgoingChat
from substrack.domain.delivery import DeliveryFailed, Scope

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
Given = TypeVarTuple("Given")


async def say(bot: Bot, chat_id: int, screen: Screen, *, reply_to: int) -> None:
    """Send one new message, after its turn has come; a file that is refused leaves its words.

    What Telegram refuses about the message itself is noted and left: it would be refused again.

    Raises:
        DeliveryFailed: the bot or the chat can't be reached.
    """
    chat = OutgoingChat(chat_id, screen.html, screen.keyboard, reply_to=reply_to if screen.is_reply else None)

    async def send() -> None:
        if screen.photo is not None:
            await bot.channel.send_photo(chat, screen.photo)
        elif screen.document is not None:
            await bot.channel.send_document(chat, screen.document, name="proof.pdf")
        else:
            await bot.channel.send(chat)

    try:
        await _in_turn(bot, chat_id, send)
    except DeliveryFailed as failure:
        if failure.scope is not Scope.MESSAGE:
            raise
        log.warning("an answer was refused: %s", failure.reason)
        if screen.photo is not None or screen.document is not None:
            await say(bot, chat_id, replace(screen, photo=None, document=None), reply_to=reply_to)


async def say_all(bot: Bot, chat_id: int, screens: Iterable[Screen], *, reply_to: int) -> None:
    """Send new messages one after another.

    Once one is out the rest is not tried again when it fails: the one that is out would come twice.

    Raises:
        DeliveryFailed: not even the first could be sent.
    """
    for place, screen in enumerate(screens):
        try:
            await say(bot, chat_id, screen, reply_to=reply_to)
        except DeliveryFailed as failure:
            if not place:
                raise
            log.warning("the rest of an answer is left out: %s", failure.reason)
            return


async def show(bot: Bot, chat_id: int, number: int, screen: Screen) -> None:
    """Change a message, after its turn has come; one that is gone or can't be changed is left alone.

    Raises:
        DeliveryFailed: the bot or the chat can't be reached.
    """
    chat = OutgoingChat(chat_id, screen.html, screen.keyboard)
    await _change(bot, chat_id, number, lambda: bot.channel.edit(str(number), chat))


async def show_fresh(bot: Bot, chat_id: int, number: int, draw: Callable[[], Screen | None]) -> None:
    """Change a message to what is so when its turn comes: what was drawn before may be over by then.

    `draw` runs in a thread; None leaves the message as it is. An edit long on its way may arrive after
    a later one: what is so by then is looked at once more, and shown when it differs.

    Raises:
        DeliveryFailed: as for `show`.
    """
    shown: list[Screen] = []

    async def edit() -> None:
        screen = await asyncio.to_thread(draw)
        if screen is not None:
            shown.append(screen)
            await bot.channel.edit(str(number), OutgoingChat(chat_id, screen.html, screen.keyboard))

    await _change(bot, chat_id, number, edit)
    if shown and await asyncio.to_thread(draw) != shown[0]:
        await _change(bot, chat_id, number, edit)


async def show_keys(bot: Bot, chat_id: int, number: int, screen: Screen) -> None:
    """Change only the buttons of a message, after its turn has come; one that is gone is left alone.

    Raises:
        DeliveryFailed: as for `show`.
    """
    keys = screen.keyboard
    await _change(
        bot, chat_id, number, lambda: bot.channel.edit_keyboard(str(number), chat_id=chat_id, keyboard=keys)
    )


async def _change(bot: Bot, chat_id: int, number: int, edit: Callable[[], Awaitable[None]]) -> None:
    try:
        await _in_turn(bot, chat_id, edit)
    except DeliveryFailed as failure:
        if failure.scope is not Scope.MESSAGE:
            raise
        log.info("message %s stays as it is: %s", number, failure.reason)


async def _in_turn(bot: Bot, chat_id: int, speak: Callable[[], Awaitable[None]]) -> None:
    turns = Turns(bot.runtime, bot.channel.account.bot_id, in_thread=_in_any_thread)
    await turns.speak(str(chat_id), speak)


async def _in_any_thread(step: Callable[[Unpack[Given]], Answer], *given: *Given) -> Answer:
    return await asyncio.to_thread(step, *given)
