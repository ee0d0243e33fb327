"""Books that are made once a kind of database; each test spoils them in a transaction that is taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from substrack.bootstrap import make_runtime
from substrack.cli.desk import rehearsal
from substrack.settings import Settings
from tests.doctor.estate import END, Estate, make_estate
from tests.support.databases import Databases, Kind


@pytest.fixture(scope="session")
def estates(databases: Databases) -> Iterator[Callable[[Kind], Estate]]:
    """Lend the books of each kind to all tests; made when first asked for."""
    made: dict[Kind, Estate] = {}
    with ExitStack() as stack:

        def of(kind: Kind) -> Estate:
            if kind not in made:
                url = stack.enter_context(databases.lend(kind))
                directory = Path(stack.enter_context(TemporaryDirectory()))
                chosen = Settings(database_url=url, data_dir=directory, base_url="http://127.0.0.1:8000")
                runtime = make_runtime(chosen)
                stack.callback(runtime.close)
                made[kind] = make_estate(runtime)
            return made[kind]

        yield of


@pytest.fixture
def estate(estates: Callable[[Kind], Estate], database_kind: Kind) -> Iterator[Estate]:
    """Give the books, to be spoilt."""
    whole = estates(database_kind)
    with rehearsal(replace(whole.runtime, clock=lambda: END)) as stage:
        yield Estate(stage, whole.keys)
