"""Buttons of the bot's own screens that go by themselves, as those of the outbox's messages do.

Such a screen is in no table, so a task of this process takes its button away. When the process ends before,
the button stays; pressing it changes nothing, says that it is too late, and takes it away.
"""

from __future__ import annotations

import asyncio
import logging

from substrack.bot import Bot
from substrack.bot.reactions import Screen, View
from substrack.bot.sending import show_fresh
from substrack.bot.views import draw_view
from substrack.domain.actors import UNDO_SECONDS, Via
from substrack.domain.delivery import DeliveryFailed

log = logging.getLogger(__name__)

AFTER_SECONDS: float = UNDO_SECONDS[Via.TELEGRAM]


def fade(bot: Bot, chat_id: int, number: int, view: View) -> None:
    """Show a screen as `view` once what it offers to undo is final, unless it is pressed before."""
    keep_as_it_is(bot, chat_id, number)
    bot.fading[chat_id, number] = asyncio.create_task(_fade(bot, chat_id, number, view))


def keep_as_it_is(bot: Bot, chat_id: int, number: int) -> None:
    """Leave a screen to whoever acts on it now."""
    fading = bot.fading.pop((chat_id, number), None)
    if fading is not None:
        fading.cancel()


async def _fade(bot: Bot, chat_id: int, number: int, view: View) -> None:
    def draw() -> Screen:
        with bot.runtime.reading() as session:
            return draw_view(session, view, now=bot.runtime.now())

    await asyncio.sleep(AFTER_SECONDS)
    try:
        await show_fresh(bot, chat_id, number, draw)
    except DeliveryFailed as failure:
        log.info("the screen %s keeps its button: %s", number, failure.reason)
    except Exception:
        log.exception("the screen %s keeps its button", number)
    finally:
        if bot.fading.get((chat_id, number)) is asyncio.current_task():
            del bot.fading[chat_id, number]
