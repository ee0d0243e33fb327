"""Turns: whatever a bot says or changes waits for its turn, whichever process it speaks from.

A turn that was missed is used late, but only with a seat, of which there are few: a process that stood still
with turns in hand must not use them all at once when it goes on. None is used while Telegram wants a pause.
A chat belongs to who speaks in it until the answer is there, however long that takes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, Protocol, TypeVar, TypeVarTuple, Unpack

from substrack.bootstrap import DatabaseTrouble, Runtime, wall_clock
from substrack.domain.delivery import DeliveryFailed
from substrack.services.pacing import (
    Seat,
    Slot,
    leave_seat,
    pace_of_bot,
    pause_bot,
    renew_seat,
    reserve_send,
    use_slot,
)

log = logging.getLogger(__name__)
Said = TypeVar("Said")
Answer = TypeVar("Answer")
Given = TypeVarTuple("Given")

RENEW_SECONDS: Final = 10.0
"""Of the lease of a seat; few answers take as long."""


class InThread(Protocol):
    """How a step in the database is run beside the event loop."""

    async def __call__(self, step: Callable[[Unpack[Given]], Answer], *given: *Given) -> Answer:
        """Run it and return its answer."""
        ...


class Turns:
    """The turns of one bot; belongs to one event loop."""

    def __init__(self, runtime: Runtime, bot_id: int, *, in_thread: InThread) -> None:
        self._runtime, self._pace, self._in_thread = runtime, pace_of_bot(bot_id), in_thread

    async def speak(self, chat: str, say: Callable[[], Awaitable[Said]]) -> Said:
        """Say something into a chat when the bot may, and let the chat rest from then on.

        Raises:
            DeliveryFailed: what `say` raises; or Telegram asked the bot for a longer pause.
        """
        seat = await self._take(chat)
        saying = asyncio.ensure_future(say())
        try:
            while not await _ends(saying, RENEW_SECONDS):
                seat = await self._renew(seat)
        finally:
            saying.cancel()  # when we are cut off ourselves
        failure = saying.exception()
        await self._let_go(seat, failure.retry_after if isinstance(failure, DeliveryFailed) else None)
        return await saying

    async def _take(self, chat: str) -> Seat:
        """Wait for a turn and use it; one that is lost, or over before we got to it, is taken anew."""
        while True:
            slot = await self._in_thread(self._reserve, chat)
            again: Slot | Seat = slot
            while isinstance(again, Slot) and again.is_reserved:
                await _until(again)
                again = await self._in_thread(self._use, chat, slot)
            if isinstance(again, Slot):
                await _until(again)
            elif wall_clock() < again.held_until:
                return again

    async def _renew(self, seat: Seat) -> Seat:
        try:
            return await self._in_thread(self._hold, seat)
        except DatabaseTrouble:
            log.warning("a turn can't be renewed")
            return seat

    async def _let_go(self, seat: Seat, pause: timedelta | None) -> None:
        """End a turn; what was said stays said when that can't be written, and the lease ends the seat."""
        try:
            await self._in_thread(self._end, seat, pause)
        except DatabaseTrouble:
            log.warning("the end of a turn can't be written down")

    def _reserve(self, chat: str) -> Slot:
        with self._runtime.transaction() as session:
            return reserve_send(session, self._pace, chat, now=wall_clock())

    def _use(self, chat: str, slot: Slot) -> Slot | Seat:
        with self._runtime.transaction() as session:
            return use_slot(session, self._pace, chat, slot, now=wall_clock())

    def _hold(self, seat: Seat) -> Seat:
        with self._runtime.transaction() as session:
            return renew_seat(session, seat, now=wall_clock())

    def _end(self, seat: Seat, pause: timedelta | None) -> None:
        """Let chat and seat rest from now on, and the bot if it was asked to; locks as `_reserve` does."""
        with self._runtime.transaction() as session:
            now = wall_clock()
            if pause is not None:
                pause_bot(session, self._pace, pause, now=now)
            leave_seat(session, seat, now=now)


async def _ends(saying: asyncio.Future[Said], seconds: float) -> bool:
    """Wait so long for its end, and tell whether it came."""
    done, _saying = await asyncio.wait([saying], timeout=seconds)
    return bool(done)


async def _until(slot: Slot) -> None:
    await asyncio.sleep((slot.at - wall_clock()).total_seconds())
