"""The villain: one trouble after the other, of every kind, at random; and who starts anew what has ended."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.exc import DBAPIError

from substrack.bootstrap import Runtime
from substrack.services.installation import release_hold
from tests.chaos.locked import held
from tests.chaos.relay import Relay
from tests.chaos.whole.program import Program, Service
from tests.fakes.bot_api import BotApi
from tests.fakes.telegram_faults import BAD_GATEWAY, HANG_UP, NOT_JSON, SERVER_ERROR
from tests.support.databases import PostgresqlCluster

LOOK_SECONDS: Final = 0.05
JUMPS_SECONDS: Final = (-86_400.0, -7_200.0, 7_200.0, 40 * 86_400.0)
AFTER_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Pace:
    """How much trouble: seconds between two, those a short and a long one take, one in how many is long."""

    gap: tuple[float, float]
    short: tuple[float, float]
    long: tuple[float, float]
    seldom: int


@dataclass
class Villain:
    """Makes trouble until told to stop; `made` counts it. What is not there (cluster, bot) has none."""

    program: Program
    runtime: Runtime
    relay: Relay
    skew: Any
    pace: Pace
    kinds: Sequence[str]
    cluster: PostgresqlCluster | None = None
    api: BotApi | None = None
    made: Counter[str] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Make trouble, then put everything right."""
        troubles: dict[str, Callable[[], None]] = {
            "kill -9": self._kill,
            "SIGTERM": self._ask,
            "SIGSTOP": self._freeze,
            "lock": self._lock,
            "database": self._stop_database,
            "relay": self._close_relay,
            "clock": self._set_clock,
            "Telegram": self._break_telegram,
        }
        missing = {"database": self.cluster is None, "Telegram": self.api is None}
        wanted = [kind for kind in self.kinds if not missing.get(kind)]
        left: list[str] = []
        while self._wait(random.uniform(*self.pace.gap)):
            left = left or random.sample(wanted, len(wanted))
            kind = left.pop()
            troubles[kind]()
            self.made[kind] += 1
        self.program.replace_the_dead()

    def stop(self) -> None:
        """Let no more trouble begin."""
        self._stop.set()

    def _wait(self, seconds: float) -> bool:
        """Let time pass, in which the dead are replaced; tell whether to go on."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stop.is_set():
            self.program.replace_the_dead()
            self._stop.wait(min(LOOK_SECONDS, left))
        return not self._stop.is_set()

    def _while(self) -> float:
        """Choose how long a trouble takes."""
        return random.uniform(*(self.pace.short if random.randrange(self.pace.seldom) else self.pace.long))

    def _any(self) -> Service:
        return random.choice(self.program.services)

    def _kill(self) -> None:
        self._any().kill()

    def _ask(self) -> None:
        self.program.ask_to_stop(self._any())

    def _freeze(self) -> None:
        one = self._any()
        one.freeze()
        self._wait(self._while())
        one.thaw()

    def _lock(self) -> None:
        """Hold the lock of all writers; if the database refuses even that, there was trouble enough."""
        with suppress(DBAPIError), held(self.runtime, self._while()):
            pass

    def _stop_database(self) -> None:
        assert self.cluster is not None
        self.cluster.stop_at_once()
        self._wait(random.uniform(*self.pace.short))
        self.cluster.start_again()

    def _close_relay(self) -> None:
        self.relay.close_doors()
        self._wait(self._while())
        self.relay.open_doors()

    def _break_telegram(self) -> None:
        assert self.api is not None
        self.api.down = random.choice((BAD_GATEWAY, SERVER_ERROR, HANG_UP, NOT_JSON))
        self._wait(self._while())
        self.api.down = None

    def _set_clock(self) -> None:
        """Set the workers' clocks for a moment; an operator releases the hold on sending that comes of it.

        Nobody dies meanwhile: a worker that starts under a wrong clock believes it.
        """
        self.skew.value = random.choice(JUMPS_SECONDS)
        time.sleep(AFTER_SECONDS)
        self.skew.value = 0.0
        time.sleep(AFTER_SECONDS)
        with suppress(DBAPIError), self.runtime.transaction() as session:
            release_hold(session)
