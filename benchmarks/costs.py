"""What a piece of work costs: processor time of this process and of the database server, and memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PROCESSES: Final = Path("/proc")
TICKS: Final = os.sysconf("SC_CLK_TCK")
KIB: Final = 1024


@dataclass
class Meter:
    """Adds up processor seconds, and remembers the largest memory of this process (bytes, resident).

    `server_pid` is PostgreSQL's; the time of all its processes counts, for part of the work is done there.
    """

    server_pid: int | None = None
    seconds: float = 0.0
    peak: int = field(default_factory=lambda: _memory("VmRSS"))

    def run(self, work: Callable[[], object]) -> None:
        """Do some work and add what it costs."""
        (PROCESSES / "self/clear_refs").write_text("5")  # the largest so far is forgotten (proc(5))
        before = self._now()
        work()
        self.seconds += self._now() - before
        self.peak = max(self.peak, _memory("VmHWM"))

    def _now(self) -> float:
        server = 0.0 if self.server_pid is None else sum(_seconds_of(self.server_pid))
        return time.process_time() + server


def _seconds_of(server_pid: int) -> Iterator[float]:
    """Give the time of a server, of its children, and of those that have ended."""
    for status in PROCESSES.glob("[0-9]*/stat"):
        try:
            facts = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        is_server = int(status.parent.name) == server_pid
        if is_server or int(facts[1]) == server_pid:
            yield sum(map(int, facts[11 : 15 if is_server else 13])) / TICKS


def _memory(name: str) -> int:
    lines = (PROCESSES / "self/status").read_text().splitlines()
    return next(int(line.split()[1]) * KIB for line in lines if line.startswith(f"{name}:"))
