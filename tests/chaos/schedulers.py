"""Schedulers: hands that tick and send once in each round, until the board says that it is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from substrack.bootstrap import Runtime
from substrack.worker.clock_watch import ClockWatch
from substrack.worker.outbox import deliver_due
from substrack.worker.running import Worker
from substrack.worker.ticking import tick
from tests.chaos.board import OVER, Board

POLL_SECONDS = 0.001
DELIVERS_EVERY = 4


def tick_by_given_time(runtime: Runtime, board: Path, hand: int) -> None:
    """Tick as `tick --now` does: the clock is believed, whatever it says."""

    def act(number: int) -> None:
        now = runtime.now()
        queued = tick(runtime, now=now).messages_queued
        if queued or number % DELIVERS_EVERY == hand % DELIVERS_EVERY:
            deliver_due(runtime, now=now)

    _each_round(runtime, Board(board), hand, act)


def tick_by_watched_clock(runtime: Runtime, board: Path, hand: int) -> None:
    """Tick as a worker does, which holds everything when the clock was set."""
    shared = Board(board)
    watch = ClockWatch(runtime, boot=shared.boot_seconds)
    worker = Worker(runtime, watch=watch)

    def act(_number: int) -> None:
        worker._tick_once()
        if watch.may_act():
            deliver_due(runtime, now=runtime.now())

    _each_round(runtime, shared, hand, act)


def _each_round(runtime: Runtime, board: Board, hand: int, act: Callable[[int], None]) -> None:
    finished = -1
    board.finish(hand, finished)
    while (number := board.round) != OVER:
        if number == finished:
            time.sleep(POLL_SECONDS)
            runtime.now()  # where a thread that is to die does so
            continue
        act(number)
        finished = number
        board.finish(hand, finished)
