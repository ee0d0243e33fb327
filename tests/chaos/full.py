"""A full disk: each act of a home runs into it at one write after the other, and then there is room again.

An act that is refused must have changed nothing (or, where it is many transactions, nothing by half), must be
told calmly, and must be possible again in the same process as soon as there is room.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from tests.chaos.doors import UNCHANGED, Answer, Doors
from tests.chaos.power import digest
from tests.chaos.sqlite_vfs import NoRoom
from tests.support.books import check_books

IN_MANY_TRANSACTIONS: Final = frozenset({"deliver", "open periods", "queue requests"})
COUNTED_FIRST: Final = frozenset({"tries"})
"""A try to sign in counts whatever becomes of it."""

PAGES_ENOUGH: Final = 1_000_000
PAGE: Final = 4096


@dataclass
class Shelf:
    """A disk with room for so many more writes; without a number, there is room for all."""

    room: int | None = None
    refused: int = 0

    def opened(self, path: Path) -> None: ...
    def truncate(self, path: Path, size: int) -> None: ...
    def sync(self, path: Path) -> None: ...
    def delete(self, path: Path, *, is_synced: bool) -> None: ...

    def write(self, path: Path, offset: int, content: bytes) -> None:
        if self.room is None:
            return
        if self.room == 0:
            self.refused += 1
            raise NoRoom
        self.room -= 1


@dataclass
class Pages:
    """A database that may grow by so many pages: SQLite itself refuses, in the middle of a statement."""

    runtime: Runtime
    file: Path
    room: int | None = None
    refused: int = 0

    def __post_init__(self) -> None:
        event.listen(self.runtime.write_engine, "checkout", self._allow)

    def _allow(self, connection: Any, *_rest: object) -> None:
        (used,) = connection.execute("PRAGMA page_count").fetchone()
        most = PAGES_ENOUGH if self.room is None else used + self.room
        connection.execute(f"PRAGMA max_page_count = {most}")


@dataclass
class Ballast:
    """A real disk, small, on which a heavy file leaves so many pages free."""

    place: Path
    refused: int = 0
    _room: int | None = None

    @property
    def room(self) -> int | None:
        """How many pages are free; None when there is no ballast."""
        return self._room

    @room.setter
    def room(self, pages: int | None) -> None:
        self._room = pages
        heavy = self.place / "ballast"
        heavy.unlink(missing_ok=True)
        if pages is not None:
            size = _fill(heavy)
            os.truncate(heavy, max(0, size - pages * PAGE))


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path | None]:
    """Mount a small disk in memory; None where that is not ours to do."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(file: Path) -> int:
    """Write a file until there is no room left; return its size."""
    with suppress(OSError), file.open("wb", buffering=0) as heavy:
        while True:
            heavy.write(bytes(PAGE))
    return file.stat().st_size


@dataclass
class Findings:
    """How often the disk was full, in which acts, and what was wrong then."""

    points: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        half = f"{len(self.wrong)} wrong" if self.wrong else "0 half, each answered calmly and done later"
        return f"{self.points.total()} points in {len(self.points)} kinds of acts: {half}"


Disk = Shelf | Pages | Ballast


def fill_up(
    doors: Doors, disk: Disk, file: Path, points: Callable[[], Iterator[int]], findings: Findings
) -> None:
    """Let everything happen, each act at first with room for 0 writes, then for more, until it has enough.

    Ends with the first act of which something is wrong.
    """
    for name, act in doors.acts().items():
        for room in points():
            before = digest(file, but=COUNTED_FIRST)
            disk.room = room
            answer = act()
            can_read = room > 0 or doors.can_read()
            disk.room = None
            if answer.is_done:
                break
            findings.points[name] += 1
            findings.wrong += [
                f"{name}, room for {room}: {what}" for what in _wrong(doors, name, answer, before, file)
            ]
            if not can_read:
                findings.wrong.append(f"{name}, room for {room}: pages can't be read")
        else:
            _finish(name, act, findings)
        if findings.wrong:
            return


def _finish(name: str, act: Callable[[], Answer], findings: Findings) -> None:
    for _ in range(3):  # what was sent, and not marked, waits for its lease
        answer = act()
        if answer.is_done:
            return
    findings.wrong.append(f"{name}: not done with room enough: {answer}")


def _wrong(doors: Doors, name: str, answer: Answer, before: str, file: Path) -> Iterator[str]:
    if answer.wrong:
        yield answer.wrong
    is_changed = digest(file, but=COUNTED_FIRST) != before
    if is_changed and (name not in IN_MANY_TRANSACTIONS or UNCHANGED in answer.text):
        yield "something was changed"
    with doors.runtime.reading() as session:
        yield from _unbalanced(session)
    connection = sqlite3.connect(file)
    if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        yield "the database is broken"
    connection.close()


def _unbalanced(session: Session) -> Iterator[str]:
    try:
        check_books(session)
    except AssertionError as wrong:
        yield str(wrong)
