"""A world for each module: most tests only try what must change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from substrack.bootstrap import make_runtime
from substrack.settings import Settings
from tests.security.world import World, make_world
from tests.support.databases import Databases
from tests.web.support import TurnableClock


@pytest.fixture(scope="module")
def clock() -> TurnableClock:
    return TurnableClock()


@contextmanager
def opened(databases: Databases, data_dir: Path, clock: TurnableClock) -> Iterator[World]:
    with databases.lend("sqlite") as url:
        settings = Settings(database_url=url, data_dir=data_dir, base_url="http://127.0.0.1:8000")
        runtime = replace(make_runtime(settings), clock=clock)
        world = make_world(runtime)
        assert world.links  # issued here, and not in the middle of a test that counts rows
        yield world
        runtime.close()


@pytest.fixture(scope="module")
def world(
    databases: Databases, clock: TurnableClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with opened(databases, tmp_path_factory.mktemp("world"), clock) as world:
        yield world


@pytest.fixture
def fresh_world(databases: Databases, tmp_path: Path) -> Iterator[World]:
    """A world that may be spoiled."""
    with opened(databases, tmp_path, TurnableClock()) as world:
        yield world
