"""Books that are made once a kind of database; each test spoils them in a transaction that is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from substrack.bootstrap import Runtime, make_runtime
from substrack.cli.desk import rehearsal
from substrack.settings import Settings
from tests.doctor.estate import END, Estate, make_estate
from tests.support.databases import Databases, Kind

Made = dict[Kind, Estate]


@pytest.fixture(scope="module")
def made(databases: Databases) -> Iterator[Made]:
    """Keep the estates that were made so far."""
    estates: Made = {}
    yield estates
    for estate in estates.values():
        estate.runtime.close()


@pytest.fixture(scope="module")
def places(databases: Databases) -> Iterator[dict[Kind, Settings]]:
    """Lend a database of each kind for as long as a module's tests run."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        lent = {}
        for kind in ("sqlite", "postgresql"):
            url = stack.enter_context(databases.lend(kind))
            directory = Path(stack.enter_context(TemporaryDirectory()))
            lent[kind] = Settings(database_url=url, data_dir=directory, base_url="http://127.0.0.1:8000")
        yield lent


@pytest.fixture
def estate(made: Made, places: dict[Kind, Settings], database_kind: Kind) -> Iterator[Estate]:
    """Give the books, to be spoilt."""
    if database_kind not in made:
        made[database_kind] = make_estate(make_runtime(places[database_kind]))
    whole = made[database_kind]
    at_the_end: Runtime = replace(whole.runtime, clock=lambda: END)
    with rehearsal(at_the_end) as stage:
        yield Estate(stage, whole.keys)
