"""What the chores of one bot share while it runs: a way to the database, a bell, patience, and an end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Final, TypeVar, TypeVarTuple, Unpack

from substrack.bootstrap import DatabaseTrouble, Runtime

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
Given = TypeVarTuple("Given")

WAIT_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 1.0

IDLE_WITH_WEBHOOK_SECONDS: Final = 0.2
"""Pages store what comes in then, and ring no bell here; a press is to be answered within a second."""


class BotLife:
    """One run of one bot; belongs to one event loop."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._database = ThreadPoolExecutor(2, "bot")
        self._bell = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Tell whether everybody is to come to an end."""
        return self._ended.is_set()

    def end(self) -> None:
        """Let every chore come to an end."""
        self._ended.set()
        self._bell.set()

    async def until_end(self) -> None:
        """Wait for the end."""
        await self._ended.wait()

    async def pause(self, seconds: float) -> None:
        """Rest, but not beyond the end."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    def ring(self) -> None:
        """Say that there may be something to work on."""
        self._bell.set()

    def hush(self) -> None:
        """Forget rings so far; to be called before looking."""
        self._bell.clear()

    async def until_ring(self, at_most_seconds: float | None = None) -> None:
        """Wait for the bell, or a moment: another process rings no bell here."""
        idle = IDLE_WITH_WEBHOOK_SECONDS if self.runtime.settings.telegram_webhook else IDLE_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(self._bell.wait(), at_most_seconds or idle)

    async def keep_on(self, chore: Callable[[], Awaitable[None]]) -> None:
        """Begin a chore again when it breaks: a database that restarts must not leave the bot deaf."""
        while not self.is_over:
            try:
                await chore()
            except DatabaseTrouble:
                log.warning("the bot can't use the database and tries on")
            except Exception:
                log.exception("an error of SubsTrack in the bot; it tries on")
            else:
                return
            await self.pause(WAIT_SECONDS)

    async def call(self, step: Callable[[Unpack[Given]], Answer], *given: *Given) -> Answer:
        """Do something in the database, beside the loop."""
        within = copy_context()  # threads know no cause but who calls
        return await asyncio.get_running_loop().run_in_executor(self._database, within.run, step, *given)

    async def call_until_done(self, step: Callable[[], Answer]) -> Answer | None:
        """Do something in the database until it works; None when all ended before."""
        while not self.is_over:
            try:
                return await self.call(step)
            except DatabaseTrouble:
                await self.pause(WAIT_SECONDS)
        return None

    def close(self) -> None:
        """Give the threads back; what is under way in them is finished."""
        self._database.shutdown(wait=False)
