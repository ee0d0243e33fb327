"""Claims about the loops that carry effects out: nobody waits for another, and no error is lost."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest

from substrack.bootstrap import DatabaseTrouble, Trouble
from substrack.worker import leasing
from substrack.worker.leasing import drain, serve


def serving(due: list[list[str]], work: Callable[[str], Awaitable[None]]) -> None:
    """Serve queues; each look finds the next list of those that have work."""

    async def find() -> list[str]:
        return due.pop(0) if due else []

    asyncio.run(asyncio.wait_for(serve(find, work, look_seconds=0.01), 5))


def test_what_comes_due_on_one_lane_does_not_wait_for_another() -> None:
    mail_went_out = asyncio.Event()
    served: list[str] = []

    async def work(lane: str) -> None:
        if lane == "a long queue of chats":
            await mail_went_out.wait()
        else:
            mail_went_out.set()
        served.append(lane)

    serving([["a long queue of chats"], [], ["mail"]], work)
    assert served == ["mail", "a long queue of chats"]


def test_a_lane_at_work_is_not_begun_twice() -> None:
    served: list[str] = []

    async def work(lane: str) -> None:
        served.append(lane)
        await asyncio.sleep(0.1)

    serving([["mail"]] * 4, work)
    assert served == ["mail"]


def test_an_error_is_raised_when_all_else_has_ended() -> None:
    served: list[str] = []

    async def work(lane: str) -> None:
        if lane == "broken":
            raise OSError("no route")
        await asyncio.sleep(0.05)
        served.append(lane)

    with pytest.raises(OSError, match="no route"):
        serving([["broken", "mail"]], work)
    assert served == ["mail"]


def drain_all(*errors: Exception | None) -> None:
    """Handle that many things side by side, which end as told."""
    due = [list(errors)]

    async def claim(_places: int) -> list[Exception | None]:
        return due.pop() if due else []

    async def handle(error: Exception | None) -> None:
        await asyncio.sleep(0)
        if error is not None:
            raise error

    asyncio.run(asyncio.wait_for(drain(claim, handle, width=4, stop=lambda: False), 5))


def test_trouble_of_the_database_under_several_messages_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    troubles = [DatabaseTrouble(Trouble.AWAY, OSError("gone")) for _ in range(3)]
    with pytest.raises(DatabaseTrouble):
        drain_all(*troubles, None)
    gc.collect()  # asyncio tells of errors that nobody has looked at when their task is gone
    assert caplog.text == ""


def test_an_error_beside_another_is_not_lost(caplog: pytest.LogCaptureFixture) -> None:
    """Of two that end at the same moment either may be the first."""
    with pytest.raises((OSError, ValueError)) as raised:
        drain_all(OSError("one"), ValueError("other"))
    assert ("ValueError: other" if raised.type is OSError else "OSError: one") in caplog.text


def test_what_an_end_makes_free_is_found_although_a_look_came_just_before() -> None:
    """A look while the probe of a lane is under way finds nothing; both end at the same moment."""
    due, handled = [["probe"], [], ["behind"]], list[str]()

    async def work() -> None:
        has_looked = asyncio.Event()

        async def claim(_places: int) -> list[str]:
            found = due.pop(0) if due else []
            if not found:
                has_looked.set()
            return found

        async def handle(item: str) -> None:
            await has_looked.wait()
            handled.append(item)

        await drain(claim, handle, width=1, stop=lambda: False)

    asyncio.run(asyncio.wait_for(work(), 5))
    assert handled == ["probe", "behind"]


class Belt:
    """Hands out numbers as long as it is told to, and watches how many are held when more are claimed."""

    def __init__(self, count: int, *, takes_seconds: float) -> None:
        self._left, self._takes_seconds = list(range(count)), takes_seconds
        self.claims: list[int] = []
        self.ready: list[int] = []
        self._ready = 0

    async def claim(self, places: int) -> list[int]:
        self.claims.append(places)
        self.ready.append(self._ready)
        held, self._left = self._left[:places], self._left[places:]
        self._ready += len(held)
        return held

    async def handle(self, _number: int) -> None:
        self._ready -= 1
        await asyncio.sleep(self._takes_seconds)


def belt(count: int, *, takes_seconds: float) -> Belt:
    """Empty a belt over four places, of which up to ten are made ready at once."""
    found = Belt(count, takes_seconds=takes_seconds)
    drained = drain(found.claim, found.handle, width=4, most=10, stop=lambda: False)
    asyncio.run(asyncio.wait_for(drained, 10))
    return found


def test_what_is_begun_soon_is_claimed_in_larger_lots_and_before_places_are_free() -> None:
    quick = belt(60, takes_seconds=0.005)
    assert quick.claims[0] == 4  # nobody knows yet
    assert 10 in quick.claims
    assert max(quick.claims) == 10
    assert max(quick.ready[2:-2]) > 0


def test_what_would_wait_for_long_is_not_claimed_in_advance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leasing, "SOON_SECONDS", 0.001)
    slow = belt(40, takes_seconds=0.02)
    assert set(slow.claims) == {4}
    assert set(slow.ready) == {0}
