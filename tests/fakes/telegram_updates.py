"""The updates that wait for a bot: fetched by long polling, or pushed to a webhook.

Each is kept until the bot confirms it by asking for later ones (or its webhook answers 2xx), so a bot that
dies in between gets it again; `copies` makes it come that often in any case.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

FIRST_ID = 870_000_001
PUSH_TIMEOUT_SECONDS = 5.0
PUSH_PAUSE_SECONDS = 0.05
"""How long a failed push waits for its next try; Telegram's own pauses are far longer."""

WRONG = "Wrong response from the webhook:"
WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}


class Terminated(Exception):
    """Another getUpdates took over, or a webhook was set."""


@dataclass
class Waiting:
    """One update on its way: how often it went out, how often it must, how many are being pushed."""

    body: dict[str, Any]
    copies: int
    delivered: int = 0
    underway: int = 0

    @property
    def id(self) -> int:
        """Its update_id."""
        return int(self.body["update_id"])


@dataclass
class Webhook:
    """Where updates are pushed to, and what became of the last ones."""

    url: str
    secret: str | None
    last_error: str | None = None
    last_error_at: int | None = None
    max_connections: int = 40
    refusals: int = 0


@dataclass
class Updates:
    """The queue. Everything in it happens under `changed`, the condition the whole stand-in shares.

    `pushers` is how many updates, or copies of one, a webhook gets side by side; set it before there is one.
    """

    changed: threading.Condition
    copies: int = 1
    pushers: int = 1
    next_id: int = FIRST_ID
    webhook: Webhook | None = None
    allowed: set[str] | None = None
    _waiting: list[Waiting] = field(default_factory=list)
    _polls: int = 0
    _is_closed: bool = False
    _pushing: list[threading.Thread] = field(default_factory=list)

    def add(self, kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
        """Queue an update, unless the bot said that it wants none of this kind; return it as it goes out."""
        with self.changed:
            if not self._wants(kind):
                return None
            body = {"update_id": self.next_id, kind: content}
            self.next_id += 1
            self._waiting.append(Waiting(body, self.copies))
            self.changed.notify_all()
            return body

    def _wants(self, kind: str) -> bool:
        return kind not in NOT_BY_DEFAULT if self.allowed is None else kind in self.allowed

    def repeat(self, body: dict[str, Any], times: int = 1) -> None:
        """Deliver an update again, with the same id."""
        with self.changed:
            again = [each for each in self._waiting if each.body is body]
            if again:
                again[0].copies += times
            else:
                self._waiting.append(Waiting(body, times))
            self._waiting.sort(key=lambda each: each.id)
            self.changed.notify_all()

    @property
    def pending(self) -> int:
        """How many updates the bot has not confirmed."""
        with self.changed:
            return len(self._waiting)

    def drop(self) -> None:
        """Forget what waits (`drop_pending_updates`)."""
        with self.changed:
            self._waiting.clear()
            self.changed.notify_all()

    def fetch(self, offset: int, limit: int, timeout_seconds: float) -> list[dict[str, Any]]:
        """Answer one getUpdates: what there is, or what comes within the timeout.

        Raises:
            Terminated: a later getUpdates began, a webhook was set, or the server is closing.
        """
        until = time.monotonic() + timeout_seconds
        with self.changed:
            self._polls += 1
            mine = self._polls
            self.changed.notify_all()
            while True:
                if mine != self._polls or self.webhook or self._is_closed:
                    raise Terminated
                batch = self._batch(offset, limit)
                left = until - time.monotonic()
                if batch or left <= 0:
                    return batch
                self.changed.wait(left)

    def _batch(self, offset: int, limit: int) -> list[dict[str, Any]]:
        if offset < 0:
            self._waiting = self._waiting[offset:]
        else:
            self._waiting = [
                each for each in self._waiting if each.id >= offset or each.delivered < each.copies
            ]
        batch = self._waiting[:limit]
        for each in batch:
            each.delivered += 1
        return [each.body for each in batch]

    def push_to(self, webhook: Webhook | None) -> None:
        """Push to a webhook from now on, or stop doing so."""
        with self.changed:
            self.webhook = webhook
            self.changed.notify_all()
        if webhook is not None and not self._pushing:
            self._pushing = [threading.Thread(target=self._push_all) for _ in range(self.pushers)]
            for pusher in self._pushing:
                pusher.start()

    def close(self) -> None:
        """End every poll and the pushing."""
        with self.changed:
            self._is_closed = True
            self.changed.notify_all()
        for pusher in self._pushing:
            pusher.join(timeout=PUSH_TIMEOUT_SECONDS * 2)

    def _push_all(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self._is_closed or (self.webhook and self._next()))
                webhook, chosen = self.webhook, self._next()
                if self._is_closed:
                    return
                assert webhook is not None
                assert chosen is not None
                chosen.underway += 1
            error = _push(webhook, chosen.body)
            with self.changed:
                chosen.underway -= 1
                self._note_push(webhook, chosen, error)
                if error is not None:
                    self.changed.wait_for(lambda: self._is_closed, PUSH_PAUSE_SECONDS)

    def _next(self) -> Waiting | None:
        """Choose what is pushed next: the oldest of which a copy is left."""
        return next((each for each in self._waiting if each.delivered + each.underway < each.copies), None)

    def _note_push(self, webhook: Webhook, pushed: Waiting, error: str | None) -> None:
        if error is not None:
            webhook.last_error, webhook.last_error_at = error, int(time.time())
            webhook.refusals += error.startswith(WRONG)
            return
        pushed.delivered += 1
        if pushed.delivered >= pushed.copies and pushed in self._waiting:
            self._waiting.remove(pushed)
        self.changed.notify_all()


def _push(webhook: Webhook, body: dict[str, Any]) -> str | None:
    """Post one update; return Telegram's words for what went wrong."""
    headers = {"Content-Type": "application/json"}
    if webhook.secret is not None:
        headers["X-Telegram-Bot-Api-Secret-Token"] = webhook.secret
    request = urllib.request.Request(webhook.url, json.dumps(body).encode(), headers, method="POST")
    try:
        with WITHOUT_PROXY.open(request, timeout=PUSH_TIMEOUT_SECONDS):
            return None
    except urllib.error.HTTPError as refused:
        with refused:
            return f"{WRONG} {refused.code} {refused.reason}"
    except TimeoutError:
        return "Read timeout expired"
    except (urllib.error.URLError, OSError):
        return "Connection refused"
