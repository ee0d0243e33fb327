"""Fixtures for tests of every layer: databases of both kinds, settings, a runtime.

A test that asks for `database_url`, or for what is built on it, runs once on each database;
`only_sqlite` and `only_postgresql` choose one.
"""

import gc
import itertools
import os
import shutil
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import hypothesis
import pytest

from tests.support.databases import KINDS, Databases, Furnish, Kind, fastest_place

if TYPE_CHECKING:
    from substrack.bootstrap import Runtime
    from substrack.settings import Settings
    from tests.support.cast import Cast

# What a test run is told, not an installation.
KEPT = {"SUBSTRACK_REQUIRE_BROWSER", "SUBSTRACK_REQUIRE_NGINX", "SUBSTRACK_CHAOS", "SUBSTRACK_CHAOS_FIGURES"}

GARBAGE: Final = 300_000
"""After so many new objects garbage is looked for: a test makes many more than the usual 700."""

# Pytest finds its own number for each directory by reading the names of all.
NUMBERS: Final = itertools.count(1)

# A shared machine may be slow; how long an example takes is no claim of ours.
hypothesis.settings.register_profile("house", deadline=None, print_blob=True)
hypothesis.settings.load_profile("house")


def pytest_configure() -> None:
    for name in [name for name in os.environ if name.startswith("SUBSTRACK_") and name not in KEPT]:
        del os.environ[name]
    place = fastest_place()
    if place is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(place))  # every key and letter waits for its disk
    gc.set_threshold(GARBAGE)
    # Ends like Ctrl-C, so that the databases are stopped as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among thousands of tests, which all stay, while they are gathered or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        chosen = [kind for kind in KINDS if metafunc.definition.get_closest_marker(f"only_{kind}")]
        metafunc.parametrize("database_kind", chosen or KINDS)


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a directory that is gone afterwards."""
    path = tmp_path_factory.getbasetemp() / str(next(NUMBERS))
    path.mkdir(mode=0o700)
    yield path
    shutil.rmtree(path, ignore_errors=True)  # what a test made unreadable goes with all of them


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Lend databases to tests that need several, such as one for each example of a property."""
    from tests.support.warmth import keep_warm

    keep_warm()
    databases = Databases()
    yield databases
    databases.close()


@pytest.fixture
def furnish(request: pytest.FixtureRequest) -> Furnish | None:
    """Say what a database has in it that a test begins with."""
    from tests.support.furnishing import house_the_cast

    return house_the_cast if "cast" in request.fixturenames else None


@pytest.fixture
def database_url(databases: Databases, database_kind: Kind, furnish: Furnish | None) -> Iterator[str]:
    """Give the URL of a fresh, migrated database; the test runs once on each kind."""
    with databases.lend(database_kind, furnish=furnish) as url:
        yield url


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> "Settings":
    """Give settings as a person at home would have them: loopback, no mail server, no bot."""
    from substrack.settings import Settings

    return Settings(database_url=database_url, data_dir=tmp_path, base_url="http://127.0.0.1:8000")


@pytest.fixture
def runtime(settings: "Settings") -> Iterator["Runtime"]:
    """Give the composition root on a fresh database, with its connections closed afterwards."""
    from substrack.bootstrap import make_runtime

    runtime = make_runtime(settings)
    yield runtime
    runtime.close()


@pytest.fixture(autouse=True)
def _nothing_stays_drawn() -> Iterator[None]:
    """Let go of each app with its test: what is remembered of its pages would keep all of it alive."""
    yield
    if "substrack.web.drawing" in sys.modules:
        sys.modules["substrack.web.drawing"].forget()


@pytest.fixture
def cast(runtime: "Runtime") -> "Cast":
    """Give olga's workspace, on each database."""
    from tests.support.cast import make_cast

    return make_cast(runtime)
