"""A real browser and real pages; without Chromium tests are skipped aloud, or fail where one is required."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.scene import Scene, make_scene
from tests.browser.site import Site, open_site
from tests.browser.windows import USUAL, Look, Window, chromium, find_chromium, open_window
from tests.support.databases import Databases

OpenWindow = Callable[..., Window]
REQUIRED = "SUBSTRACK_REQUIRE_BROWSER"


# Only for this package: Playwright leaves an event loop running, in which no other test could run its own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Give Chromium, started once."""
    path = find_chromium()
    if path is None:
        missing = f"no Chromium (on Debian: apt-get install chromium); {REQUIRED}=1 makes this a failure"
        (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)(missing)
    with chromium(path) as browser:
        yield browser


@pytest.fixture
def site(databases: Databases, tmp_path: Path) -> Iterator[Site]:
    """Give an installation that nobody has set up yet."""
    with databases.lend("sqlite") as url, open_site(url, tmp_path) as site:
        yield site


@pytest.fixture(scope="package")
def scene(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Give a house full of everything, to look at; nobody changes anything in it."""
    with databases.lend("sqlite") as url, open_site(url, tmp_path_factory.mktemp("house")) as site:
        yield make_scene(site)


@pytest.fixture
def window(browser: Browser) -> Iterator[OpenWindow]:
    """Open watched windows; each is looked at for faults when the test ends."""
    with ExitStack() as stack:

        def enter(site: Site, look: Look = USUAL, **who: Any) -> Window:
            return stack.enter_context(open_window(browser, site, look, **who))

        yield enter
