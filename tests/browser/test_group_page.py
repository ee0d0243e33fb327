"""Claims about the page of a group in a real browser."""

from __future__ import annotations

from tests.browser.conftest import OpenWindow
from tests.browser.scene import Scene

NEEDS_SCROLLING = "frame => [frame.scrollHeight - frame.clientHeight, frame.scrollWidth - frame.clientWidth]"


def test_a_table_that_fits_has_no_scrollbar(window: OpenWindow, scene: Scene) -> None:
    olga = window(scene.site, user_id=scene.olga)
    olga.open(f"/groups/{scene.places['group']}")

    assert olga.page.locator(".ledger-frame").evaluate(NEEDS_SCROLLING) == [0, 0]


def test_a_state_stands_on_the_line_of_what_is_beside_it(window: OpenWindow, scene: Scene) -> None:
    olga = window(scene.site, user_id=scene.olga)
    olga.open(f"/periods/{scene.places['period']}")

    assert max(olga.page.locator(".rows tbody tr").evaluate_all(OFF_THE_LINE)) < 1


OFF_THE_LINE = """rows => rows.map(row => {
  const baseline = element => {
    const mark = document.createElement("span");
    mark.style.display = "inline-block";
    element.append(mark);
    const found = mark.getBoundingClientRect().bottom;
    mark.remove();
    return found;
  };
  return Math.abs(baseline(row.querySelector(".badge")) - baseline(row.querySelector(".row-sum .money")));
})"""
