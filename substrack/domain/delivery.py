"""Delivery decisions: what becomes of a message after one try.

A fault of the lane (connect, TLS, login, 421, timeout, 429) costs no attempt; a refusal of this message
or address is permanent or is tried again along `BACKOFF`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from substrack.domain.notices import Channel


class MessageState(StrEnum):
    """Where a message is on its way."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    CANCELLED = "cancelled"


class Fate(StrEnum):
    """What became of a message, as people are told: a mail that no server took is kept, never "sent"."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    KEPT = "kept"
    DEAD = "dead"
    CANCELLED = "cancelled"


WAITING = frozenset({MessageState.QUEUED, MessageState.SENDING})

BACKOFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
)
LANE_PROBE = timedelta(minutes=1)
LANE_REST = timedelta(hours=1)
"""How long what waits on a failing lane waits for it; then it may go another way."""

STUCK_AFTER = timedelta(hours=1)
"""When the oldest message has been due for so long, something is wrong: what rests on a lane went by then."""

LONGEST_PAUSE = timedelta(days=1)
"""For how long a lane pauses at the most, however long a rest the other side asks for."""

LEASE = timedelta(minutes=5)

KEPT_NAME = re.compile(r"\d{8}T\d{6}Z-[A-Za-z0-9_-]{1,64}\.eml")
"""What a kept mail has where a server's answer would stand: the name of its file."""


class Scope(StrEnum):
    """What a failure is about: everything on the lane, this address, or this message only."""

    LANE = "lane"
    ADDRESS = "address"
    MESSAGE = "message"


class DeliveryFailed(Exception):
    """One try failed. Channels raise nothing else.

    `permanent` failures are not repeated; `retry_after` is the provider's own wish, if it stated one. What
    `may_have_arrived` was handed over whole or in part, and nobody heard what became of it.
    """

    def __init__(
        self,
        reason: str,
        *,
        scope: Scope,
        permanent: bool = False,
        retry_after: timedelta | None = None,
        may_have_arrived: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason, self.scope, self.permanent, self.retry_after = reason, scope, permanent, retry_after
        self.may_have_arrived = may_have_arrived


@dataclass(frozen=True)
class Verdict:
    """What a failed try means for the message: its next state, when it is due again, attempts so far."""

    state: MessageState
    due_at: datetime
    attempts: int


def fate_of(state: MessageState, provider_id: str | None) -> Fate:
    """Say what became of a message: its state, and whether a mail was only kept."""
    if state is MessageState.SENT and KEPT_NAME.fullmatch(provider_id or ""):
        return Fate.KEPT
    return Fate(state.value)


def lane_name(channel: Channel, connection_id: int) -> str:
    """Name the lane of a connection, by which its messages are claimed, paused and probed."""
    return f"{channel.value}:{connection_id}"


def channel_of(lane: str) -> Channel:
    """Say by which channel a lane goes out."""
    return Channel(lane.partition(":")[0])


def after_failure(failure: DeliveryFailed, *, attempts: int, due_at: datetime, now: datetime) -> Verdict:
    """Decide what becomes of a message whose `attempts` earlier tries were refused and which failed again.

    The last step of `BACKOFF` is followed by death: visible on the messages page, and retried only by hand.
    """
    if failure.scope is Scope.LANE:
        return Verdict(MessageState.QUEUED, due_at, attempts)
    tried = attempts + 1
    if failure.permanent or tried > len(BACKOFF):
        return Verdict(MessageState.DEAD, due_at, tried)
    wait = max(BACKOFF[tried - 1], failure.retry_after or timedelta(0))
    return Verdict(MessageState.QUEUED, now + wait, tried)
