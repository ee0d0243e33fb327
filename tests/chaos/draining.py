"""Draining an outbox by real workers that note when they claim a message and when they put it into words.

Instants are readings of the monotonic clock, which all processes of a machine share. Each is taken before
the step begins, inside its transaction: what was committed by then is what the step must know.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from substrack.bootstrap import Runtime
from substrack.services.delivery import build_message, claim_messages
from substrack.services.letter_batches import read_letters
from substrack.worker import outbox, outbox_steps
from substrack.worker.running import Worker
from tests.chaos.board import OVER, Board

POLL_SECONDS = 0.02


@dataclass
class Instants:
    """When each message was last claimed and last put into words, by public id."""

    claimed: dict[str, int] = field(default_factory=dict)
    built: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Instants:
        """Read what the workers noted."""
        found = cls()
        for line in path.read_text(encoding="ascii").splitlines():
            step, public_id, at = line.split()
            (found.claimed if step == "claim" else found.built)[public_id] = int(at)
        return found


def note_instants(path: Path, patch: pytest.MonkeyPatch) -> None:
    """Have this process note its claims and builds in a file that all of them append to."""
    claim, read, build = claim_messages, read_letters, build_message
    turn = threading.Lock()

    def note(step: str, public_ids: Iterable[str], at: int) -> None:
        with turn, path.open("a", encoding="ascii") as file:
            file.write("".join(f"{step} {public_id} {at}\n" for public_id in public_ids))

    def noted_claim(*given: Any, **terms: Any) -> Any:
        at = time.monotonic_ns()
        held = claim(*given, **terms)
        note("claim", [one.public_id for one in held], at)
        return held

    def noted_read(session: Any, held: Any, **terms: Any) -> Any:
        note("build", [one.public_id for one in held], time.monotonic_ns())
        return read(session, held, **terms)

    def noted_build(session: Any, claimed: Any, **terms: Any) -> Any:
        note("build", [claimed.public_id], time.monotonic_ns())
        return build(session, claimed, **terms)

    patch.setattr(outbox_steps, "claim_messages", noted_claim)
    patch.setattr(outbox, "read_letters", noted_read)
    patch.setattr(outbox_steps, "build_message", noted_build)


def work_until_over(runtime: Runtime, board: Path) -> None:
    """Run a worker as an operator does, until the board says that it is over."""
    run_until_over(Worker(runtime), Board(board))


def run_until_over(worker: Worker, board: Board) -> None:
    """Run this worker until the board says that it is over."""
    ending = threading.Thread(target=_stop_when_over, args=(worker, board))
    ending.start()
    worker.run()
    ending.join()


def _stop_when_over(worker: Worker, board: Board) -> None:
    while board.round != OVER:
        time.sleep(POLL_SECONDS)
    worker.stop()
