"""Claims about asking in a real browser: the button says how many people it asks, at any hour."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenWindow
from tests.browser.site import Site, apart
from tests.support.cast import Cast
from tests.web.admin import cast_of
from tests.web.support import NOW, found_home


def _four_who_owe(site: Site) -> Cast:
    cast = cast_of(site.runtime, found_home(site.runtime))
    group = cast.group("YouTube Premium")
    for name in ("Ben", "Mia", "Theo", "Noor"):
        cast.join(group, name)
    cast.tick(NOW)
    return cast


def test_at_night_only_people_are_counted(window: OpenWindow, site: Site) -> None:
    cast = apart(lambda: _four_who_owe(site))
    site.clock.turn(NOW.replace(hour=23) - NOW)
    olga = window(site, user_id=cast.olga.id)
    olga.open("/ask")
    button = olga.page.locator("[data-count-label]")
    people, at_once = olga.page.locator("[name=person]"), olga.page.get_by_label("Send at once all the same")

    at_once.check()
    expect(button).to_have_text("Ask 4 people")
    people.nth(0).uncheck()
    people.nth(1).uncheck()
    expect(button).to_have_text("Ask 2 people")
    people.nth(2).uncheck()
    people.nth(3).uncheck()
    expect(button).to_have_text("Tick whom to ask")
    expect(button).to_be_disabled()
