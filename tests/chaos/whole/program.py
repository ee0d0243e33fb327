"""The program as an operator runs it: pages and workers, each a process that may be killed or frozen."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final

from substrack import bootstrap
from substrack.cli import serving
from substrack.settings import Settings, WrongSetting
from substrack.worker import running
from tests.chaos.crew import end_with_the_test, write_to
from tests.chaos.processes import forking

START_SECONDS: Final = 60.0
END_SECONDS: Final = 30.0
RING_SECONDS: Final = 1
HOST: Final = "127.0.0.1"
REFUSED: Final = 75
"""How a process ends that could not start, such as while the database is away."""


@dataclass(frozen=True)
class Orders:
    """What a process runs on. `skew` holds the seconds by which a worker's clock is wrong.

    `tamper` spoils the code of this process, for experiments that have to notice.
    """

    settings: Settings
    log: Path
    skew: Any
    tamper: Callable[[], None] | None = None


def serve_pages(orders: Orders, port: int) -> None:
    """Be the pages until told to stop."""
    with _living(orders):
        serving.web(orders.settings, HOST, port)


def work(orders: Orders) -> None:
    """Be a worker until told to stop."""
    vars(running)["DELIVER_SECONDS"] = RING_SECONDS
    vars(bootstrap)["wall_clock"] = lambda: datetime.now(UTC) + timedelta(seconds=orders.skew.value)
    with _living(orders):
        serving.worker(orders.settings)


@contextmanager
def _living(orders: Orders) -> Iterator[None]:
    """Be a process of the program: what stands in the way of its start ends it by a sentence."""
    threading.Thread(target=end_with_the_test, daemon=True).start()
    write_to(orders.log)
    if orders.tamper is not None:
        orders.tamper()
    try:
        yield
    except (WrongSetting, bootstrap.DatabaseTrouble) as trouble:
        print(trouble, file=sys.stderr)
        sys.exit(REFUSED)


@dataclass(eq=False)
class Service:
    """One process of the program, and how another one like it begins."""

    job: tuple[Any, ...]
    process: ForkServerProcess = field(init=False)
    is_frozen: bool = False

    def start(self) -> None:
        """Begin, or begin again after an end."""
        run, *given = self.job
        self.process = forking().Process(target=run, args=tuple(given), daemon=True)
        self.process.start()
        self.is_frozen = False

    def kill(self) -> None:
        """Kill -9."""
        self.process.kill()
        self.process.join(END_SECONDS)

    def ask_to_stop(self) -> str | None:
        """SIGTERM; say what was wrong with the way it left. One that has only just begun may end at once."""
        self.thaw()
        self.process.terminate()
        self.process.join(END_SECONDS)
        if self.process.exitcode is None:
            self.kill()
        if self.process.exitcode in (0, REFUSED, -signal.SIGTERM):
            return None
        return f"{self.name}, asked to stop, ended by {self.process.exitcode}"

    @property
    def name(self) -> str:
        """What it does."""
        return str(self.job[0].__name__)

    def freeze(self) -> None:
        """SIGSTOP."""
        self._signal(signal.SIGSTOP)
        self.is_frozen = True

    def thaw(self) -> None:
        """SIGCONT."""
        if self.is_frozen:
            self._signal(signal.SIGCONT)
            self.is_frozen = False

    def _signal(self, number: int) -> None:
        if self.process.is_alive() and self.process.pid is not None:
            os.kill(self.process.pid, number)


@dataclass
class Program:
    """All processes; `broke` lists those that ended by themselves and badly."""

    webs: Sequence[Service]
    workers: Sequence[Service]
    ports: Sequence[int]
    broke: list[str] = field(default_factory=list)

    @property
    def services(self) -> list[Service]:
        """Every process."""
        return [*self.webs, *self.workers]

    def start(self) -> None:
        """Start all, and wait until every port answers."""
        for one in self.services:
            one.start()
        until = time.monotonic() + START_SECONDS
        while not all(_answers(port) for port in self.ports):
            assert time.monotonic() < until, "the pages do not start"
            time.sleep(0.02)

    def replace_the_dead(self) -> None:
        """Start anew whatever has ended, as a service manager does."""
        for one in self.services:
            if not one.process.is_alive():
                if one.process.exitcode not in (0, REFUSED, -signal.SIGKILL, -signal.SIGTERM):
                    self.broke.append(f"{one.name} ended by {one.process.exitcode}")
                one.start()

    def stop(self) -> None:
        """Ask all to stop; who does not is killed."""
        for one in self.services:
            self.ask_to_stop(one)

    def ask_to_stop(self, one: Service) -> None:
        """Ask one to stop."""
        wrong = one.ask_to_stop() if one.process.is_alive() else None
        if wrong is not None:
            self.broke.append(wrong)

    def kill(self) -> None:
        """End all at once."""
        for one in self.services:
            if "process" in vars(one):
                one.kill()


def make_program(orders: Orders, *, ports: Sequence[int], workers: int) -> Program:
    """Describe a program with pages on these ports and so many workers; nothing is started."""
    honest = Orders(orders.settings, orders.log, orders.skew)
    webs = [Service((serve_pages, orders, port)) for port in ports]
    return Program(webs, [Service((work, honest)) for _ in range(workers)], ports)


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
