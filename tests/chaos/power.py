"""Power cuts: a household lives on a watched disk, and now and then the lights go out for a copy of it.

The household lives on; what the disk would hold after the cut is opened by the usual SQLite, and must be the
state after the last transaction that was acknowledged, or after the one that was under way: row by row the
same, sound, and with books that add up. A transaction is acknowledged when `transaction()` has returned, and
the digest of all rows is written down beside.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from attrs import evolve
from sqlalchemy import Engine, NullPool, create_engine, event
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime, make_runtime
from tests.chaos.disk import WAYS, Disk
from tests.chaos.household import Household
from tests.chaos.sqlite_vfs import unwatch, watch
from tests.support.books import check_books
from tests.support.databases import fastest_place

log = logging.getLogger(__name__)

CUTS_IN_A_LIFE = 40
MOST_STEPS_TO_A_CUT = 60
"""An act takes some 30 writes and a sync."""

Prepare = Callable[[Engine], None]


@dataclass(frozen=True)
class Cut:
    """What a cut left, and how many transactions had been acknowledged by then."""

    acknowledged: int
    files: dict[Path, bytes]


@dataclass
class Losses:
    """What became of the copies: how many cuts there were, and what was wrong after how many."""

    cuts: int = 0
    in_checkpoints: int = 0
    commits: int = 0
    after: Counter[str] = field(default_factory=Counter)

    @property
    def right(self) -> int:
        """Count the cuts that left what they had to."""
        return self.after["right"]

    def __str__(self) -> str:
        after = ", ".join(f"{count} {what}" for what, count in sorted(self.after.items()))
        return f"{self.cuts} cuts ({self.in_checkpoints} in checkpoints) in {self.commits} commits: {after}"


@dataclass(frozen=True)
class Witness(Runtime):
    """A runtime that tells of each acknowledged transaction."""

    acknowledge: Callable[[], None] = lambda: None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as session:
            yield session
        self.acknowledge()


def cut_power(
    household: Household, cuts: int, *, seed: int, prepare: Prepare = lambda _engine: None
) -> Losses:
    """Cut the power so often, in lives of some acts each that all begin with a copy of a household.

    `prepare` does something to the engines first.
    """
    trial = Trial(household, prepare, Random(seed))
    while trial.losses.cuts < cuts:
        with tempfile.TemporaryDirectory(prefix="power-", dir=fastest_place()) as place:
            Life(Path(place), trial).live(min(CUTS_IN_A_LIFE, cuts - trial.losses.cuts))
    return trial.losses


@dataclass
class Trial:
    """What all lives of one experiment have in common."""

    household: Household
    prepare: Prepare
    random: Random
    losses: Losses = field(default_factory=Losses)
    auditor: Auditor = field(default_factory=lambda: Auditor())


class Life:
    """One household on one disk, until the power was cut often enough."""

    def __init__(self, place: Path, trial: Trial) -> None:
        self._place, self._trial, self._random = place, trial, trial.random
        self._losses = trial.losses
        self._file = place / "substrack.db"
        copy_database(trial.household.runtime, self._file)
        self._disk = Disk(self._file, self._on_step)
        self._states: list[str] = []
        self._cut_at: int | None = None
        self._cuts: list[Cut] = []

    def live(self, cuts: int) -> None:
        """Live until there were so many cuts; look at each copy once what came after is known."""
        url = watch(self._file, self._disk)
        runtime = self._open(url)
        self._states.append(digest(self._file))
        try:
            household = self._trial.household.moved_to(runtime, self._random)
            self._arm()
            while len(self._cuts) < cuts:
                household.live()
            self._losses.commits += len(self._states) - 1
        finally:
            runtime.close()
            unwatch(self._file)
        for cut in self._cuts[:cuts]:
            self._judge(cut)

    def _open(self, url: str) -> Witness:
        settings = self._trial.household.runtime.settings
        shutil.copy(settings.data_dir / "secret-key", self._place)
        plain = make_runtime(evolve(settings, database_url=url, data_dir=self._place))
        page_count = self._random.choice([10, 30, 100, 1000])  # how often what is in the log moves on
        for engine in (plain.write_engine, plain.read_engine):
            event.listen(engine, "connect", partial(_checkpoint_after, page_count))
            self._trial.prepare(engine)
        plain.close()  # connections made before
        given: dict[str, Any] = {one.name: getattr(plain, one.name) for one in fields(plain)}
        return Witness(**given, acknowledge=self._acknowledge)

    def _acknowledge(self) -> None:
        self._states.append(digest(self._file))
        if self._cut_at is None:
            self._arm()

    def _arm(self) -> None:
        self._cut_at = self._disk.steps + self._random.randint(1, MOST_STEPS_TO_A_CUT)

    def _on_step(self) -> None:
        if self._cut_at is not None and self._disk.steps >= self._cut_at:
            self._cut_at = None
            self._losses.in_checkpoints += any(step.path == self._file for step in self._disk.pending)
            survivors = self._random.choice(WAYS)(self._disk.pending, self._random)
            self._cuts.append(Cut(len(self._states) - 1, self._disk.with_only(survivors)))

    def _judge(self, cut: Cut) -> None:
        with tempfile.TemporaryDirectory(prefix="after-", dir=self._place) as place:
            for path, content in cut.files.items():
                (Path(place) / path.name).write_bytes(content)
            self._losses.cuts += 1
            self._losses.after[self._look(Path(place) / self._file.name, cut)] += 1

    def _look(self, file: Path, cut: Cut) -> str:
        """Say how what a cut left is wrong, or that it is right."""
        try:
            state = digest(file)
            if not _is_sound(file):
                return "unsound"
        except sqlite3.DatabaseError:
            return "unsound"
        if state in self._states[cut.acknowledged : cut.acknowledged + 2]:
            return "right" if self._trial.auditor.finds_nothing(file) else "with wrong books"
        return "without an acknowledged commit" if state in self._states else "with half a transaction"


def copy_database(runtime: Runtime, to: Path) -> None:
    """Copy a SQLite database as it is now."""
    with (
        closing(sqlite3.connect(str(runtime.read_engine.url.database))) as source,
        closing(sqlite3.connect(to)) as copy,
    ):
        source.backup(copy)


def digest(file: Path, *, but: Collection[str] = ()) -> str:
    """Say in a few characters all that stands in all tables of a database, but for some."""
    connection = sqlite3.connect(file)
    try:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        seen = hashlib.sha256()
        for (name,) in names.fetchall():
            if name in but:
                continue
            seen.update(repr(connection.execute(f'SELECT * FROM "{name}"').fetchall()).encode())
        return seen.hexdigest()
    finally:
        connection.close()


def _is_sound(file: Path) -> bool:
    """Tell whether a database is whole, and takes another transaction."""
    connection = sqlite3.connect(file)
    try:
        is_whole = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        refers = not connection.execute("PRAGMA foreign_key_check").fetchall()
        connection.execute("UPDATE installation SET hold_reason = hold_reason")
        connection.commit()
        return is_whole and refers
    finally:
        connection.close()


class Auditor:
    """Looks whether the books of a copy add up; one engine for all of them, which knows its statements."""

    def __init__(self) -> None:
        self._file = Path()
        self._engine = create_engine("sqlite://", creator=self._connect, poolclass=NullPool)

    def finds_nothing(self, file: Path) -> bool:
        self._file = file
        try:
            with Session(self._engine) as session:
                check_books(session)
        except AssertionError:
            log.exception("the books are wrong")
            return False
        return True

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file)


def _checkpoint_after(pages: int, connection: Any, _record: object) -> None:
    connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
