"""A scanner that opens links in a whole browser, lets scripts run and waits, changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import OpenWindow
from tests.browser.scene import Scene
from tests.browser.windows import Look
from tests.chaos.power import digest
from tests.chaos.scale import sized

LINKS = ("pay/{waiting}", "pay/{owing}", "pay/{settled}", "unsubscribe/{unsubscribe}", "decide/{decide}",
         "reset/{reset}", "invite/{invite}")  # fmt: skip
STAYS_SECONDS = sized(short=2, full=30)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_browser_that_stays_on_a_link_changes_nothing(window: OpenWindow, scene: Scene, size: str) -> None:
    runtime = scene.site.runtime
    file = runtime.write_engine.url.database
    assert file is not None
    opened = window(scene.site, Look("phone" if size == "phone" else "desktop"))
    before = digest(Path(file))
    pages = [opened.page.context.new_page() for _link in LINKS]
    for page, link in zip(pages, LINKS, strict=True):
        answer = page.goto(f"{scene.site.url}/{link.format(**scene.places)}")
        assert answer is not None
        assert answer.status == 200, link
        page.mouse.wheel(0, 2000)
        page.mouse.move(200, 300)
        page.keyboard.press("Tab")
    opened.page.wait_for_timeout(STAYS_SECONDS * 1000)
    assert digest(Path(file)) == before
