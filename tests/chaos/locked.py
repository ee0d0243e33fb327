"""A database that another holds: people press, the worker goes on trying; then it is let go.

While it is held, presses are answered 503 in time and change nothing, and pages can be read. Afterwards the
same presses count, once, and what had become due is done, all in the same processes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import func, select, text

from substrack.bootstrap import Runtime
from substrack.domain.delivery import MessageState
from substrack.store import Message, Period
from substrack.worker.running import Worker
from tests.chaos.doors import Answer, Doors
from tests.support.books import check_books

WRITTEN: Final = "payments, attempts, messages, workspaces, user_sessions, inbound, installation, groups"
PRESSES: Final = ("claim", "settings", "press in Telegram")
READING_SECONDS: Final = 5.0


@dataclass
class Findings:
    """What was wrong, how many presses came meanwhile, and how long the slowest answer took."""

    wrong: list[str] = field(default_factory=list)
    presses: int = 0
    slowest_seconds: float = 0.0

    def __str__(self) -> str:
        told = f"{self.presses} presses, slowest answer {self.slowest_seconds:.1f} s"
        return f"{told}: {len(self.wrong)} wrong" if self.wrong else f"{told}: 503, 0 half, all done later"


@contextmanager
def held(runtime: Runtime, seconds: float, tables: str = f"{WRITTEN} IN EXCLUSIVE MODE") -> Iterator[None]:
    """Hold the lock of all writers for so long at least, and as long as the block takes."""
    with runtime.transaction() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            session.execute(text(f"LOCK TABLE {tables}"))
        else:
            session.execute(text("UPDATE installation SET hold_reason = hold_reason"))
        until = time.monotonic() + seconds
        yield
        time.sleep(max(0.0, until - time.monotonic()))


def hold_and_press(
    doors: Doors, holder: Runtime, worker: Runtime, seconds: float, *, within: float
) -> Findings:
    """Press while the lock is held, and again afterwards; one worker runs all the time.

    `within` is how long an answer may take.
    """
    findings = Findings()
    doors.clock.now = doors.clock.now.fromisoformat("2026-04-01T09:00:00+00:00")  # a period is to open
    doors.hand_out_links()
    before = _count(doors)
    with _held_and_then_working(holder, worker, seconds) as let_go:
        for name in PRESSES:
            _press_in_vain(name, doors, findings, within)
        if _count(doors) != before:
            findings.wrong.append("something was written past the lock")
        let_go()
        for name in PRESSES:
            if not _eventually(doors.acts()[name]):
                findings.wrong.append(f"{name} is not possible afterwards")
        if not _eventually(lambda: Answer(is_done=_is_done(doors, before))):
            findings.wrong.append(f"the worker did not go on: {before}, then {_count(doors)}")
    with doors.runtime.reading() as session:
        check_books(session)
    return findings


def _press_in_vain(name: str, doors: Doors, findings: Findings, within: float) -> None:
    began = time.monotonic()
    answer = doors.acts()[name]()
    took = time.monotonic() - began
    findings.presses += 1
    findings.slowest_seconds = max(findings.slowest_seconds, took)
    if answer.is_done or answer.wrong:
        findings.wrong.append(f"{name} while locked: {answer.wrong or 'done'}")
    if took > within:
        findings.wrong.append(f"{name}: answered after {took:.1f} s")
    began = time.monotonic()
    if not doors.can_read() or time.monotonic() - began > READING_SECONDS:
        findings.wrong.append("pages could not be read meanwhile")


@contextmanager
def _held_and_then_working(holder: Runtime, worker: Runtime, seconds: float) -> Iterator[Callable[[], None]]:
    """Hold the lock, begin to work, and give what waits until the lock is let go."""
    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with held(holder, seconds):
            is_held.set()
            may_go.wait(10 * seconds + 60)

    holding, crew = threading.Thread(target=hold), Worker(worker)
    working = threading.Thread(target=crew.run)
    holding.start()
    is_held.wait(60)
    working.start()

    def let_go() -> None:
        may_go.set()
        holding.join()
        assert working.is_alive(), "the worker did not survive"

    try:
        yield let_go
    finally:
        may_go.set()
        crew.stop()
        holding.join()
        working.join(60)


def _count(doors: Doors) -> tuple[int, int]:
    """Count periods, and messages that were sent."""
    with doors.runtime.reading() as session:
        periods = session.scalar(select(func.count(Period.id))) or 0
        sent = select(func.count(Message.id)).where(Message.state == MessageState.SENT)
        return periods, session.scalar(sent) or 0


def _is_done(doors: Doors, before: tuple[int, int]) -> bool:
    """Tell whether the period is open and its mail, and that about the claim, has gone out."""
    periods, sent = _count(doors)
    return periods == before[0] + 1 and sent > before[1]


def _eventually(act: Callable[[], Answer], seconds: float = 60) -> bool:
    """Try until it is done, as people and Telegram do."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if act().is_done:
            return True
        time.sleep(0.05)
    return False
