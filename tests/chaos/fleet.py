"""Workers that are started, killed, stopped and frozen: real processes, as many as are wanted at any time."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from multiprocessing.context import ForkServerProcess
from types import TracebackType
from typing import Self

from tests.chaos.crew import DIED, Orders, work
from tests.chaos.journals import Journal
from tests.chaos.processes import forking

START_SECONDS = 60.0
END_SECONDS = 60.0


class Fate(StrEnum):
    """What befell a worker."""

    KILLED = "killed"
    ASKED = "asked to stop"
    FROZEN = "frozen"


@dataclass(frozen=True)
class End:
    """Something that befell one process, and when; of who was asked to stop, when it had ended."""

    pid: int
    fate: Fate
    at: float


@dataclass(eq=False)
class Hand:
    """One worker of the fleet; `is_frozen` while it is stopped by SIGSTOP."""

    process: ForkServerProcess
    is_frozen: bool = False

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self.process.pid is not None
        return self.process.pid


@dataclass
class Fleet:
    """A number of workers on one database; use it as a context manager.

    `given` changes the orders of each worker before it starts. `ends` lists what was done to whom; `deaths`
    counts who came to a failpoint, of which the journal has more.
    """

    orders: Orders
    size: int
    given: Callable[[Orders], Orders] = lambda orders: orders
    hands: list[Hand] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    deaths: int = 0

    def __enter__(self) -> Self:
        self._journal, self._ready = Journal(self.orders.journal), set[int]()
        self._held: dict[int, set[str]] = defaultdict(set)
        self._sending: dict[int, set[str]] = defaultdict(set)
        self.fill()
        until = time.monotonic() + START_SECONDS
        while not all(self.is_at_work(hand) for hand in self.hands):
            assert time.monotonic() < until, "the workers do not start"
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hand in self.hands:
            hand.process.kill()
            hand.process.join()

    def fill(self) -> None:
        """Replace those who have ended."""
        for hand in [each for each in self.hands if not each.process.is_alive()]:
            self.hands.remove(hand)
            assert hand.process.exitcode in (0, DIED, -signal.SIGKILL), "a worker broke"
            self.deaths += hand.process.exitcode == DIED
        while len(self.hands) < self.size:
            self.hands.append(self._start())

    def _start(self) -> Hand:
        process = forking().Process(target=work, args=(self.given(self.orders),), daemon=True)
        process.start()
        return Hand(process)

    def are_all_at_work(self) -> bool:
        """Tell whether everybody has started; who is frozen had, too."""
        return all(hand.is_frozen or self.is_at_work(hand) for hand in self.hands)

    def any_at_work(self) -> Hand | None:
        """Choose one at random that has started and runs."""
        at_work = [hand for hand in self.hands if self.is_at_work(hand)]
        return random.choice(at_work) if at_work else None

    def any_with_messages(self) -> Hand | None:
        """Choose one at random of those that run and hold messages."""
        sending = [hand for hand in self.hands if self.is_at_work(hand) and self._sending[hand.pid]]
        holding = sending or [h for h in self.hands if self.is_at_work(h) and self._held[h.pid]]
        return random.choice(holding) if holding else None

    def is_at_work(self, hand: Hand) -> bool:
        """Tell whether a worker has started and runs."""
        for line in self._journal.new():
            match line["what"]:
                case "ready":
                    self._ready.add(line["pid"])
                case "claiming":
                    self._held[line["pid"]].add(line["message"])
                case "sending":
                    self._sending[line["pid"]].add(line["message"])
                case "marked" | "released":
                    self._sending[line["pid"]].discard(line["message"])
                    self._held[line["pid"]].discard(line["message"])
        return hand.pid in self._ready and not hand.is_frozen and hand.process.is_alive()

    def kill(self, hand: Hand) -> None:
        """End it without a word."""
        hand.process.kill()
        hand.process.join()
        self._note(hand, Fate.KILLED)

    def ask_to_stop(self, hand: Hand) -> None:
        """End it as an operator does, and wait."""
        hand.process.terminate()
        hand.process.join(END_SECONDS)
        assert hand.process.exitcode == 0, f"a worker that was asked to stop ended by {hand.process.exitcode}"
        self._note(hand, Fate.ASKED)

    def freeze(self, hand: Hand) -> None:
        """Stop its process where it is."""
        os.kill(hand.pid, signal.SIGSTOP)
        self._note(hand, Fate.FROZEN)
        hand.is_frozen = True

    def thaw(self, hand: Hand) -> None:
        """Let it go on."""
        os.kill(hand.pid, signal.SIGCONT)
        hand.is_frozen = False

    def _note(self, hand: Hand, fate: Fate) -> None:
        self.ends.append(End(hand.pid, fate, time.monotonic()))
