"""The experiment on delivery: workers empty the outbox while disasters befall them.

The backlog lasts as long as there are disasters to come, and the world goes on changing.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.chaos.fleet import Fleet, Hand
from tests.chaos.journals import Pen
from tests.chaos.outcome import Outcome, read_outcome
from tests.chaos.post_office import PostOffice
from tests.chaos.relay import Relay
from tests.chaos.scale import sized

LOOK_SECONDS = 0.05
IDLE_SECONDS = 10.0
DRAIN_SECONDS = 150.0
BACKLOG = sized(short=30, full=150)
FREEZES_FOR = 1.5
"""Leases that a frozen worker misses."""


@dataclass
class Run:
    """Workers, a relay and people who write; `gap` bounds the seconds between two disasters.

    A disaster comes up to `patience` seconds after its victim was seen at work, in whatever it is doing then.
    With `meets_all` it waits until everybody is at work again, and has something to do: where starting takes
    long, it would else come faster than messages can be sent, and what the dead held would wait behind what
    others had held; and who probes a paused lane would always be the one.
    """

    office: PostOffice
    relay: Relay
    fleet: Fleet
    lease_seconds: int
    gap: tuple[float, float]
    patience: float = 0.0
    meets_all: bool = False
    _thaws: list[threading.Timer] = field(default_factory=list)
    _deaths: int = 0

    def __post_init__(self) -> None:
        self._pen = Pen(self.fleet.orders.journal)

    def through(self, disasters: Sequence[Disaster], *, pieces: int) -> Outcome:
        """Let everything happen to so many messages or more, then wait until all that can be sent is sent."""
        began = time.monotonic()
        for disaster in disasters:
            self._go_on(random.uniform(*self.gap))
            disaster(self)
        while self.office.queued < pieces or self._is_anybody_frozen():
            self._go_on(LOOK_SECONDS)
        self._drain()
        mails, journal = self.relay.accepted, self.fleet.orders.journal
        seconds = time.monotonic() - began
        return read_outcome(self.office.states(), mails, journal, self.fleet.ends, seconds)

    def victim(self) -> Hand:
        """Choose a worker that has messages in hand; one that idles, if all do for long."""
        while self.meets_all and (self.office.has_paused() or not self.fleet.are_all_at_work()):
            self._go_on(LOOK_SECONDS)
        until = time.monotonic() + IDLE_SECONDS
        while (hand := self.fleet.any_with_messages()) is None and time.monotonic() < until:
            self._go_on(0)
        while (hand := hand or self.fleet.any_at_work()) is None:
            self._go_on(LOOK_SECONDS)
        time.sleep(random.uniform(0, self.patience))
        return hand

    def wait_for_death(self) -> None:
        """Wait until one more worker has come to its failpoint."""
        self._deaths += 1
        until = time.monotonic() + DRAIN_SECONDS
        while self.fleet.deaths < self._deaths:
            assert time.monotonic() < until, "nobody came to a failpoint"
            self._go_on(LOOK_SECONDS)

    def thaw_later(self, hand: Hand) -> None:
        """Let a frozen worker go on when its leases are over, whatever it holds up until then."""
        timer = threading.Timer(FREEZES_FOR * self.lease_seconds, self.fleet.thaw, [hand])
        timer.start()
        self._thaws.append(timer)

    def _is_anybody_frozen(self) -> bool:
        return any(timer.is_alive() for timer in self._thaws)

    def _go_on(self, seconds: float) -> None:
        """Keep everybody busy for a while."""
        until = time.monotonic() + seconds
        while True:
            self.fleet.fill()
            self.office.note_claims(self._pen)
            if self.office.queued - len(self.relay.accepted) < BACKLOG:
                self.office.write(BACKLOG)
            self.office.rename_somebody()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(LOOK_SECONDS, left))

    def _drain(self) -> None:
        """Wait for the rest; nobody will come for what is held for longer than a lease lasts."""
        until = time.monotonic() + DRAIN_SECONDS
        while self.office.count_waiting(2 * self.lease_seconds) and time.monotonic() < until:
            self.fleet.fill()
            self.office.note_claims(self._pen)
            time.sleep(LOOK_SECONDS)


Disaster = Callable[[Run], None]


def kill(run: Run) -> None:
    """Kill -9 a worker, wherever it is."""
    run.fleet.kill(run.victim())


def ask_to_stop(run: Run) -> None:
    """SIGTERM a worker, and see it leave in peace."""
    run.fleet.ask_to_stop(run.victim())


def freeze(run: Run) -> None:
    """SIGSTOP a worker for longer than its leases last, then SIGCONT."""
    hand = run.victim()
    run.fleet.freeze(hand)
    run.thaw_later(hand)


def failpoint(run: Run) -> None:
    """Let a worker come to the step at which it ends itself."""
    run.wait_for_death()
