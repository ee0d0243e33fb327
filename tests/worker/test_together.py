"""Claims about a step that several share: nobody waits for others to come, and no error spreads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar

import pytest

from substrack.bootstrap import DatabaseTrouble, Trouble
from substrack.worker.together import Together


class Step:
    """Does nothing for a while; writes down for whom."""

    def __init__(self) -> None:
        self.lots: list[list[str]] = []
        self.may_end = asyncio.Event()

    async def __call__(self, lot: Sequence[str]) -> list[str]:
        self.lots.append(list(lot))
        await self.may_end.wait()
        if "away" in lot:
            raise DatabaseTrouble(Trouble.AWAY, OSError())
        if "spoilt" in lot:
            raise ValueError("spoilt")
        return [item.upper() for item in lot]


async def in_turn(step: Step, items: Sequence[str]) -> list[str | BaseException]:
    """Ask for each item, one after the other, before the first is answered."""
    together = Together(step)
    asked = []
    for item in items:
        asked.append(asyncio.ensure_future(together.do(item)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    step.may_end.set()
    return await asyncio.gather(*asked, return_exceptions=True)


def answers(*items: str) -> tuple[list[list[str]], list[str | BaseException]]:
    async def ask() -> tuple[list[list[str]], list[str | BaseException]]:
        step = Step()
        found = await asyncio.wait_for(in_turn(step, items), 5)
        return step.lots, found

    return asyncio.run(ask())


def test_the_first_is_served_at_once_and_who_comes_meanwhile_shares_the_next() -> None:
    lots, found = answers("a", "b", "c")
    assert lots == [["a"], ["b", "c"]]
    assert found == ["A", "B", "C"]


def test_the_step_does_not_run_as_who_asked_first() -> None:
    cause: ContextVar[str] = ContextVar("cause", default="nobody")

    async def who(lot: Sequence[str]) -> list[str]:
        return [cause.get() for _item in lot]

    async def ask() -> str:
        cause.set("Ben")
        return await Together(who).do("a")

    assert asyncio.run(ask()) == "nobody"


def test_who_waits_for_a_step_that_is_cut_off_does_not_wait_for_ever() -> None:
    async def cut_off(lot: Sequence[str]) -> list[str]:
        raise asyncio.CancelledError

    async def ask() -> None:
        await asyncio.wait_for(Together(cut_off).do("a"), 5)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(ask())


def test_one_that_spoils_it_is_told_alone() -> None:
    lots, found = answers("a", "b", "spoilt", "c")
    assert lots == [["a"], ["b", "spoilt", "c"], ["b"], ["spoilt"], ["c"]]
    assert [str(one) for one in found] == ["A", "B", "spoilt", "C"]


def test_trouble_with_the_database_is_everybodys_and_not_asked_for_twice() -> None:
    lots, found = answers("a", "b", "away")
    assert lots == [["a"], ["b", "away"]]
    assert [type(one) for one in found] == [str, DatabaseTrouble, DatabaseTrouble]


def test_who_gives_up_holds_nobody_up() -> None:
    async def ask() -> list[str | BaseException]:
        step = Step()
        together = Together(step)
        asked = [asyncio.ensure_future(together.do(item)) for item in "abc"]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asked[0].cancel()
        asked[1].cancel()
        step.may_end.set()
        later = await asyncio.wait_for(together.do("d"), 5)
        return [await asked[2], later]

    assert asyncio.run(ask()) == ["C", "D"]


def test_after_an_error_it_goes_on() -> None:
    async def ask() -> str:
        step = Step()
        step.may_end.set()
        together = Together(step)
        with pytest.raises(ValueError, match="spoilt"):
            await together.do("spoilt")
        return await together.do("next")

    assert asyncio.run(ask()) == "NEXT"
