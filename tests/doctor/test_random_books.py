"""Claims about books in which anything was done in any order: the doctor has nothing to say about them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from substrack.doctor.books import find_faults
from tests.chaos.scale import sized
from tests.services.test_ledger_machine import Ledger, live
from tests.support.databases import KINDS, Databases, Kind

SIZES = {
    "sqlite": sized(short=(3, 30), full=(40, 60), long=(1000, 100)),
    "postgresql": sized(short=(1, 20), full=(8, 60), long=(200, 100)),
}
"""Lives, and steps of each."""


class Examined(Ledger):
    """A life at the end of which a doctor comes, once what is due has gone out."""

    def teardown(self) -> None:
        try:
            self.cast.send(self.now)
            at_the_end = replace(self.runtime, clock=lambda: self.now)
            assert find_faults(at_the_end, lambda _noun, _done: None) == []
        finally:
            super().teardown()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_wrong_whatever_was_done(databases: Databases, kind: Kind) -> None:
    examples, steps = SIZES[kind]
    live(partial(Examined, databases, kind), examples, steps)
