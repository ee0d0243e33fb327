"""One bot in a worker: get to know it, then hear, work and edit side by side until told to stop.

Telegram being down at the start or in the middle stops nothing else: each step waits and tries again by
itself.
"""

from __future__ import annotations

import asyncio
import logging

from substrack.bootstrap import Runtime
from substrack.bot import Bot
from substrack.bot.commands import COMMANDS
from substrack.channels.telegram import TelegramChannel
from substrack.channels.telegram_updates import TelegramUpdates
from substrack.domain.delivery import DeliveryFailed
from substrack.queries.accounts import registration_is_open
from substrack.services.connections import telegram_connection
from substrack.worker import telegram_life
from substrack.worker.telegram_asking import Asker
from substrack.worker.telegram_life import BotLife
from substrack.worker.telegram_receiving import BotEars
from substrack.worker.telegram_working import BotHands

log = logging.getLogger(__name__)


class BotRunner:
    """Runs one bot until told to stop; belongs to one event loop."""

    def __init__(self, runtime: Runtime, channel: TelegramChannel) -> None:
        self._runtime, self._channel = runtime, channel
        self._updates = TelegramUpdates(channel.account)
        self._life = BotLife(runtime)

    async def run(self) -> None:
        """Be the bot until `stop`; what is half done then is done again when its lease has run out."""
        try:
            connection_id = await self._find_connection()
            if connection_id is not None:
                await self._be_bot(connection_id)
        finally:
            await self._updates.close()
            self._life.close()

    def stop(self) -> None:
        """Let `run` return."""
        self._life.end()

    async def _be_bot(self, connection_id: int) -> None:
        asker = Asker(self._life, connection_id)
        bot = await self._introduce(asker)
        if bot is None:
            return
        hands, ears = BotHands(self._life, bot), BotEars(self._life, asker, self._updates)
        chores = (ears.hear, hands.work, hands.edit)
        tasks = [asyncio.create_task(self._life.keep_on(one)) for one in chores]
        try:
            await self._life.until_end()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await ears.leave()

    async def _find_connection(self) -> int | None:
        """Find the row that stands for the bot, as soon as somebody has founded a workspace."""
        while not self._life.is_over:
            connection_id = await self._life.call_until_done(self._read_connection)
            if connection_id is not None:
                return connection_id
            await self._life.pause(telegram_life.IDLE_SECONDS)
        return None

    async def _introduce(self, asker: Asker) -> Bot | None:
        """Learn the bot's name, tried until it works, and tell Telegram its commands; None at the end."""
        bots: list[Bot] = []

        async def introduce() -> None:
            name = await asker.ask_until_answered(self._updates.username)
            if name is not None:
                await asker.note({"username": name, "bot_id": self._channel.account.bot_id})
                await self._register_commands()
                bots.append(Bot(self._runtime, self._channel, name, asker.connection_id))

        await self._life.keep_on(introduce)
        return bots[0] if bots else None

    async def _register_commands(self) -> None:
        """Try once: without its menu the bot still hears and answers."""
        try:
            await self._updates.set_commands(COMMANDS)
        except DeliveryFailed as failure:
            log.warning("Telegram did not take the bot's commands: %s", failure.reason)

    def _read_connection(self) -> int | None:
        with self._runtime.reading() as session:
            if registration_is_open(session):
                return None
        with self._runtime.transaction() as session:
            return telegram_connection(session)
