"""Claims about books in which anything was done in any order: the doctor has nothing to say about them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from substrack.doctor.books import find_faults
from tests.chaos.scale import sized
from tests.services.test_ledger_machine import Ledger
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
    run_state_machine_as_test(
        partial(Examined, databases, kind),  # type: ignore[arg-type]
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            database=None,
        ),
    )
