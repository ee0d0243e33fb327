"""The one loop for effects outside the house: claim a few, carry them out side by side, claim more.

It knows nothing of messages: what is claimed, done and marked is the caller's. Leases live in the tables, so
a loop that is cut off loses nothing; its claims run out and come back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import TypeVar

from substrack.bootstrap import DatabaseTrouble

log = logging.getLogger(__name__)

Held = TypeVar("Held")
Claim = Callable[[int], Awaitable[Sequence[Held]]]
Handle = Callable[[Held], Awaitable[None]]
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


async def drain(claim: Claim[Held], handle: Handle[Held], *, width: int, stop: Stop) -> None:
    """Handle everything that can be claimed, at most `width` at a time; return when there is no more.

    New work is claimed once half the places are free, in one go. After `stop()` nothing is claimed any more
    and what is under way is finished; cancelling cuts that off too, and its leases run out. An error is
    raised when all else has ended.
    """
    flying: set[asyncio.Task[None]] = set()
    errors: list[BaseException] = []
    try:
        while True:
            if not errors and not stop() and len(flying) <= width // 2:
                held = await claim(width - len(flying))
                flying |= {asyncio.ensure_future(_run(handle, item)) for item in held}
            if not flying:
                break
            done, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            errors += _errors_of(done)
    except asyncio.CancelledError:
        for task in flying:
            task.cancel()
        raise
    finally:
        await _see_out(flying)
    _raise_first(errors)


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


async def _run(handle: Handle[Held], item: Held) -> None:
    await handle(item)
