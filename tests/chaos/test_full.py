"""A full database half-writes nothing: disk full at every write of every kind of act."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from substrack.bootstrap import make_runtime
from substrack.setting_values import SecretStr
from substrack.settings import Settings
from substrack.worker import outbox
from tests.chaos.doors import Doors
from tests.chaos.figures import record
from tests.chaos.full import Ballast, Disk, Findings, Pages, Shelf, fill_up, small_disk
from tests.chaos.scale import sized
from tests.chaos.sqlite_vfs import unwatch, watch
from tests.support.databases import Databases
from tests.web.support import TurnableClock

PROMISE = "a locked or full database half-writes nothing"
KINDS = sized(short=["writes"], full=["writes", "writes in the middle", "pages", "pages of a small disk"])


def points() -> Iterator[int]:
    """Choose how many writes there is room for: few, then more and more."""
    few: tuple[int, ...] = sized(short=(0, 1, 6), full=(0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144))
    every = itertools.chain(range(60), range(60, 400, 20))
    yield from sized(short=few, full=few, long=tuple(every))


Prepare = Callable[[Engine], None]


@dataclass
class Opener:
    """Opens homes on disks of some kind, until the test is over."""

    databases: Databases
    data_dir: Path
    stack: ExitStack

    def open(self, kind: str, prepare: Prepare = lambda _engine: None) -> tuple[Doors, Disk, Path]:
        """Open one, on the kind of disk that there is; `prepare` does something to the writing engine."""
        url = self.stack.enter_context(self.databases.lend("sqlite"))
        file = Path(url.removeprefix("sqlite:///"))
        if kind.startswith("writes"):
            shelf = Shelf()
            url = watch(file, shelf)
            self.stack.callback(unwatch, file)
        if kind == "pages":
            _divide(file)
        place = self._small_disk() if kind == "pages of a small disk" else None
        if place is not None:
            file, url = _moved(file, place)
        clock = TurnableClock()
        runtime = replace(make_runtime(self._settings(url, place or self.data_dir)), clock=clock)
        self.stack.callback(runtime.close)
        prepare(runtime.write_engine)
        if kind == "writes in the middle":
            event.listen(runtime.write_engine, "connect", _keep_little)
        runtime.close()  # connections made before
        doors = Doors(runtime, clock, proof_bytes=600_000 if place else 30_000)
        if kind.startswith("writes"):
            return doors, shelf, file
        return doors, Ballast(place) if place else Pages(runtime, file), file

    def _small_disk(self) -> Path | None:
        place = self.data_dir / "small"
        place.mkdir()
        return self.stack.enter_context(small_disk(place, "12m"))

    def _settings(self, url: str, data_dir: Path) -> Settings:
        return Settings(
            database_url=url,
            data_dir=data_dir,
            base_url="http://127.0.0.1:8000",
            telegram_token=SecretStr("123456:" + "a" * 35),
            telegram_webhook=True,
            lease_seconds=1,
        )


def _divide(file: Path) -> None:
    """Make pages so small that nearly every row needs a new one."""
    connection = sqlite3.connect(file)
    for step in ("PRAGMA journal_mode=DELETE", "PRAGMA page_size=512", "VACUUM"):
        connection.execute(step)
    connection.close()


def _moved(file: Path, place: Path) -> tuple[Path, str]:
    moved = place / "substrack.db"
    shutil.copyfile(file, moved)
    return moved, f"sqlite:///{moved}"


@pytest.fixture
def opener(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opener]:
    monkeypatch.setattr(outbox, "MARK_AGAIN_SECONDS", 0.02)
    with ExitStack() as stack:
        yield Opener(databases, tmp_path, stack)


def _keep_little(connection: Any, _record: object) -> None:
    """Keep so few pages that transactions are written to the log long before they end."""
    connection.execute("PRAGMA cache_size = 4")


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_leaves_nothing_by_half_and_everything_works_when_there_is_room(
    opener: Opener, kind: str
) -> None:
    findings = Findings()
    fill_up(*opener.open(kind), points, findings)
    record(PROMISE, f"SQLite, disk full, counted in {kind}", str(findings))
    assert not findings.wrong, "\n".join(findings.wrong)
    assert findings.points.total() >= (10 if kind.startswith("pages") else 30), str(findings)


def test_a_full_disk_shows_that_statements_are_committed_one_by_one(opener: Opener) -> None:
    def never_begin(engine: Engine) -> None:
        @event.listens_for(engine, "begin")
        def end_at_once(connection: Connection) -> None:
            connection.exec_driver_sql("COMMIT")

    findings = Findings()
    fill_up(*opener.open("writes", never_begin), lambda: iter((20,)), findings)
    record(PROMISE, "planted: each statement is a transaction, disk full", str(findings))
    assert any("something was changed" in each for each in findings.wrong)
