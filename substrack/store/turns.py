"""Writers of one process stand in line before they ask SQLite for its one write lock.

SQLite keeps no line: who finds the lock taken looks again after 1 to 100 ms, and of many who wait some
luckier one goes first each time. Here the threads of a process wait for each other in the order they came,
and are woken at once. What is left is one writer of each process, who looks every few milliseconds.
"""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any, Final

LOOK_SECONDS: Final = 0.002
"""How often a writer looks whether another process has given the lock back."""


class Line:
    """A line in which everybody goes in the order they came."""

    def __init__(self) -> None:
        self._mutex = Lock()
        self._waiting = deque[Lock]()
        self._is_taken = False

    def enter(self, seconds: float) -> bool:
        """Wait for one's turn; False when it did not come in so many seconds."""
        with self._mutex:
            if not self._is_taken:
                self._is_taken = True
                return True
            gate = Lock()
            gate.acquire()
            self._waiting.append(gate)
        if gate.acquire(timeout=max(seconds, 0)):
            return True
        with self._mutex:
            if gate not in self._waiting:
                return True  # it came at the last moment
            self._waiting.remove(gate)
        return False

    def leave(self) -> None:
        """Let the next one go."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False


@cache
def line_before(database: str) -> Line:
    """Return this process's line before a database, by its path or URI."""
    return Line()


class Writer(sqlite3.Connection):
    """A connection whose transactions begin when it is their turn; it is over when they are."""

    line: Line
    lock_seconds: float
    _has_turn = False

    @contextmanager
    def beginning(self, *, waits: bool) -> Iterator[bool]:
        """Begin a transaction that may write, after all who came before.

        Gives False when others had the lock all the time, or for anything else that SQLite is to say itself,
        at once, when it is asked once more inside.
        """
        end = time.monotonic() + (self.lock_seconds if waits else 0)
        self._has_turn = self.line.enter(end - time.monotonic())
        try:
            self.execute("PRAGMA busy_timeout=0")
            yield self._begins_before(end)
        except BaseException:
            self._leave()
            raise
        finally:
            self.execute(f"PRAGMA busy_timeout={self.lock_seconds * 1000:.0f}")

    def _begins_before(self, end: float) -> bool:
        while time.monotonic() < end:
            try:
                self.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    return False
            else:
                return True
            time.sleep(LOOK_SECONDS)
        return False

    def commit(self) -> None:
        """Commit, and let the next one go; a commit that fails keeps its turn until it is rolled back."""
        super().commit()
        self._leave()

    def rollback(self) -> None:
        """Roll back, and let the next one go."""
        try:
            super().rollback()
        finally:
            self._leave()

    def close(self) -> None:
        """Close, which rolls back."""
        try:
            super().close()
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self.line.leave()


def writer_of(line: Line, lock_seconds: float) -> type[Writer]:
    """Make a kind of connection that stands in this line."""
    terms: dict[str, Any] = {"line": line, "lock_seconds": lock_seconds}
    return type("WriterOfOneDatabase", (Writer,), terms)
