"""A turn is used in time and outside of pauses, or taken anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar, TypeVarTuple, Unpack

import pytest

from substrack.bootstrap import Runtime, wall_clock
from substrack.bot.turns import Turns
from substrack.services.pacing import SLACK, Slot, pace_of_bot, pause_bot

Answer = TypeVar("Answer")
Given = TypeVarTuple("Given")
BOT = 7

pytestmark = pytest.mark.only_sqlite


def speak(runtime: Runtime, meanwhile: Callable[[], Awaitable[None]]) -> tuple[list[Slot], datetime]:
    """Speak once, with something happening after the first turn was reserved; return the turns and when."""
    slots: list[Slot] = []

    async def in_thread(step: Callable[[Unpack[Given]], Answer], *given: *Given) -> Answer:
        answer = step(*given)
        if isinstance(answer, Slot):
            slots.append(answer)
            if len(slots) == 1:
                await meanwhile()
        return answer

    async def say() -> datetime:
        return wall_clock()

    said_at = asyncio.run(Turns(runtime, BOT, in_thread=in_thread).speak("1001", say))
    return [slot for slot in slots if slot.is_reserved], said_at


def test_one_missed_while_the_process_stood_still_is_taken_anew(runtime: Runtime) -> None:
    async def stand_still() -> None:
        await asyncio.sleep(3 * SLACK.total_seconds())

    slots, said_at = speak(runtime, stand_still)
    assert len(slots) >= 2
    assert said_at >= slots[-1].at


def test_one_that_falls_into_a_pause_is_not_used(runtime: Runtime) -> None:
    begun, rest = wall_clock(), timedelta(seconds=1.5)

    async def be_told_to_wait() -> None:
        with runtime.transaction() as session:
            pause_bot(session, pace_of_bot(BOT), rest, now=begun)

    _slots, said_at = speak(runtime, be_told_to_wait)
    assert said_at >= begun + rest
