"""The bot's ears: updates are fetched by one worker of all, or pushed to a webhook, and stored once.

They are stored before Telegram hears that they were taken. Working on them is any worker's.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final

from substrack.bootstrap import DatabaseTrouble, Runtime, secret_keys, wall_clock
from substrack.channels.telegram_updates import TelegramUpdates
from substrack.domain.delivery import DeliveryFailed
from substrack.queries.inbound import can_receive
from substrack.services.receiving import (
    Receiver,
    make_token,
    release_receiver,
    store_received,
    take_receiver,
)
from substrack.worker.telegram_asking import Asker
from substrack.worker.telegram_life import BotLife

LOOK_SECONDS: Final = 3.0
"""How often a worker looks whether the one that asks Telegram has stopped."""

RECEIVER_LEASE: Final = timedelta(seconds=60)
"""Longer than the longest poll, so it is renewed by each; how long a bot is deaf when a worker is killed."""

WEBHOOK_CHECK_SECONDS: Final = 600.0


class BotEars:
    """Hears for one connection; belongs to one event loop.

    Leases go by the real clock: they are about two programs and Telegram, not about a workspace's days.
    """

    def __init__(self, life: BotLife, asker: Asker, updates: TelegramUpdates) -> None:
        self._life, self._asker, self._updates = life, asker, updates
        self._runtime = life.runtime
        self._token = make_token()

    async def hear(self) -> None:
        """Receive until the end, the way the settings say."""
        if self._runtime.settings.telegram_webhook:
            await self._keep_webhook()
        else:
            await self._asker.ask_until_answered(self._updates.delete_webhook)
            await self._poll()

    async def leave(self) -> None:
        """Hang up and let another worker hear at once."""
        await self._updates.close()
        with suppress(DatabaseTrouble):  # the lease runs out by itself
            await self._life.call(self._release)

    async def _poll(self) -> None:
        while not self._life.is_over:
            receiver = await self._life.call(self._take)
            if receiver is None:
                await self._life.pause(LOOK_SECONDS)
                continue
            try:
                await self._poll_once(receiver)
            except DeliveryFailed as failure:
                await self._life.call(self._release)  # another worker may have a better line, or token
                await self._asker.rest(failure)

    async def _poll_once(self, receiver: Receiver) -> None:
        updates = await self._asker.ask(partial(self._updates.fetch, receiver.next_update_id))
        await self._life.call_until_done(partial(self._store, receiver, updates))
        if updates:
            self._life.ring()

    async def _keep_webhook(self) -> None:
        """Register the webhook, and look from time to time whether it is still ours.

        Once at each start in any case: Telegram does not say which secret it has, and ours goes with our key.
        """
        url = self._runtime.signer.absolute(f"/telegram/{self._asker.connection_id}")
        await self._register(url)
        while not self._life.is_over:
            state = await self._asker.ask_until_answered(self._updates.webhook)
            if state is not None and state.url != url:
                await self._register(url)
            elif state is not None:
                await self._asker.note({"pending": state.pending, "last_error": state.last_error})
            await self._life.pause(WEBHOOK_CHECK_SECONDS)

    async def _register(self, url: str) -> None:
        """Have updates pushed, and expect the secret only once Telegram has it."""
        secret = webhook_secret(self._runtime)
        await self._asker.ask_until_answered(partial(self._updates.set_webhook, url, secret))
        if not self._life.is_over:
            await self._asker.note({"webhook_secret": secret})

    def _take(self) -> Receiver | None:
        now, connection_id = wall_clock(), self._asker.connection_id
        with self._runtime.reading() as session:
            if not can_receive(session, connection_id, token=self._token, now=now):
                return None
        with self._runtime.transaction() as session:
            return take_receiver(session, connection_id, token=self._token, lease=RECEIVER_LEASE, now=now)

    def _store(self, receiver: Receiver, updates: list[dict[str, Any]]) -> None:
        with self._runtime.transaction() as session:
            store_received(session, receiver, updates, now=self._runtime.now())

    def _release(self) -> None:
        with self._runtime.transaction() as session:
            release_receiver(session, self._asker.connection_id, token=self._token)


def webhook_secret(runtime: Runtime) -> str:
    """Derive the secret that Telegram sends along from our key, so that all processes know the same."""
    key = secret_keys(runtime.settings)[0]
    return hashlib.sha256(f"substrack.telegram.webhook:{key}".encode()).hexdigest()
