"""The bot's ears: fetch or be pushed updates, store them once, and let the bot work on them.

Telegram being down at the start or in the middle stops nothing else: each step waits and tries again by
itself. Updates are stored before Telegram hears that they were taken, and any worker works on them.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

from sqlalchemy.exc import OperationalError

from substrack.bootstrap import Runtime, secret_keys
from substrack.bot import Bot
from substrack.bot.commands import COMMANDS
from substrack.bot.handling import handle
from substrack.bot.refreshing import refresh
from substrack.channels.telegram import TelegramChannel
from substrack.channels.telegram_updates import TelegramUpdates
from substrack.domain.delivery import DeliveryFailed
from substrack.queries.inbound import has_due_edits, has_waiting_updates
from substrack.services.connections import note_connection, telegram_connection
from substrack.services.inbound import (
    ClaimedUpdate,
    claim_updates,
    finish_update,
    remember_offset,
    retry_update,
    store_updates,
)
from substrack.services.shown import DueEdit, claim_edits

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
Given = TypeVarTuple("Given")

WAIT_SECONDS: Final = 5.0
MAX_WAIT_SECONDS: Final = 60.0
IDLE_SECONDS: Final = 1.0
WEBHOOK_CHECK_SECONDS: Final = 600.0
BATCH: Final = 8
WIDTH: Final = 32
"""Updates worked on at a time; one chat's answers, a second apart, must be out before `LEASE` ends."""

LEASE: Final = timedelta(seconds=60)


class BotRunner:
    """Runs one bot until told to stop; belongs to one event loop."""

    def __init__(self, runtime: Runtime, channel: TelegramChannel) -> None:
        self._runtime, self._channel, self._account = runtime, channel, channel.account
        self._updates = TelegramUpdates(self._account)
        self._database = ThreadPoolExecutor(2, "bot")
        self._new = asyncio.Event()
        self._stopped = asyncio.Event()
        self._bot: Bot | None = None
        self._is_silent = False

    async def run(self) -> None:
        """Get to know the bot, then receive and work until `stop`."""
        try:
            await self._keep_on(self._introduce)
            chores = (self._receive, self._work, self._edit)
            tasks = [asyncio.create_task(self._keep_on(one)) for one in chores]
            await self._stopped.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await self._updates.close()
            self._database.shutdown(wait=False)

    def stop(self) -> None:
        """Let `run` return; what is half done is done again by its lease."""
        self._stopped.set()
        self._new.set()

    async def _keep_on(self, chore: Callable[[], Awaitable[None]]) -> None:
        """Begin a chore again when it breaks: a database that restarts must not leave the bot deaf."""
        while not self._stopped.is_set():
            try:
                await chore()
            except OperationalError:
                log.warning("the bot can't use the database and tries on")
            except Exception:
                log.exception("an error of SubsTrack in the bot; it tries on")
            else:
                return
            await self._pause(WAIT_SECONDS)

    async def _introduce(self) -> None:
        """Learn the bot's name and tell Telegram its commands; tried until it works."""
        connection_id = await self._until_done(self._find_connection)
        while connection_id is None:
            await self._pause(WAIT_SECONDS)
            if self._stopped.is_set():
                return
            connection_id = await self._until_done(self._find_connection)
        self._bot = Bot(self._runtime, self._channel, None, connection_id)
        name = await self._until_answered(self._updates.username)
        if name is None:
            return
        self._bot = Bot(self._runtime, self._channel, name, connection_id)
        await self._call(self._note, {"username": name, "bot_id": self._account.bot_id})
        await self._until_answered(lambda: self._updates.set_commands(COMMANDS))

    async def _receive(self) -> None:
        if self._runtime.settings.telegram_webhook:
            await self._keep_webhook()
        else:
            await self._until_answered(self._updates.delete_webhook)
            await self._poll()

    async def _poll(self) -> None:
        offset = await self._call(self._offset)
        while not self._stopped.is_set():
            updates = await self._until_answered(partial(self._updates.fetch, offset))
            if updates:
                offset = max(update["update_id"] for update in updates) + 1
                await self._until_done(partial(self._store, updates, offset))
                self._new.set()

    async def _keep_webhook(self) -> None:
        """Register the webhook, and look from time to time whether it is still ours."""
        bot = self._bot
        url = self._runtime.signer.absolute(f"/telegram/{bot.connection_id if bot else 0}")
        secret = webhook_secret(self._runtime)
        await self._call(self._note, {"webhook_secret": secret})
        while not self._stopped.is_set():
            state = await self._until_answered(self._updates.webhook)
            if state is not None and state.url != url:
                await self._until_answered(lambda: self._updates.set_webhook(url, secret))
            elif state is not None:
                await self._call(self._note, {"pending": state.pending, "last_error": state.last_error})
            await self._pause(WEBHOOK_CHECK_SECONDS)

    async def _work(self) -> None:
        """Work on stored updates, whoever stored them; one that waits for its turn holds no other up."""
        busy: set[asyncio.Task[None]] = set()
        try:
            while not self._stopped.is_set():
                self._new.clear()
                try:
                    claimed = await self._call(self._claim)
                except OperationalError:
                    claimed = []
                busy |= {asyncio.create_task(self._handle(one)) for one in claimed}
                if not claimed:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._new.wait(), IDLE_SECONDS)
                while len(busy) > WIDTH - BATCH:
                    _done, busy = await asyncio.wait(busy, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in busy:
                task.cancel()
            await asyncio.gather(*busy, return_exceptions=True)

    async def _edit(self) -> None:
        """Bring what phones show up to date, when what it is about has changed."""
        while not self._stopped.is_set():
            due = await self._call(self._claim_edits)
            for one in due:
                await self._refresh(one)
            if not due:
                await self._pause(IDLE_SECONDS)

    async def _refresh(self, edit: DueEdit) -> None:
        if self._bot is None:
            return
        try:
            await refresh(self._bot, edit.message_id)
        except DeliveryFailed as failure:
            log.info("message %s is brought up to date later: %s", edit.message_id, failure.reason)
        except OperationalError:
            await self._pause(IDLE_SECONDS)
        except Exception:
            log.exception("message %s could not be brought up to date", edit.message_id)

    async def _handle(self, claimed: ClaimedUpdate) -> None:
        """Work on one update and mark it; where the database fails, the lease runs out."""
        try:
            step = await self._try(claimed)
            await self._call(step)
        except OperationalError as error:
            log.warning("update %s is worked on again later: %s", claimed.id, type(error).__name__)

    async def _try(self, claimed: ClaimedUpdate) -> Callable[[], None]:
        """Work on one update; return how it is to be marked."""
        assert self._bot is not None
        try:
            await handle(self._bot, claimed.body)
        except DeliveryFailed as failure:
            return partial(self._retry, claimed, failure.reason)
        except OperationalError:
            raise
        except Exception as error:
            log.exception("update %s could not be worked on", claimed.id)
            return partial(self._retry, claimed, type(error).__name__)
        return partial(self._finish, claimed)

    async def _until_answered(self, ask: Callable[[], Any]) -> Any:
        """Ask Telegram until it answers; None when stopped in between."""
        wait = WAIT_SECONDS
        while not self._stopped.is_set():
            try:
                answer = await ask()
            except DeliveryFailed as failure:
                await self._complain(failure)
                pause = failure.retry_after.total_seconds() if failure.retry_after else wait
                await self._pause(max(pause, wait))
                wait = min(2 * wait, MAX_WAIT_SECONDS)
            else:
                if self._is_silent:
                    self._is_silent = False
                    log.info("Telegram answers again")
                    await self._call(self._note, {"last_error": None})
                return answer
        return None

    async def _until_done(self, step: Callable[[], Answer]) -> Answer | None:
        """Do something in the database until it works; None when stopped in between."""
        while not self._stopped.is_set():
            try:
                return await self._call(step)
            except OperationalError:
                await self._pause(WAIT_SECONDS)
        return None

    async def _complain(self, failure: DeliveryFailed) -> None:
        if not self._is_silent:
            self._is_silent = True
            log.warning("the bot can't receive and tries on: %s", failure.reason)
            await self._call(self._note, {"last_error": failure.reason})

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

    def _find_connection(self) -> int | None:
        with self._runtime.transaction() as session:
            return telegram_connection(session)

    def _note(self, facts: dict[str, Any]) -> None:
        if self._bot is not None:
            with self._runtime.transaction() as session:
                note_connection(session, self._bot.connection_id, facts)

    def _offset(self) -> int | None:
        with self._runtime.transaction() as session:
            facts = note_connection(session, self._bot.connection_id, {}) if self._bot else {}
        offset = facts.get("offset")
        return offset if isinstance(offset, int) else None

    def _store(self, updates: list[dict[str, Any]], offset: int) -> None:
        if self._bot is None:
            return
        with self._runtime.transaction() as session:
            store_updates(session, self._bot.connection_id, updates, now=self._runtime.now())
            remember_offset(session, self._bot.connection_id, offset)

    def _claim(self) -> list[ClaimedUpdate]:
        with self._runtime.reading() as session:
            if not has_waiting_updates(session, now=self._runtime.now()):
                return []
        with self._runtime.transaction() as session:
            return claim_updates(session, limit=BATCH, lease=LEASE, now=self._runtime.now())

    def _claim_edits(self) -> list[DueEdit]:
        with self._runtime.reading() as session:
            if not has_due_edits(session, now=self._runtime.now()):
                return []
        with self._runtime.transaction() as session:
            return claim_edits(session, limit=BATCH, lease=LEASE, now=self._runtime.now())

    def _finish(self, claimed: ClaimedUpdate) -> None:
        with self._runtime.transaction() as session:
            finish_update(session, claimed, now=self._runtime.now())

    def _retry(self, claimed: ClaimedUpdate, reason: str) -> None:
        with self._runtime.transaction() as session:
            retry_update(session, claimed, reason=reason, now=self._runtime.now())

    async def _call(self, step: Callable[[Unpack[Given]], Answer], *given: *Given) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._database, step, *given)


def webhook_secret(runtime: Runtime) -> str:
    """Derive the secret that Telegram sends along from our key, so that all processes know the same."""
    key = secret_keys(runtime.settings)[0]
    return hashlib.sha256(f"substrack.telegram.webhook:{key}".encode()).hexdigest()
