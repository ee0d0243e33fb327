"""What the processes of an experiment share beside the database: two clocks and who has come how far.

A few whole numbers in a file that all of them map; each is read and written in one go.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

WALL, BOOT, ROUND, FIRST_HAND = range(4)
HANDS = 16
OVER = -1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Board:
    """The board at a path; every process makes its own from it."""

    path: Path

    @classmethod
    def make(cls, path: Path, wall: datetime) -> Board:
        """Write a new one, with the clock at `wall`."""
        path.write_bytes(bytes(8 * (FIRST_HAND + HANDS)))
        board = cls(path)
        board.set_wall(wall)
        return board

    @cached_property
    def _numbers(self) -> memoryview:
        with self.path.open("r+b") as file:
            return memoryview(mmap.mmap(file.fileno(), 0)).cast("q")

    def wall(self) -> datetime:
        """Read the clock on the wall."""
        return EPOCH + self._numbers[WALL] * MICROSECOND

    def set_wall(self, wall: datetime) -> None:
        """Set the clock on the wall, and nothing else: a jump."""
        self._numbers[WALL] = (wall - EPOCH) // MICROSECOND

    def boot_seconds(self) -> float:
        """Read how long the machine has been up."""
        return self._numbers[BOOT] / 1e6

    def let_pass(self, time: timedelta) -> None:
        """Let both clocks run on."""
        self._numbers[BOOT] += time // MICROSECOND
        self._numbers[WALL] += time // MICROSECOND

    def leap(self, time: timedelta) -> None:
        """Let the time since boot alone run on, in one go, for who reads both clocks from it."""
        self._numbers[BOOT] += time // MICROSECOND

    @property
    def round(self) -> int:
        """Which round everybody is to work on; `OVER` when they are to leave."""
        return int(self._numbers[ROUND])

    def begin_round(self) -> int:
        """Begin the next round."""
        self._numbers[ROUND] += 1
        return self.round

    def end(self) -> None:
        """Let everybody leave."""
        self._numbers[ROUND] = OVER

    def finished(self, hand: int) -> int:
        """Say which round a hand has finished last."""
        return int(self._numbers[FIRST_HAND + hand])

    def finish(self, hand: int, number: int) -> None:
        """Note that a hand has finished a round; -1 before its first."""
        self._numbers[FIRST_HAND + hand] = number
