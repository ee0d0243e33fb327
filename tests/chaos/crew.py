"""A worker as an operator runs it, in a process that writes down what it does and may die at a named step.

The steps of the outbox are wrapped from outside; the worker knows nothing of it.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import alembic.command  # noqa: F401  (what every worker needs, read once for all)
from aiosmtplib.protocol import SMTPProtocol
from apscheduler.schedulers import asyncio as _scheduler  # noqa: F401

from substrack.cli import serving
from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.services.leases import ClaimedMessage
from substrack.services.outcomes import Accepted
from substrack.settings import Settings
from substrack.worker import outbox, outbox_steps, running
from substrack.worker.outbox_steps import Steps
from tests.chaos.journals import Pen

DIED: Final = 77
"""How a process ends that came to its failpoint."""

POINTS: Final = ("claiming", "claimed", "building", "built", "sent", "accepted", "marking", "marked")
"""Steps at which a worker may die: `…ing` before the commit of a step, the others after it.

`sent`: the whole mail is on its way and no answer was read; `accepted`: the answer was read.
"""

END_OF_MAIL: Final = b"\r\n.\r\n"


@dataclass(frozen=True)
class Orders:
    """How one worker is to live: its settings, where it writes, at which step it dies and after how many.

    `tamper` spoils the code of this process, for experiments that have to notice.
    """

    settings: Settings
    journal: Path
    log: Path
    ring_seconds: float
    dies_at: str | None = None
    dies_after: int = 1
    tamper: Callable[[], None] | None = None


def work(orders: Orders) -> None:
    """Be a worker until told to stop."""
    threading.Thread(target=end_with_the_test, daemon=True).start()
    write_to(orders.log)
    vars(running)["DELIVER_SECONDS"] = orders.ring_seconds
    if orders.tamper is not None:
        orders.tamper()
    _wrap(_Steps(orders))
    serving.worker(orders.settings)


def end_with_the_test() -> None:
    """Nobody is to go on working for a test that was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def write_to(log: Path) -> None:
    """Let everything this process says go into a file."""
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(handle, sys.stdout.fileno())
    os.dup2(handle, sys.stderr.fileno())


class _Steps:
    """Passes the steps of one worker, in order; the last one kills."""

    def __init__(self, orders: Orders) -> None:
        self._pen, self._orders, self._left = Pen(orders.journal), orders, orders.dies_after
        self._marked: set[str] = set()

    def ready(self) -> None:
        self._note("ready")

    def claiming(self, held: Sequence[ClaimedMessage]) -> None:
        for one in held:
            self._note("claiming", message=one.public_id, token=one.token)
        if held:
            self._passed("claiming")

    def claimed(self, held: Sequence[ClaimedMessage]) -> None:
        if held:
            self._note("claimed", token=held[0].token)
            self._passed("claimed")

    def released(self, held: Sequence[ClaimedMessage]) -> None:
        for one in held:
            self._note("released", message=one.public_id, token=one.token)

    def failed(self, one: ClaimedMessage, failure: DeliveryFailed) -> None:
        """What failed is in the queue again, or dead: whoever tried it holds it no more."""
        self._note("released", message=one.public_id, token=one.token)
        if failure.may_have_arrived:
            self._note("unheard", message=one.public_id)
        if failure.scope is Scope.LANE:
            self._note("paused")

    def opened(self, *, has_opened: bool) -> None:
        """A probe that was accepted ends the pause of its lane."""
        if has_opened:
            self._note("opened")

    def building(self) -> None:
        self._passed("building")

    def built(self) -> None:
        self._passed("built")

    def sending(self, message: str) -> None:
        self._note("sending", message=message)

    def written(self, data: bytes) -> None:
        if data.endswith(END_OF_MAIL):
            self._passed("sent")

    def accepted(self) -> None:
        self._passed("accepted")

    def marking(self, marked: Sequence[ClaimedMessage]) -> None:
        self._marked = {one.public_id for one in marked}
        self._passed("marking")

    def marked(self, accepted: Sequence[Accepted]) -> None:
        for one in (each.claimed for each in accepted):
            rows = int(one.public_id in self._marked)
            self._note("marked", message=one.public_id, token=one.token, rows=rows)
        self._passed("marked")

    def _note(self, what: str, **facts: Any) -> None:
        self._pen.write(pid=os.getpid(), what=what, **facts)

    def _passed(self, point: str) -> None:
        if point == self._orders.dies_at:
            self._left -= 1
            if not self._left:
                self._note("died", point=point)
                os._exit(DIED)


def _wrap(steps: _Steps) -> None:
    """Put the steps around what the outbox does; what services did is noted inside their transaction."""
    around(outbox.Outbox, "deliver", before=lambda *_given: steps.ready())
    around(outbox_steps, "claim_messages", after=lambda held, *_given: steps.claiming(held))
    around(Steps, "claim", after=lambda held, *_given: steps.claimed(held))
    around(outbox_steps, "store_letters", after=lambda stored, *_given: _each(stored, steps.building))
    around(Steps, "store", after=lambda stored, *_given: _each(stored, steps.built))
    around(Steps, "release", after=lambda _none, _steps, held, _worded: steps.released(held))
    around(Steps, "fail", after=lambda _failed, _steps, *given: steps.failed(*given[:2]))
    around(outbox_steps, "resume_lane", after=lambda opened, *_given: steps.opened(has_opened=opened))
    around(outbox_steps, "build_message", after=lambda *_given: steps.building())
    around(Steps, "build", after=lambda *_given: steps.built())
    around(outbox.Outbox, "_send", before=lambda _outbox, built: steps.sending(built.message_id))
    around(SMTPProtocol, "write", after=lambda _none, _protocol, data: steps.written(data))
    around(Steps, "accept", before=lambda *_given: steps.accepted())
    around(outbox_steps, "mark_sent", after=lambda marked, *_given: steps.marking(marked))
    around(Steps, "accept", after=lambda _marked, _steps, lot: steps.marked(lot))


def _each(stored: Sequence[object], step: Callable[[], None]) -> None:
    for _one in stored:
        step()


def around(
    place: object,
    name: str,
    *,
    before: Callable[..., None] = lambda *_given: None,
    after: Callable[..., None] = lambda _result, *_given: None,
) -> None:
    """Wrap a function of a module or class; `after` is given its result first."""
    inner = getattr(place, name)

    def wrapped(*given: Any, **named: Any) -> Any:
        before(*given)
        result = inner(*given, **named)
        after(result, *given)
        return result

    setattr(place, name, wrapped)
