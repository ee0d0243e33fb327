"""How much memory a worker holds when it has sent very many messages."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.crowd import ASKED_AT, Crowd
from benchmarks.delivering import CONNECTIONS, FROM, requests
from benchmarks.frame import Result, Target, megabytes
from benchmarks.place import Place, environment_of
from benchmarks.processes import Running, module
from benchmarks.sinks import fast_sink
from substrack.queries.watching import load_message_counts

LOOK_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 900.0
WORK: Final = "worker: memory"
REST: Final = Target(110, "MB")
GROWTH: Final = Target(1.02)


def measure(place: Place) -> Iterator[Result]:
    """Let a worker send requests, and look at it after the first tenth and after the last."""
    early, late = place.sized((1_000, 10_000), (4, 8))
    with fast_sink() as (_name, port), place.lend("sqlite") as settings, requests(settings, late) as crowd:
        mailing = {
            "SUBSTRACK_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "SUBSTRACK_SMTP_CONNECTIONS": str(CONNECTIONS),
            "SUBSTRACK_MAIL_FROM": FROM,
            "SUBSTRACK_NOW": ASKED_AT.isoformat(),
        }
        with _worker(environment_of(settings) | mailing) as worker:
            before = _memory_after(crowd, early, worker)
            after = _memory_after(crowd, late, worker)
    of = f"after {late:,} messages"
    yield Result(WORK, of, megabytes(after), target=REST)
    yield Result(
        f"{WORK} grows", of, megabytes(after), megabytes(before), f"after {early:,} messages", GROWTH
    )


@contextmanager
def _worker(environment: dict[str, str]) -> Iterator[Running]:
    out = subprocess.DEVNULL
    with subprocess.Popen(
        module("substrack", "worker"), env=os.environ | environment, stdout=out, stderr=out
    ) as process:
        try:
            yield Running(process.pid, 0)
        finally:
            process.kill()  # nothing is left to do


def _memory_after(crowd: Crowd, sent: int, worker: Running) -> float:
    """Wait until so many messages are sent, and read the memory of the worker, in bytes."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        with crowd.runtime.reading() as session:
            if sum(load_message_counts(session).values()) >= sent:
                return worker.memory
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"{sent} messages are not sent")
