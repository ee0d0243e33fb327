"""A disk that remembers what it was told and what it was made to keep, and how a power cut leaves it.

What was synced stays. What was only written may be there or not, in pieces of a sector and in any order:
that is all a disk promises (and that a sector that was being written is old, new, or torn, but leaves its
neighbours alone: sqlite.org/psow.html).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

SECTOR: Final = 512


@dataclass(frozen=True)
class Step:
    """Something done to a file that the disk need not have kept yet."""

    number: int
    path: Path
    kind: str
    offset: int = 0
    content: bytes = b""


@dataclass
class Disk:
    """What the files of one database are on the disk: `kept` for sure, `pending` perhaps.

    `on_step` is called before each step, which is pending by then; a power cut there finds it half done.
    """

    database: Path
    on_step: Callable[[], None] = lambda: None
    kept: dict[Path, bytearray] = field(default_factory=dict)
    pending: list[Step] = field(default_factory=list)
    steps: int = 0

    def __post_init__(self) -> None:
        if self.database.exists():
            self.kept[self.database] = bytearray(self.database.read_bytes())

    def opened(self, path: Path) -> None:
        """A new file has no name that lasts before it is synced."""

    def write(self, path: Path, offset: int, content: bytes) -> None:
        self._add(path, "write", offset, content)

    def truncate(self, path: Path, size: int) -> None:
        self._add(path, "truncate", size)

    def delete(self, path: Path, *, is_synced: bool) -> None:
        self._add(path, "delete")
        if is_synced:
            self._keep(path)

    def sync(self, path: Path) -> None:
        self._count()
        self._keep(path)

    def with_only(self, survivors: list[Step]) -> dict[Path, bytes]:
        """Tell what the files are after a cut now, if of all pending steps only these have survived."""
        left = {path: bytearray(content) for path, content in self.kept.items()}
        for step in survivors:
            _apply(left, step)
        return {path: bytes(content) for path, content in left.items()}

    def _add(self, path: Path, kind: str, offset: int = 0, content: bytes = b"") -> None:
        self.pending.append(Step(self.steps, path, kind, offset, content))
        self._count()

    def _count(self) -> None:
        self.steps += 1
        self.on_step()

    def _keep(self, path: Path) -> None:
        """Keep all that was done to a file; syncing a new one keeps its name too, as SQLite syncs both."""
        self.kept.setdefault(path, bytearray())
        for step in self.pending:
            if step.path == path:
                _apply(self.kept, step)
        self.pending = [step for step in self.pending if step.path != path]


def nothing(_pending: list[Step], _random: Random) -> list[Step]:
    """The disk had kept nothing it need not keep."""
    return []


def everything(pending: list[Step], _random: Random) -> list[Step]:
    """The disk was just about to say that it is done."""
    return list(pending)


def the_first(pending: list[Step], random: Random) -> list[Step]:
    """The disk worked in order, and was torn in the middle of a step."""
    count = random.randint(0, len(pending))
    return [*pending[:count], *(_torn(step, random) for step in pending[count : count + 1])]


def any_sectors(pending: list[Step], random: Random) -> list[Step]:
    """The disk worked in whatever order it liked, sector by sector; a few it was just writing are torn."""
    chance = random.random()
    pieces = [piece for step in pending for piece in _sectors(step) if random.random() < chance]
    return [_torn(piece, random) if random.random() < 0.05 else piece for piece in pieces]


WAYS: Final = (nothing, everything, the_first, any_sectors)


def _sectors(step: Step) -> list[Step]:
    if step.kind != "write":
        return [step]
    pieces, start, end = [], step.offset, step.offset + len(step.content)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        content = step.content[start - step.offset : stop - step.offset]
        pieces.append(Step(step.number, step.path, "write", start, content))
        start = stop
    return pieces


def _torn(step: Step, random: Random) -> Step:
    return Step(
        step.number, step.path, step.kind, step.offset, step.content[: random.randint(0, len(step.content))]
    )


def _apply(files: dict[Path, bytearray], step: Step) -> None:
    if step.kind == "delete":
        files.pop(step.path, None)
        return
    content = files.setdefault(step.path, bytearray())
    if step.kind == "truncate":
        _resize(content, step.offset)
        return
    _resize(content, max(len(content), step.offset))
    content[step.offset : step.offset + len(step.content)] = step.content


def _resize(content: bytearray, size: int) -> None:
    """A file that grows past its end has zeros there."""
    del content[size:]
    content.extend(bytes(size - len(content)))
