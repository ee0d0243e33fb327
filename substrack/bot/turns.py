"""Turns: whatever a bot says or changes waits for its turn, whichever process it speaks from.

A turn that was missed is taken anew: a process that stood still with turns in hand must not use them all at
once when it goes on. Nor is one used after Telegram has asked the bot for a pause.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol, TypeVar, TypeVarTuple, Unpack

from substrack.bootstrap import Runtime, wall_clock
from substrack.domain.delivery import DeliveryFailed
from substrack.services.pacing import (
    SLACK,
    Slot,
    is_usable,
    pace_of_bot,
    pause_bot,
    reserve_send,
    rest_chat,
)

Said = TypeVar("Said")
Answer = TypeVar("Answer")
Given = TypeVarTuple("Given")


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
        await self._take(chat)
        try:
            said = await say()
        except DeliveryFailed as failure:
            if failure.retry_after is not None:
                await self._in_thread(self._pause, failure.retry_after)
            raise
        await self._in_thread(self._rest, chat)
        return said

    async def _take(self, chat: str) -> None:
        """Wait for a turn and be in time for it; each further one may be later, or a slow machine is mute."""
        slack = SLACK
        while True:
            slot = await self._in_thread(self._reserve, chat)
            await asyncio.sleep((slot.at - wall_clock()).total_seconds())
            if slot.is_reserved:
                if await self._in_thread(self._is_usable, slot, slack):
                    return
                slack += SLACK

    def _reserve(self, chat: str) -> Slot:
        with self._runtime.transaction() as session:
            return reserve_send(session, self._pace, chat, now=wall_clock())

    def _is_usable(self, slot: Slot, slack: timedelta) -> bool:
        with self._runtime.reading() as session:
            return is_usable(session, self._pace, slot, slack=slack, now=wall_clock())

    def _rest(self, chat: str) -> None:
        with self._runtime.transaction() as session:
            rest_chat(session, self._pace, chat, now=wall_clock())

    def _pause(self, rest: timedelta) -> None:
        with self._runtime.transaction() as session:
            pause_bot(session, self._pace, rest, now=wall_clock())
