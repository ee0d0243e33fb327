"""Turns are used at the pace and outside of pauses, or taken anew."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar, TypeVarTuple, Unpack

import pytest

from substrack.bootstrap import DatabaseTrouble, Runtime, Trouble, wall_clock
from substrack.bot import turns
from substrack.bot.turns import Turns
from substrack.services import pacing
from substrack.services.pacing import SEAT_REST, Seat, Slot, pace_of_bot, pause_bot

Answer = TypeVar("Answer")
Given = TypeVarTuple("Given")
BOT = 7

pytestmark = pytest.mark.only_sqlite


def speak(runtime: Runtime, chats: int, meanwhile: Callable[[], None]) -> list[datetime]:
    """Speak once in each chat, with something happening when all have a turn; return when it was said."""
    reserved = 0

    async def in_thread(step: Callable[[Unpack[Given]], Answer], *given: *Given) -> Answer:
        nonlocal reserved
        answer = step(*given)
        reserved += isinstance(answer, Slot) and answer.is_reserved
        if reserved == chats and isinstance(answer, Slot):
            reserved += 1
            meanwhile()
        return answer

    async def say() -> datetime:
        return wall_clock()

    async def speak_all() -> list[datetime]:
        bot = Turns(runtime, BOT, in_thread=in_thread)
        return await asyncio.gather(*(bot.speak(str(1001 + chat), say) for chat in range(chats)))

    return sorted(asyncio.run(speak_all()))


def test_those_missed_while_the_process_stood_still_are_not_used_all_at_once(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "SEATS", 4)
    monkeypatch.setattr(pacing, "SEAT_REST", SEAT_REST)  # which takes no time elsewhere here
    said_at = speak(runtime, 9, meanwhile=lambda: time.sleep(0.5))
    busiest = max(sum(start <= each < start + SEAT_REST for each in said_at) for start in said_at)
    assert busiest <= 4


async def in_thread(step: Callable[[Unpack[Given]], Answer], *given: *Given) -> Answer:
    return await asyncio.to_thread(step, *given)


def test_nobody_speaks_into_a_chat_while_what_another_said_is_on_its_way(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers; what the first says is longer on its way than a chat rests, and than a lease lasts."""
    rest = timedelta(seconds=0.1)
    monkeypatch.setattr(pacing, "CHAT_GAP", rest)
    monkeypatch.setattr(pacing, "LEASE", timedelta(seconds=0.6))
    monkeypatch.setattr(turns, "RENEW_SECONDS", 0.15)

    async def say(seconds: float) -> datetime:
        await asyncio.sleep(seconds)
        return wall_clock()

    async def speak(seconds: float) -> datetime:
        return await Turns(runtime, BOT, in_thread=in_thread).speak("1001", partial(say, seconds))

    async def speak_both() -> tuple[datetime, datetime]:
        first = asyncio.create_task(speak(1.2))
        await asyncio.sleep(0.3)
        return await speak(0), await first

    then, first = asyncio.run(speak_both())
    assert then - first >= rest


def test_one_that_is_over_before_it_could_be_used_is_taken_anew(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker stands still with the seat in hand: the chat may be somebody else's by then."""
    monkeypatch.setattr(pacing, "LEASE", timedelta(seconds=0.2))
    seats: list[Seat] = []

    async def in_thread(step: Callable[[Unpack[Given]], Answer], *given: *Given) -> Answer:
        answer = step(*given)
        if isinstance(answer, Seat):
            seats.append(answer)
            await asyncio.sleep(0.3 if len(seats) == 1 else 0)
        return answer

    async def say() -> datetime:
        return wall_clock()

    said_at = asyncio.run(Turns(runtime, BOT, in_thread=in_thread).speak("1001", say))
    assert [each.held_until > said_at for each in seats] == [False, True]


def test_one_that_falls_into_a_pause_is_not_used(runtime: Runtime) -> None:
    begun, rest = wall_clock(), timedelta(seconds=1.5)

    def be_told_to_wait() -> None:
        with runtime.transaction() as session:
            pause_bot(session, pace_of_bot(BOT), rest, now=begun)

    [said_at] = speak(runtime, 1, be_told_to_wait)
    assert said_at >= begun + rest


def test_what_was_said_stays_said_when_the_end_of_the_turn_cannot_be_written(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object, **_terms: object) -> None:
        raise DatabaseTrouble(Trouble.AWAY, Exception("the database restarts"))

    monkeypatch.setattr(turns, "leave_seat", fail)
    assert len(speak(runtime, 1, lambda: None)) == 1
