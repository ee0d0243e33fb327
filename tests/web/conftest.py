"""Fixtures for pages: an app on a clock that can be turned, browsers, and who owes olga what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from substrack.bootstrap import Runtime, make_runtime
from substrack.services.founding import Founded
from substrack.settings import Settings
from substrack.store import Group, Member, Payment
from substrack.web.app import create_app
from tests.support.cast import Cast
from tests.support.databases import Furnish
from tests.support.furnishing import house_the_cast
from tests.web.admin import cast_of
from tests.web.paying import Page, page_of
from tests.web.scenes import youtube_of
from tests.web.support import NOW, Browser, TurnableClock, browser, found_home, house_olga


@pytest.fixture
def furnish(request: pytest.FixtureRequest) -> Furnish | None:
    """Have olga in the database of whoever visits her."""
    if "home" in request.fixturenames:
        return house_olga
    return house_the_cast if "cast" in request.fixturenames else None


@pytest.fixture
def clock() -> TurnableClock:
    return TurnableClock()


@pytest.fixture
def runtime(settings: Settings, clock: TurnableClock) -> Iterator[Runtime]:
    runtime = replace(make_runtime(settings), clock=clock)
    yield runtime
    runtime.close()


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    app = create_app(runtime)
    app.testing = True
    return app


@pytest.fixture
def home(runtime: Runtime) -> Founded:
    """Olga's workspace."""
    return found_home(runtime)


@pytest.fixture
def zed(app: Flask, runtime: Runtime) -> Browser:
    """The browser of someone who is not signed in."""
    return browser(app, runtime)


@pytest.fixture
def olga(app: Flask, runtime: Runtime, home: Founded) -> Browser:
    """Olga's browser, signed in."""
    opened = browser(app, runtime)
    opened.sign_in(runtime, home.user_id)
    return opened


@pytest.fixture
def cast(runtime: Runtime, home: Founded) -> Cast:
    """Olga's workspace, to act in by the services."""
    return cast_of(runtime, home)


@pytest.fixture
def members(cast: Cast) -> dict[str, Member]:
    """Ben and Mia, who owe for two periods."""
    return youtube_of(cast, "Ben", "Mia")


@pytest.fixture
def ben(members: dict[str, Member]) -> Member:
    return members["Ben"]


@pytest.fixture
def youtube(cast: Cast) -> Group:
    """A group of three at 8.97 with February and March open."""
    group = cast.group("YouTube Premium", "8.97")
    for name in ("Ben", "Mia"):
        cast.join(group, name)
    cast.tick(NOW)
    return group


@pytest.fixture
def owed(cast: Cast, ben: Member) -> Payment:
    return cast.payment_of(ben)


@pytest.fixture
def page(app: Flask, runtime: Runtime, cast: Cast, ben: Member) -> Page:
    """Ben's own page."""
    return page_of(app, runtime, cast, ben.contact_id)
