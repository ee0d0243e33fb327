"""The one loop for effects outside the house: claim a few, carry them out side by side, claim more.

It knows nothing of messages: what is claimed, done and marked is the caller's. Leases live in the tables, so
a loop that is cut off loses nothing; its claims run out and come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

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
            errors += [error for task in at_work.values() if task.done() and (error := task.exception())]
            at_work = {name: task for name, task in at_work.items() if not task.done()}
            if not at_work:
                break
    except asyncio.CancelledError:
        for task in at_work.values():
            task.cancel()
        raise
    finally:
        if at_work:
            await asyncio.wait(at_work.values())
    if errors:
        raise errors[0]


async def drain(claim: Claim[Held], handle: Handle[Held], *, width: int, stop: Stop) -> None:
    """Handle everything that can be claimed, at most `width` at a time; return when there is no more.

    New work is claimed once half the places are free, in one go. After `stop()` nothing is claimed any more
    and what is under way is finished; cancelling cuts that off too, and its leases run out. An error is
    raised when all else has ended.
    """
    flying: set[asyncio.Task[None]] = set()
    try:
        while True:
            if not stop() and len(flying) <= width // 2:
                held = await claim(width - len(flying))
                flying |= {asyncio.ensure_future(_run(handle, item)) for item in held}
            if not flying:
                return
            done, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    except asyncio.CancelledError:
        for task in flying:
            task.cancel()
        raise
    finally:
        if flying:
            await asyncio.wait(flying)


async def _run(handle: Handle[Held], item: Held) -> None:
    await handle(item)
