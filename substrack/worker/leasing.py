"""The one loop for effects outside the house: claim a few, carry them out side by side, claim more.

It knows nothing of messages: what is claimed, done and marked is the caller's. Leases live in the tables, so
a loop that is cut off loses nothing; its claims run out and come back.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from math import inf
from typing import Any, Final, Generic, TypeVar

from substrack.bootstrap import DatabaseTrouble

log = logging.getLogger(__name__)

SOON_SECONDS: Final = 0.5
"""So far ahead more is made ready than there are places: what waits for long may be out of date when sent."""

Held = TypeVar("Held")
Claim = Callable[[int], Awaitable[Sequence[Held]]]
Handle = Callable[[Held], Awaitable[None]]
GiveBack = Callable[[Sequence[Held]], Awaitable[None]]
Stop = Callable[[], bool]


async def serve(
    find: Callable[[], Awaitable[Collection[str]]],
    work: Callable[[str], Awaitable[None]],
    *,
    look_seconds: float,
) -> None:
    """Work on every queue that `find` names, side by side; return when all have come to their end.

    While one has much to do the others do not wait for it: `find` is asked again every `look_seconds`. An
    error is raised when all else has ended; cancelling cuts everything off.
    """
    at_work: dict[str, asyncio.Task[None]] = {}
    errors: list[BaseException] = []
    try:
        while True:
            for name in set(await find()) - set(at_work):
                at_work[name] = asyncio.ensure_future(work(name))
            if at_work:
                await asyncio.wait(at_work.values(), timeout=look_seconds)
            errors += _errors_of(task for task in at_work.values() if task.done())
            at_work = {name: task for name, task in at_work.items() if not task.done()}
            if not at_work:
                break
    except asyncio.CancelledError:
        for task in at_work.values():
            task.cancel()
        raise
    finally:
        await _see_out(at_work.values())
    _raise_first(errors)


async def drain(
    claim: Claim[Held],
    handle: Handle[Held],
    *,
    width: int,
    stop: Stop,
    most: int = 0,
    give_back: GiveBack[Held] | None = None,
) -> None:
    """Handle everything that can be claimed, at most `width` at a time; return when there is no more.

    While some are under way, the next are claimed and made ready in one go, so that no place waits for the
    database: `width`, or up to `most` where they are begun soon. After `stop()`, or an error, nothing is
    claimed any more, what is under way is finished, and what has not begun is given back (or finished too,
    where nothing can be). Cancelling cuts that off, and its leases run out. An error is raised when all else
    has ended.
    """
    work = _Work(claim, handle, width, max(width, most))
    try:
        while True:
            may_claim = not work.errors and not stop()
            if give_back is not None and not may_claim:
                await work.empty_into(give_back)
            work.go_on(may_claim=may_claim)
            if not work.under_way:
                break
            await work.wait()
    except asyncio.CancelledError:
        for task in work.under_way:
            task.cancel()
        raise
    finally:
        await _see_out(work.under_way)
    _raise_first(work.errors)


class _Work(Generic[Held]):
    """What is ready, what is under way, and the one claim that fetches more: before a place would be idle.

    After a claim that found nothing, the next waits until something has ended and half the places are free.
    """

    def __init__(self, claim: Claim[Held], handle: Handle[Held], width: int, most: int) -> None:
        self._claim, self._handle, self._width, self._most = claim, handle, width, most
        self._took_seconds = inf
        self._ready: deque[Held] = deque()
        self._flying: set[asyncio.Task[None]] = set()
        self._claiming: asyncio.Task[Sequence[Held]] | None = None
        self._is_empty = self._has_moved = False
        self.errors: list[BaseException] = []

    @property
    def under_way(self) -> set[asyncio.Task[Any]]:
        """Everything that has not ended."""
        return {*self._flying, *([self._claiming] if self._claiming else [])}

    def go_on(self, *, may_claim: bool) -> None:
        """Begin what there are places for, and fetch more when little is ready."""
        while self._ready and len(self._flying) < self._width:
            self._flying.add(asyncio.ensure_future(self._run(self._ready.popleft())))
        soon = self._begun_soon()
        is_short = len(self._ready) < max(1, min(self._width, soon))
        if may_claim and is_short and self._claiming is None and self._may_find_more():
            places = max(self._width, min(self._most, soon))
            self._has_moved = False  # from here on, not from its answer: what ends meanwhile it may not see
            self._claiming = asyncio.ensure_future(_fetch(self._claim, places))

    async def _run(self, item: Held) -> None:
        began = asyncio.get_running_loop().time()
        await self._handle(item)
        self._took_seconds = asyncio.get_running_loop().time() - began

    def _begun_soon(self) -> int:
        """Estimate how many are begun within `SOON_SECONDS`, if they take as long as the last one."""
        return int(self._width * SOON_SECONDS / max(self._took_seconds, 0.001))

    async def empty_into(self, give_back: GiveBack[Held]) -> None:
        """Give back what has not begun."""
        ready, self._ready = list(self._ready), deque()
        if ready:
            try:
                await give_back(ready)
            except Exception as error:
                self.errors.append(error)

    async def wait(self) -> None:
        """Wait until something has ended, and take it in."""
        done, _running = await asyncio.wait(self.under_way, return_when=asyncio.FIRST_COMPLETED)
        self.errors += _errors_of(done)
        self._has_moved = self._has_moved or bool(done & self._flying)
        self._flying -= done
        if self._claiming in done:
            self._take_in(self._claiming)

    def _take_in(self, claiming: asyncio.Task[Sequence[Held]]) -> None:
        self._claiming = None
        if not claiming.cancelled() and claiming.exception() is None:
            held = claiming.result()
            self._ready.extend(held)
            self._is_empty = not held

    def _may_find_more(self) -> bool:
        return not self._is_empty or (self._has_moved and len(self._flying) <= self._width // 2)


async def _see_out(tasks: Collection[asyncio.Task[None]]) -> None:
    """Wait for what is still under way when something else is raised already."""
    if tasks:
        ended, _running = await asyncio.wait(tasks)
        _tell(_errors_of(ended))


def _errors_of(tasks: Iterable[asyncio.Task[None]]) -> list[BaseException]:
    return [error for task in tasks if not task.cancelled() and (error := task.exception())]


def _raise_first(errors: Sequence[BaseException]) -> None:
    if errors:
        _tell(errors[1:])
        raise errors[0]


def _tell(errors: Iterable[BaseException]) -> None:
    """Log what is not raised; the database's trouble is everybody's, and told by whoever raises it."""
    for error in errors:
        if not isinstance(error, DatabaseTrouble):
            log.error("an error beside another", exc_info=error)


async def _fetch(claim: Claim[Held], places: int) -> Sequence[Held]:
    return await claim(places)
