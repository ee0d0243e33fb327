"""Pages and workers as an operator runs them, on a clock that runs on by itself and can be turned.

At full size each is a process of its own; in short runs they are threads of the test.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from waitress.server import create_server
from waitress.wasyncore import close_all

from substrack.bootstrap import Runtime, make_runtime
from substrack.bot import pressing
from substrack.bot.turns import Turns
from substrack.cli.serving import WEB_THREADS
from substrack.settings import Settings
from substrack.web.app import create_app
from substrack.worker import running, telegram_life
from tests.chaos.board import OVER, Board
from tests.chaos.crews import Crew, Fault, Place, Processes, Threads
from tests.chaos.draining import work_until_over
from tests.chaos.scale import scale

LOOK_SECONDS: Final = 0.02
PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Clock:
    """The time that a board tells: what stands on it, and all that passed since."""

    board: Board

    @classmethod
    def make(cls, path: Path, wall: datetime) -> Clock:
        """Start a new one at `wall`, on a board of its own."""
        return cls(Board.make(path, _at_zero(wall)))

    def __call__(self) -> datetime:
        return self.board.wall() + timedelta(seconds=time.monotonic())

    def turn_to(self, wall: datetime) -> None:
        """Set it, for all processes at once."""
        self.board.set_wall(_at_zero(wall))


def _at_zero(wall: datetime) -> datetime:
    return wall - timedelta(seconds=time.monotonic())


@dataclass(frozen=True)
class LivePlace(Place):
    """A place whose clock runs on."""

    def open(self) -> Runtime:
        return replace(make_runtime(self.settings), clock=Clock(Board(self.board)))


@dataclass
class Company:
    """Hands at work on one database; leave it by its context manager."""

    clock: Clock
    crew: Crew

    @classmethod
    def of(
        cls, settings: Settings, clock: Clock, faults: Sequence[Fault], patch: pytest.MonkeyPatch
    ) -> Company:
        """Make processes in which the faults are planted; in short runs threads, and the faults are here."""
        place = LivePlace(settings, clock.board.path, tuple(faults))
        if scale() != "short":
            return cls(clock, Processes(place))
        for plant in faults:
            plant(patch)
        return cls(clock, Threads(place))

    @contextmanager
    def at_work(self, *, workers: int, ports: Sequence[int] = ()) -> Iterator[None]:
        """Run workers, and pages on each port; wait until the pages answer."""
        board = self.clock.board
        for hand, port in enumerate(ports):
            self.crew.start(hand, serve_pages, board.path, port)
        for hand in range(len(ports), len(ports) + workers):
            self.crew.start(hand, work_until_over, board.path)
        try:
            for port in ports:
                wait_until(partial(_answers, port))
            yield
        finally:
            board.end()
            self.crew.join()


def serve_pages(runtime: Runtime, board: Path, port: int) -> None:
    """Serve the pages as `web` does, until the board says that it is over."""
    impatient = runtime.for_pages()
    with socket.create_server(("127.0.0.1", port)) as taken:
        server = create_server(create_app(impatient), sockets=[taken], threads=WEB_THREADS, ident=None)
        serving = threading.Thread(target=server.run, name="pages")
        serving.start()
        shared = Board(board)
        while shared.round != OVER:
            time.sleep(LOOK_SECONDS)
        server.trigger.pull_trigger(lambda: close_all(server._map))
        serving.join()
        server.task_dispatcher.shutdown()
    impatient.close()


def look_often(patch: pytest.MonkeyPatch) -> None:
    """Have workers look round more often than they would, for there is little time."""
    patch.setenv("PTB_TIMEDELTA", "1")
    patch.setattr(running, "DELIVER_SECONDS", 0.5)
    patch.setattr(telegram_life, "IDLE_SECONDS", 0.2)


def speak_freely(patch: pytest.MonkeyPatch) -> None:
    """Let the bot speak without turns, and take its time for an answer: both have claims of their own."""

    async def speak(_turns: Turns, _chat: str, say: Callable[[], Awaitable[Any]]) -> Any:
        return await say()

    patch.setattr(Turns, "speak", speak)
    patch.setattr(pressing, "PATIENCE_SECONDS", 30)


def wait_until(is_so: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something is so."""
    assert comes_true(is_so, seconds), "waited in vain"


def comes_true(is_so: Callable[[], object], seconds: float) -> bool:
    """Wait until something is so; False when it never was."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True
