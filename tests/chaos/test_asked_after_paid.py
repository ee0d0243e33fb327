"""Nobody is asked after "paid": a request names nothing that was claimed or confirmed before it was claimed.

An act has happened when its commit came back, and a message is claimed from the moment its claim began: both
instants are read on the safe side, so what is counted as asked too late was asked too late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from substrack.bootstrap import Runtime
from tests.chaos.board import Board
from tests.chaos.crews import Crew, Fault, Place, Processes, Threads
from tests.chaos.debtors import ASKED, ask_everybody
from tests.chaos.drain import Drain, Found
from tests.chaos.draining import note_instants
from tests.chaos.figures import record
from tests.chaos.planted import what_is_paid_stays_listed
from tests.chaos.scale import mostly_on, scale, sized
from tests.fakes.smtp import FakeRelay
from tests.support.books import check_books
from tests.support.cast import Cast
from tests.support.post import through


@dataclass(frozen=True)
class Size:
    """How much happens."""

    requests: int
    acts: int
    workers: int
    patience_seconds: float


SIZE: Final = sized(
    short=Size(40, 16, 2, 60), full=Size(1_500, 300, 3, 600), long=Size(10_000, 2_000, 4, 3600)
)
FAULTY: Final = sized(short=Size(24, 12, 1, 60), full=Size(100, 50, 3, 60))

Empty = Callable[..., Found]


@pytest.fixture
def empty(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Empty:
    """Fill an outbox and empty it, with faults planted where the workers are."""
    board = Board.make(tmp_path / "board", ASKED)
    notes = tmp_path / "notes"

    def empty(size: Size, *faults: Fault) -> Found:
        ask_everybody(cast, size.requests)
        planted: tuple[Fault, ...] = (partial(note_instants, notes), *faults)
        with FakeRelay() as relay:
            crew = make_crew(
                through(cast.runtime, relay.url, mail_from="post@example.com", now=ASKED), planted
            )
            drain = Drain(cast, relay, board, crew, size.workers, size.acts, size.patience_seconds)
            try:
                drain.run()
            finally:
                board.end()
                crew.join()
            assert crew.failures == 0
            return drain.judge(notes)

    def make_crew(runtime: Runtime, faults: tuple[Fault, ...]) -> Crew:
        if scale() != "short":
            return Processes(Place(runtime.settings, board.path, faults))
        for plant in faults:
            plant(monkeypatch)
        return Threads(Place(runtime.settings, board.path))

    return empty


def test_no_request_names_what_was_paid_before_it_was_claimed(
    empty: Empty, cast: Cast, database_kind: str
) -> None:
    found = empty(SIZE)
    record(
        "nobody asked after “paid”",
        f"{database_kind}: {SIZE.requests:,} requests through {SIZE.workers} workers and a relay, "
        f"{SIZE.acts:,} claims and confirmations at random meanwhile",
        str(found),
    )
    assert found.named_after_claim == found.named_after_build == 0
    assert found.left_out > 0, "nothing was tried"
    assert found.requests == SIZE.requests
    cast.read(check_books)


@mostly_on("sqlite")
def test_requests_that_keep_what_is_paid_are_found_out(empty: Empty) -> None:
    assert empty(FAULTY, what_is_paid_stays_listed).named_after_claim
