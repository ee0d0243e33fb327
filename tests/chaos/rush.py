"""A rush: much is due in one minute, and then nobody takes any mail for six hours by the workers' clock.

Real workers and a real relay. All go by one clock, the books', which runs like the real one and leaps over
the hours of the outage, the time since boot along with the wall clock, so that nobody takes it for wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime, wall_clock
from substrack.domain.actors import Actor
from substrack.domain.delivery import WAITING, MessageState
from substrack.domain.notices import REQUESTS
from substrack.services.claims import claim_payments
from substrack.services.payments import confirm_payment
from substrack.services.putting_off import snooze_payments
from substrack.store import Lane, Message, MessageItem
from substrack.worker import running
from substrack.worker.clock_watch import ClockWatch, boot_seconds
from substrack.worker.running import Worker
from tests.chaos.board import Board
from tests.chaos.crews import Crew
from tests.chaos.debtors import ASKED
from tests.chaos.draining import run_until_over
from tests.chaos.relay import Relay
from tests.chaos.rush_verdict import Found, Sent
from tests.support.cast import Cast

WORKERS: Final = 4
OUTAGE: Final = timedelta(hours=6)
STEPS: Final = 6
LOOK_SECONDS: Final = 0.02
GIVES_UP_AFTER: Final = timedelta(minutes=65)
"""By the books, and more than an hour; what has not gone out by then never does."""


@dataclass(frozen=True)
class Books:
    """The clock of the books. The board has on its wall the real instant at which it stood at ASKED."""

    board: Board

    def now(self) -> datetime:
        """Read the instant."""
        return ASKED + (wall_clock() - self.board.wall()) + self.leapt

    def boot(self) -> float:
        """Read the seconds since boot, by the same books."""
        return boot_seconds() + self.leapt.total_seconds()

    @property
    def leapt(self) -> timedelta:
        """How much was leapt over so far."""
        return timedelta(seconds=self.board.boot_seconds())


def work_by_the_books(runtime: Runtime, board: Path, hand: int, ring_seconds: float) -> None:
    """Run a worker as an operator does, by the clock of the books, until the board says that it is over."""
    shared = Board(board)
    books = Books(shared)
    vars(running)["DELIVER_SECONDS"] = ring_seconds
    mine = replace(runtime, clock=books.now)
    worker = Worker(mine, watch=ClockWatch(mine, boot=books.boot))
    shared.finish(hand, 1)
    run_until_over(worker, shared)


@dataclass
class Rush:
    """Requests that are due within `spread`, those who deliver them, and those who settle some meanwhile.

    When nothing goes out for `patience_seconds` although it is due, it is given up: all of them sleep.
    """

    cast: Cast
    relay: Relay
    board: Board
    crew: Crew
    spread: timedelta
    ring_seconds: float
    patience_seconds: float
    _leaps: list[tuple[float, timedelta]] = field(default_factory=list)
    _due: dict[int, datetime] = field(default_factory=dict)

    def run(self, rush: int) -> Found:
        """Let the first `rush` requests come due at once, the others in an outage; say what came of it."""
        self._books = Books(self.board)
        self._zero = time.monotonic() - (self._books.now() - ASKED).total_seconds()
        keys = self.cast.read(_requests)
        self._make_due(keys, ASKED + timedelta(days=2))
        for hand in range(WORKERS):
            self.crew.start(hand, work_by_the_books, self.board.path, hand, self.ring_seconds)
        self._until(lambda: all(self.board.finished(hand) == 1 for hand in range(WORKERS)))
        self._make_due(keys[:rush], self._books.now() + timedelta(seconds=1))
        settled, ended_at = list[int](), self._books.now()
        if self._drain():
            settled, ended_at = self._outage(keys[rush:])
            self._drain()
        states = self.cast.read(_states)
        return Found(
            due={states[key][0]: self._due[key] for key in keys[:rush]},
            wanted=frozenset(name for name, state in states.values() if state is not MessageState.CANCELLED),
            settled=frozenset(states[key][0] for key in settled),
            sent=[self._read(one.message, one.at) for one in self.relay.accepted],
            ended_at=ended_at,
        )

    def _outage(self, keys: Sequence[int]) -> tuple[list[int], datetime]:
        """Close the doors, let mail come due and time pass, let people settle some of it; open again."""
        self.relay.close_doors()
        self._until(lambda: not self.relay.is_reachable)
        self._make_due(keys, self._books.now())
        self._until(self._is_paused)
        for step in range(STEPS):
            self._leap(OUTAGE / STEPS)
            if step == STEPS // 2:
                settled = [key for place, key in enumerate(keys) if self._settle(place, key)]
            self._until(self._is_paused)
        self.relay.open_doors()
        return settled, self._books.now()

    def _settle(self, place: int, key: int) -> bool:
        """Do something about a request so that it must not go out any more; every fifth one stays."""
        now, cast = self._books.now(), self.cast
        owner, payments = cast.read(lambda session: _listed(session, key))
        by = Actor.contact(owner)
        match place % 5:
            case 0:
                cast.do(claim_payments, owner, payments, by=by, now=now)
            case 1:
                for payment in payments:
                    cast.do(confirm_payment, payment, by=cast.olga, now=now)
            case 2:
                until = now.date() + timedelta(days=5)
                cast.do(snooze_payments, owner, payments, until=until, by=by, now=now)
            case 3:
                stale = update(Message).where(Message.id == key).values(expires_at=now)
                cast.do(lambda session: session.execute(stale))
            case _:
                return False
        return True

    def _drain(self) -> bool:
        """Wait until all that is due is out, leaping where a lane waits by the books; False if never."""
        began, last, moved = self._books.now(), len(self.relay.accepted), time.monotonic()
        while self._is_waiting():
            pause, taken = self._pause(), len(self.relay.accepted)
            if taken != last:
                last, moved = taken, time.monotonic()
            elif pause > timedelta(0):
                self._leap(pause)
                moved = time.monotonic()
            is_asleep = time.monotonic() - moved > self.patience_seconds
            if is_asleep or self._books.now() - began > GIVES_UP_AFTER:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def _make_due(self, keys: Sequence[int], begin: datetime) -> None:
        """Spread when these are due."""
        due = {key: begin + self.spread * (place / len(keys)) for place, key in enumerate(keys)}
        self._due |= due
        with self.cast.runtime.transaction() as session:
            for key, at in due.items():
                session.execute(update(Message).where(Message.id == key).values(due_at=at))

    def _leap(self, over: timedelta) -> None:
        self._leaps.append((time.monotonic(), over))
        self.board.leap(over)

    def _read(self, message: str, at: float) -> Sent:
        """Say by the books when something was taken."""
        leapt = sum((over for leapt_at, over in self._leaps if leapt_at <= at), timedelta(0))
        return Sent(message, ASKED + timedelta(seconds=at - self._zero) + leapt)

    def _pause(self) -> timedelta:
        """Say how long a lane is still left alone; not at all while a lease runs, which a leap would end."""
        now = self._books.now()
        held = exists().where(Message.state == MessageState.SENDING, Message.lease_until > now)
        paused = select(Lane.paused_until).where(Lane.failing_since.is_not(None), ~held)
        return (self.cast.read(lambda session: session.scalar(paused)) or now) - now

    def _is_paused(self) -> bool:
        """Tell whether a probe has just failed."""
        return self._pause() > timedelta(0)

    def _is_waiting(self) -> bool:
        soon = self._books.now() + self.spread + timedelta(minutes=1)
        due = exists().where(Message.state.in_(WAITING), Message.due_at <= soon)
        return bool(self.cast.read(lambda session: session.scalar(select(due))))

    def _until(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not is_so():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(LOOK_SECONDS)


def _requests(session: Session) -> list[int]:
    query = select(Message.id).where(Message.notice.in_(REQUESTS), Message.state == MessageState.QUEUED)
    return list(session.scalars(query.order_by(Message.id)))


def _listed(session: Session, key: int) -> tuple[int, list[int]]:
    """Say whom a request asks, and for what."""
    query = select(MessageItem.payment_id).where(MessageItem.message_id == key)
    owner = session.get_one(Message, key).contact_id
    assert owner is not None
    return owner, list(session.scalars(query))


def _states(session: Session) -> dict[int, tuple[str, MessageState]]:
    rows = session.execute(select(Message.id, Message.public_id, Message.state)).all()
    return {key: (public_id, state) for key, public_id, state in rows}
