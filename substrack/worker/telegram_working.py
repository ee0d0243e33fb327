"""The bot's hands: work on stored updates, whoever stored them, and edit what phones show.

What is claimed is leased; where the database or the process fails, the lease runs out and it is done again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

from substrack.bootstrap import DatabaseTrouble
from substrack.bot import Bot
from substrack.bot.handling import handle
from substrack.bot.refreshing import refresh
from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.queries.inbound import HEAD_START, has_due_edits, has_waiting_updates
from substrack.services.correlation import cause
from substrack.services.inbound import ClaimedUpdate, claim_updates, finish_update, retry_update
from substrack.services.shown import DueEdit, claim_edits
from substrack.worker import telegram_life
from substrack.worker.telegram_life import BotLife

log = logging.getLogger(__name__)

BATCH: Final = 8
WIDTH: Final = 32
"""Updates worked on at a time, a few of each chat: one that waits for its turn to speak holds none up."""

LEASE: Final = timedelta(seconds=60)


class BotHands:
    """Works for one bot; belongs to one event loop."""

    def __init__(self, life: BotLife, bot: Bot) -> None:
        self._life, self._bot, self._runtime = life, bot, life.runtime

    async def work(self) -> None:
        """Work on updates until the end; then leave the rest to their leases."""
        busy: set[asyncio.Task[None]] = set()
        try:
            while not self._life.is_over:
                self._life.hush()
                claimed = await self._claim_unless_full(len(busy))
                for one in claimed:
                    task = asyncio.create_task(self._handle(one))
                    busy.add(task)
                    task.add_done_callback(busy.discard)
                if not claimed:
                    await self._life.until_ring(HEAD_START.total_seconds() if busy else None)
        finally:
            await _end(busy)

    async def edit(self) -> None:
        """Bring what phones show up to date until the end, when what it is about has changed.

        Each edit waits for its turn in its chat, side by side with those of other chats.
        """
        busy: set[asyncio.Task[None]] = set()
        try:
            while not self._life.is_over:
                places = min(BATCH, WIDTH - len(busy))
                due = await self._life.call(self._claim_edits, places) if places else []
                for one in due:
                    task = asyncio.create_task(self._refresh(one))
                    busy.add(task)
                    task.add_done_callback(busy.discard)
                if not due:
                    await self._life.pause(telegram_life.IDLE_SECONDS)
        finally:
            await _end(busy)

    async def _claim_unless_full(self, busy: int) -> list[ClaimedUpdate]:
        if busy >= WIDTH:
            return []
        try:
            return await self._life.call(self._claim, min(BATCH, WIDTH - busy))
        except DatabaseTrouble:
            return []

    async def _handle(self, claimed: ClaimedUpdate) -> None:
        """Work on one update and mark it, as one cause; the chat's next one may follow."""
        with cause():
            try:
                step = await self._try(claimed)
                await self._life.call(step)
            except DatabaseTrouble as error:
                log.warning("update %s is worked on again later: %s", claimed.id, type(error).__name__)
            except Exception:
                log.exception("update %s could not be marked", claimed.id)
        self._life.ring()

    async def _try(self, claimed: ClaimedUpdate) -> Callable[[], None]:
        """Work on one update; return how it is to be marked."""
        try:
            await handle(self._bot, claimed.body)
        except DeliveryFailed as failure:
            return partial(self._retry, claimed, failure)
        except DatabaseTrouble:
            raise
        except Exception as error:
            log.exception("update %s could not be worked on", claimed.id)
            bug = DeliveryFailed(f"an error of SubsTrack: {type(error).__name__}", scope=Scope.MESSAGE)
            return partial(self._retry, claimed, bug)
        return partial(self._finish, claimed)

    async def _refresh(self, edit: DueEdit) -> None:
        try:
            await refresh(self._bot, edit.message_id)
        except DeliveryFailed as failure:
            log.info("message %s is brought up to date later: %s", edit.message_id, failure.reason)
        except DatabaseTrouble:
            await self._life.pause(telegram_life.IDLE_SECONDS)
        except Exception:
            log.exception("message %s could not be brought up to date", edit.message_id)

    def _claim(self, places: int) -> list[ClaimedUpdate]:
        with self._runtime.reading() as session:
            if not has_waiting_updates(session, lease=LEASE, now=self._runtime.now()):
                return []
        with self._runtime.transaction() as session:
            return claim_updates(session, limit=places, lease=LEASE, now=self._runtime.now())

    def _claim_edits(self, places: int) -> list[DueEdit]:
        with self._runtime.reading() as session:
            if not has_due_edits(session, now=self._runtime.now()):
                return []
        with self._runtime.transaction() as session:
            return claim_edits(session, limit=places, lease=LEASE, now=self._runtime.now())

    def _finish(self, claimed: ClaimedUpdate) -> None:
        with self._runtime.transaction() as session:
            finish_update(session, claimed, now=self._runtime.now())
        log.info("update %s was worked on", claimed.id)

    def _retry(self, claimed: ClaimedUpdate, failure: DeliveryFailed) -> None:
        with self._runtime.transaction() as session:
            retry_update(session, claimed, failure, now=self._runtime.now())


async def _end(busy: set[asyncio.Task[None]]) -> None:
    """Cut off what is under way; it is done again when its lease runs out."""
    left = list(busy)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
