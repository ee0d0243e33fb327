"""Asking Telegram, and bearing that it does not answer: noted once, tried on for ever, and never fatal."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.services.connections import mark_bot_accepted, mark_bot_refused, note_connection
from substrack.worker import telegram_life
from substrack.worker.telegram_life import BotLife

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

MAX_WAIT_SECONDS: Final = 60.0


class Asker:
    """Asks for one connection, and notes there how Telegram answers."""

    def __init__(self, life: BotLife, connection_id: int) -> None:
        self._life, self.connection_id = life, connection_id
        self._is_answered: bool | None = None
        self._wait = 0.0

    async def ask(self, request: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask once.

        Raises:
            DeliveryFailed: noted, and told to the admins when the token is refused; `rest` before the next.
        """
        try:
            answer = await request()
        except DeliveryFailed as failure:
            await self._note_failure(failure)
            raise
        if not self._is_answered:
            await self._note_answer()
        return answer

    async def ask_until_answered(self, request: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Ask until there is an answer; None when all ended before."""
        while not self._life.is_over:
            try:
                return await self.ask(request)
            except DeliveryFailed as failure:
                await self.rest(failure)
        return None

    async def rest(self, failure: DeliveryFailed) -> None:
        """Wait as long as Telegram wishes, or longer with each failure in a row."""
        first = telegram_life.WAIT_SECONDS
        self._wait = min(2 * self._wait, MAX_WAIT_SECONDS) or first
        wish = failure.retry_after.total_seconds() if failure.retry_after else 0.0
        await self._life.pause(max(wish, self._wait))

    async def note(self, facts: Mapping[str, Any]) -> None:
        """Note facts about the connection."""
        await self._life.call(self._note, facts)

    async def _note_failure(self, failure: DeliveryFailed) -> None:
        if failure.permanent and failure.scope is Scope.LANE:
            await self._life.call(self._note_refusal)
        if self._is_answered is not False:
            self._is_answered = False
            log.warning("the bot can't receive and tries on: %s", failure.reason)
            await self.note({"last_error": failure.reason})

    async def _note_answer(self) -> None:
        if self._is_answered is False:
            log.info("Telegram answers again")
        await self._life.call(self._note_acceptance)
        self._is_answered, self._wait = True, 0.0

    def _note(self, facts: Mapping[str, Any]) -> None:
        with self._life.runtime.transaction() as session:
            note_connection(session, self.connection_id, facts)

    def _note_refusal(self) -> None:
        with self._life.runtime.transaction() as session:
            mark_bot_refused(session, self.connection_id, now=self._life.runtime.now())

    def _note_acceptance(self) -> None:
        with self._life.runtime.transaction() as session:
            note_connection(session, self.connection_id, {"last_error": None})
            mark_bot_accepted(session, self.connection_id)
