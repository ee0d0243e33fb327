"""Claims about the page of a group in a real browser."""

from __future__ import annotations

from tests.browser.conftest import OpenWindow
from tests.browser.scene import Scene

NEEDS_SCROLLING = "frame => [frame.scrollHeight - frame.clientHeight, frame.scrollWidth - frame.clientWidth]"


def test_a_table_that_fits_has_no_scrollbar(window: OpenWindow, scene: Scene) -> None:
    olga = window(scene.site, user_id=scene.olga)
    olga.open(f"/groups/{scene.places['group']}")

    assert olga.page.locator(".ledger-frame").evaluate(NEEDS_SCROLLING) == [0, 0]
