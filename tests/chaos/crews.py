"""Crews: the processes of an experiment, forked from one that has imported everything, killed and replaced.

In short runs the same hands are threads. One that is killed then dies at its next statement or look at the
clock, in the middle of its transaction, which is rolled back as the database does for a process that is gone.
"""

from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import event

from substrack.bootstrap import Runtime, make_runtime
from substrack.settings import Settings
from tests.chaos.board import Board

log = logging.getLogger(__name__)
Fault = Callable[[pytest.MonkeyPatch], None]
JOIN_SECONDS = 60


class Killed(BaseException):
    """A thread that stands for a process ends here."""


@dataclass(frozen=True)
class Place:
    """Where the hands of an experiment work, and what is wrong with the program there."""

    settings: Settings
    board: Path
    faults: tuple[Fault, ...] = ()

    def open(self) -> Runtime:
        """Put a process together on the clock of the board."""
        return replace(make_runtime(self.settings), clock=Board(self.board).wall)


Work = Callable[..., None]
"""What a hand does: `work(runtime, *arguments)`, until the board says that it is over."""


class Crew(Protocol):
    """Hands by number. `failures` counts those that an error ended."""

    failures: int

    def start(self, hand: int, work: Work, *arguments: Any) -> None:
        """Let a hand begin."""

    def kill(self, hand: int) -> None:
        """Let a hand end at once, wherever it is."""

    def is_alive(self, hand: int) -> bool:
        """Tell whether a hand works."""

    def join(self) -> None:
        """Wait until all have ended."""


@dataclass
class Processes:
    """A crew of processes; killing is SIGKILL."""

    place: Place
    failures: int = 0
    _hands: dict[int, BaseProcess] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.chaos.preloaded"])

    def start(self, hand: int, work: Work, *arguments: Any) -> None:
        self._note_end(hand)
        process = self._context.Process(target=_in_process, args=(self.place, work, arguments), daemon=True)
        process.start()
        self._hands[hand] = process

    def kill(self, hand: int) -> None:
        self._hands[hand].kill()
        self._hands[hand].join(JOIN_SECONDS)

    def is_alive(self, hand: int) -> bool:
        return self._hands[hand].is_alive()

    def join(self) -> None:
        for hand, process in list(self._hands.items()):
            process.join(JOIN_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
                self.failures += 1
            self._note_end(hand)

    def _note_end(self, hand: int) -> None:
        ended = self._hands.pop(hand, None)
        if ended is not None and ended.exitcode not in (0, -9):
            self.failures += 1


def _in_process(place: Place, work: Work, arguments: tuple[Any, ...]) -> None:
    patch = pytest.MonkeyPatch()
    for plant in place.faults:
        plant(patch)
    runtime = place.open()
    try:
        work(runtime, *arguments)
    finally:
        runtime.close()


@dataclass
class Threads:
    """A crew of threads, for runs that have no time for processes. Faults are planted by the test itself."""

    place: Place
    failures: int = 0
    _hands: dict[int, threading.Thread] = field(default_factory=dict)
    _doomed: set[int] = field(default_factory=set)

    def start(self, hand: int, work: Work, *arguments: Any) -> None:
        self._doomed.discard(hand)
        thread = threading.Thread(target=self._run, args=(hand, work, arguments), name=f"hand {hand}")
        self._hands[hand] = thread
        thread.start()

    def kill(self, hand: int) -> None:
        self._doomed.add(hand)
        self._hands[hand].join(JOIN_SECONDS)

    def is_alive(self, hand: int) -> bool:
        return self._hands[hand].is_alive()

    def join(self) -> None:
        for thread in self._hands.values():
            thread.join(JOIN_SECONDS)
            assert not thread.is_alive()

    def _run(self, hand: int, work: Work, arguments: tuple[Any, ...]) -> None:
        runtime = self.place.open()

        def die_if_doomed(*_statement: Any) -> None:
            if hand in self._doomed:
                raise Killed

        def clock() -> datetime:
            die_if_doomed()
            return runtime.now()

        for engine in (runtime.write_engine, runtime.read_engine):
            event.listen(engine, "before_cursor_execute", die_if_doomed)
        try:
            work(replace(runtime, clock=clock), *arguments)
        except (Killed, Exception):
            if hand not in self._doomed:
                log.exception("hand %s ends", hand)
                self.failures += 1
        finally:
            runtime.close()
