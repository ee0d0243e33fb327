"""Claims about every page there is, in light and dark, at a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from typing import get_args

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.checks import (
    accessibility_faults,
    nameless_controls,
    sideways_scroll,
    small_controls,
    unfold,
)
from tests.browser.conftest import OpenWindow
from tests.browser.scene import Scene
from tests.browser.site import Site
from tests.browser.visits import VISITS, endpoints_to_visit, visit, visited_endpoints, visitor
from tests.browser.windows import WIDTHS, Look, Size, Window, open_window

NARROW = 360
ABOUT_COLOUR = ("color-contrast", "link-in-text-block")
"""All that may differ in the dark: the two themes differ in tokens for colours only."""

OLGAS = "decide.show"  # speaks like her mail, whatever browser her link is opened in


@pytest.fixture(scope="module")
def kept(browser: Browser, scene: Scene) -> Iterator[OpenWindow]:
    """Give the window of somebody with a certain look, which stays open: a new one costs more than a page."""
    with ExitStack() as stack:

        @cache
        def find(look: Look, user_id: int | None) -> Window:
            return stack.enter_context(open_window(browser, scene.site, look, user_id=user_id))

        yield find


def test_every_page_is_visited(scene: Scene) -> None:
    assert visited_endpoints() == endpoints_to_visit(scene.site.app)


@pytest.mark.parametrize("name", VISITS)
def test_a_page_is_good_at_a_desk(kept: OpenWindow, scene: Scene, name: str) -> None:
    opened = afresh(kept(Look("desktop"), visitor(scene, name)))
    visit(opened, scene, name)

    faults = faults_in_both_themes(opened)
    faults += opened.faults
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", VISITS)
def test_a_page_is_good_on_a_phone(kept: OpenWindow, scene: Scene, name: str) -> None:
    opened = afresh(kept(Look("phone"), visitor(scene, name)))
    visit(opened, scene, name)

    faults = faults_in_both_themes(opened)
    faults += small_controls(opened.page)
    faults += sideways_scroll(opened.page, NARROW)
    faults += opened.faults
    assert not faults, "\n".join(faults)


def test_in_german_every_page_fits_a_narrow_phone(window: OpenWindow, scene: Scene) -> None:
    look = Look("phone", locale="de-DE")
    greta, anybody = window(scene.site, look, user_id=scene.greta), window(scene.site, look)
    faults = []
    for name in VISITS:
        opened = greta if visitor(scene, name) else anybody
        visit(opened, scene, name)
        unfold(opened.page)
        found = small_controls(opened.page) + sideways_scroll(opened.page, NARROW)
        if opened.page.get_attribute("html", "lang") != ("en" if name == OLGAS else "de"):
            found.append("in the wrong language")
        faults += [f"{name}: {fault}" for fault in found]

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("size", get_args(Size))
def test_the_page_of_an_empty_installation_is_good(window: OpenWindow, site: Site, size: Size) -> None:
    opened = window(site, Look(size))
    opened.open(site.setup_url())
    opened.sees("Set up")

    faults = faults_in_both_themes(opened)
    faults += small_controls(opened.page) if size == "phone" else []
    assert not faults, "\n".join(faults)


def test_an_empty_installation_begins_with_the_time_zone_of_the_browser(
    window: OpenWindow, site: Site
) -> None:
    opened = window(site, Look(zone="Asia/Tokyo"))
    opened.open(site.setup_url())

    expect(opened.page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")


@pytest.mark.parametrize("size", get_args(Size))
def test_the_open_menu_of_ones_account_is_good(window: OpenWindow, scene: Scene, size: Size) -> None:
    opened = window(scene.site, Look(size), user_id=scene.olga)
    opened.open("/profile")
    opened.unfold("Olga", within="header")

    faults = faults_in_both_themes(opened, is_unfolded=False)
    faults += small_controls(opened.page) if size == "phone" else []
    assert not faults, "\n".join(faults)


def afresh(opened: Window) -> Window:
    """Make a window again what it was before it was looked at."""
    width, height = WIDTHS[opened.look.size]
    opened.page.set_viewport_size({"width": width, "height": height})
    opened.page.emulate_media(color_scheme="light")
    late, opened.faults[:] = [*opened.faults], []
    assert not late, "\n".join(late)
    return opened


def faults_in_both_themes(opened: Window, *, is_unfolded: bool = True) -> list[str]:
    """Look at all of a page in light and in dark."""
    if is_unfolded:
        unfold(opened.page)
    faults = accessibility_faults(opened.page) + nameless_controls(opened.page)
    opened.page.emulate_media(color_scheme="dark")
    return faults + [f"dark: {fault}" for fault in accessibility_faults(opened.page, *ABOUT_COLOUR)]
