"""The worker of a process: ticks every minute, empties the outbox every few seconds, backs up once a day.

APScheduler only rings; it keeps no jobs and runs none of ours. All that is to be done stands in the tables,
so any number of workers may share one PostgreSQL, and each may die at any moment.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, timedelta
from functools import partial
from typing import Any

from substrack.bootstrap import DatabaseTrouble, Runtime
from substrack.services.correlation import cause
from substrack.services.installation import beat
from substrack.worker.backing_up import back_up_daily
from substrack.worker.clock_watch import ClockWatch
from substrack.worker.heartbeat import Heartbeat
from substrack.worker.outbox import Outbox
from substrack.worker.senders import chat_sender, mail_sender
from substrack.worker.telegram import BotRunner
from substrack.worker.ticking import tick

log = logging.getLogger(__name__)

TICK_SECONDS = 60
DELIVER_SECONDS = 2
DRAIN_SECONDS = 20.0
BACKUP = "backup"

Chore = Callable[[], Awaitable[None]]


class Worker:
    """One worker; `run` blocks until `stop`, which may come from another thread or a signal handler.

    Raises:
        WrongSmtpUrl: the settings name no mail server that can be used.
        WrongTelegramToken, WrongTelegramUrl: the settings name no bot.
    """

    def __init__(
        self, runtime: Runtime, *, watch: ClockWatch | None = None, drain_seconds: float = DRAIN_SECONDS
    ) -> None:
        self._runtime, self._watch = runtime, watch or ClockWatch(runtime)
        self._drain_seconds = drain_seconds
        self._sender, self._chats = mail_sender(runtime), chat_sender(runtime)
        self._bot = BotRunner(runtime, self._chats) if self._chats is not None else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_stopping = False
        self._stop, self._tick_bell, self._deliver_bell = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._backup_bell, self._heart_bell = asyncio.Event(), asyncio.Event()
        self._failing: set[str] = set()
        self._heartbeat = self._make_heartbeat()
        self._longest_tick: timedelta | None = None

    def run(self) -> bool:
        """Work until `stop`; False when what was under way then did not end within `drain_seconds`.

        A message cut off like that is sent again when its lease has run out.
        """
        return asyncio.run(self._work())

    def stop(self) -> None:
        """Claim nothing more, finish what is under way, and let `run` return."""
        self._is_stopping = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._ring_to_stop)

    def _ring_to_stop(self) -> None:
        for bell in (self._stop, self._tick_bell, self._deliver_bell, self._backup_bell, self._heart_bell):
            bell.set()
        if self._bot is not None:
            self._bot.stop()

    async def _work(self) -> bool:
        self._loop = asyncio.get_running_loop()
        if self._is_stopping:
            return True
        # Threads of their own: a long tick must not keep a sent message waiting for its mark, nor a long
        # backup a tick.
        ticking, database = ThreadPoolExecutor(1, "tick"), ThreadPoolExecutor(1, "outbox")
        backing_up = ThreadPoolExecutor(1, "backup")
        outbox = Outbox(self._runtime, self._sender, database, clock=self._runtime.now, chats=self._chats)
        scheduler = _ringing(self._tick_bell, self._deliver_bell)
        try:
            return await self._run_until_stopped(
                self._repeat("tick", TICK_SECONDS, self._tick_bell, lambda: self._tick(ticking)),
                self._repeat("delivery", DELIVER_SECONDS, self._deliver_bell, lambda: self._deliver(outbox)),
                self._repeat(BACKUP, TICK_SECONDS, self._backup_bell, lambda: self._back_up(backing_up)),
                *([self._bot.run()] if self._bot is not None else []),
                *self._heartbeats(),
            )
        finally:
            scheduler.shutdown(wait=False)
            await self._sender.close()
            if self._chats is not None:
                await self._chats.close()
            ticking.shutdown(wait=False)
            database.shutdown(wait=False)
            backing_up.shutdown(wait=False)

    async def _run_until_stopped(self, *chores: Coroutine[Any, Any, None]) -> bool:
        tasks = [asyncio.create_task(chore) for chore in chores]
        await self._stop.wait()
        _ended, unfinished = await asyncio.wait(tasks, timeout=self._drain_seconds)
        for task in unfinished:
            task.cancel()
        if unfinished:
            log.warning("stopped before everything was finished; the rest is repeated later")
            await asyncio.wait(unfinished, timeout=1)
        return not unfinished

    async def _repeat(self, name: str, seconds: int, bell: asyncio.Event, chore: Chore) -> None:
        """Do a chore at once and whenever the bell rings.

        Waiting has an end of its own, since a clock that was set back silences the scheduler.
        """
        while not self._is_stopping:
            bell.clear()
            await self._try(name, chore)
            with suppress(TimeoutError):
                await asyncio.wait_for(bell.wait(), timeout=2 * seconds)

    async def _try(self, name: str, chore: Chore) -> None:
        """Survive what a chore raises; say so once until it works again."""
        try:
            await chore()
        except DatabaseTrouble as error:
            self._complain(name, "the database can't be used: %s", str(error.orig).splitlines()[:1])
        except Exception:
            self._complain(name, "an error of SubsTrack", exc_info=True)
        else:
            if name in self._failing:
                self._failing.discard(name)
                log.info("%s works again", name)

    def _complain(self, name: str, text: str, *facts: object, exc_info: bool = False) -> None:
        if name not in self._failing:
            self._failing.add(name)
            log.error(f"%s failed and is tried again: {text}", name, *facts, exc_info=exc_info)

    async def _tick(self, thread: ThreadPoolExecutor) -> None:
        await asyncio.get_running_loop().run_in_executor(thread, self._tick_as_cause)
        self._deliver_bell.set()
        if self._heartbeat is not None:
            self._heartbeat.note_tick()
            self._heart_bell.set()

    def _tick_as_cause(self) -> None:
        """Tick, with an id for all that it leads to, and remember how long that took."""
        began = time.monotonic()
        with cause():
            self._tick_once()
        took = timedelta(seconds=time.monotonic() - began)
        self._longest_tick = max(took, self._longest_tick or took)

    def _tick_once(self) -> None:
        now = self._watch.believed_now()
        with self._runtime.transaction() as session:
            has_written = beat(session, now=now or self._runtime.now(), longest_tick=self._longest_tick)
        if has_written:
            self._longest_tick = None
        if now is None:
            return
        report = tick(self._runtime, now=now, stop=lambda: self._is_stopping)
        if any((report.periods_opened, report.payments_lapsed, report.messages_queued, report.rows_purged)):
            log.info("tick: %s", report)

    async def _back_up(self, thread: ThreadPoolExecutor) -> None:
        if await asyncio.to_thread(self._watch.may_act):
            back_up = partial(back_up_daily, self._runtime, stop=lambda: self._is_stopping)
            await asyncio.get_running_loop().run_in_executor(thread, back_up)

    def _make_heartbeat(self) -> Heartbeat | None:
        """Make the dead man's switch, if there is one; a clock that stands still is a trial."""
        settings = self._runtime.settings
        if settings.heartbeat_url is None or settings.now is not None:
            return None
        url = settings.heartbeat_url.get_secret_value()
        return Heartbeat(self._runtime, url, trouble=self._trouble)

    def _trouble(self) -> str | None:
        """Name what fails; not the backup, which is told on home and by `/readyz` and is no outage."""
        failing = self._failing - {BACKUP}
        return f"the {min(failing)} fails" if failing else None

    def _heartbeats(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Call beside all else, when a tick has ended: a slow answer keeps nobody waiting."""
        if self._heartbeat is not None:
            beat_on = partial(self._beat_until_stopped, self._heartbeat)
            yield self._repeat("heartbeat", TICK_SECONDS, self._heart_bell, beat_on)

    async def _beat_until_stopped(self, heartbeat: Heartbeat) -> None:
        beating, stopping = asyncio.ensure_future(heartbeat.beat()), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait((beating, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not beating.cancel():
            beating.result()

    async def _deliver(self, outbox: Outbox) -> None:
        if await asyncio.to_thread(self._watch.may_act):
            await outbox.deliver(stop=lambda: self._is_stopping or self._watch.has_jumped())


def _ringing(tick_bell: asyncio.Event, deliver_bell: asyncio.Event) -> Any:
    """Start a scheduler that rings on every full minute and every few seconds; late rings become one."""
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    async def ring(bell: asyncio.Event) -> None:
        bell.set()

    always = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
    scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=always)
    scheduler.add_job(ring, "cron", [tick_bell], second=0)
    scheduler.add_job(ring, "interval", [deliver_bell], seconds=DELIVER_SECONDS)
    scheduler.start()
    return scheduler
