"""One step for several who ask for it: each is served at once, and who asks meanwhile shares the next one.

Nobody waits for others to come. What the step does, and for whom, is the caller's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from substrack.bootstrap import DatabaseTrouble

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Together(Generic[Item, Answer]):
    """Takes items one by one and does a step for all that wait; `step` gives their answers in order.

    One that spoils the step for others is done by itself, and so are they. The step runs in a context of its
    own: what it logs is of several.
    """

    def __init__(self, step: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]]) -> None:
        self._step = step
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._at_work: asyncio.Task[None] | None = None

    async def do(self, item: Item) -> Answer:
        """Do the step for an item, and return its answer or raise what went wrong."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._at_work is None:
            self._at_work = asyncio.create_task(self._go_on(), context=Context())
        return await answer

    async def _go_on(self) -> None:
        try:
            while self._waiting:
                lot, self._waiting = self._waiting, []
                await self._serve(lot)
        finally:
            self._at_work = None

    async def _serve(self, lot: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._step([item for item, _answer in lot])
        except asyncio.CancelledError:
            for _item, answer in lot:
                answer.cancel()
            raise
        except Exception as error:
            if len(lot) > 1 and not isinstance(error, DatabaseTrouble):
                for one in lot:
                    await self._serve([one])
                return
            for _item, answer in lot:
                if not answer.done():
                    answer.set_exception(error)
        else:
            for (_item, answer), found in zip(lot, answers, strict=True):
                if not answer.done():
                    answer.set_result(found)
