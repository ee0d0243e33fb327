"""Claims about words without a gap: whatever somebody types, no page grows wider than its window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, get_args

import pytest
from playwright.sync_api import Page

from substrack.domain.actors import Actor
from substrack.services.payments import waive_payment
from substrack.services.people import edit_contact
from substrack.services.putting_off import object_to_payments
from substrack.store import Member
from tests.browser.checks import sideways_scroll, unfold
from tests.browser.conftest import OpenWindow
from tests.browser.places import find_places
from tests.browser.scene import Scene
from tests.browser.site import Site, apart, open_site
from tests.browser.visits import VISITS, visit, visitor
from tests.browser.windows import Look, Size
from tests.support.cast import Cast, make_stranger, money
from tests.support.databases import Databases
from tests.web.admin import cast_of
from tests.web.scenes import claim
from tests.web.support import NOW, found_home

WIDTHS: Final[dict[Size, tuple[int, ...]]] = {"desktop": (1280, 1024), "phone": (390,)}
WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk"


@pytest.fixture(scope="module")
def wordy(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Give a house in which everything is called by one long word."""
    path = tmp_path_factory.mktemp("wordy")
    with databases.lend("sqlite") as url, open_site(url, path) as site:
        yield apart(lambda: _make_wordy(site))


def _make_wordy(site: Site) -> Scene:
    home = found_home(site.runtime)
    cast, zed = cast_of(site.runtime, home), make_stranger(site.runtime)
    cast.do(edit_contact, cast.olga_contact, name="Olga" + WORD, by=cast.olga, now=NOW)
    group = cast.group("X" * 100)
    names = ("Ben" + WORD, "Mia", "Theo" * 12)
    ben, mia, theo = (cast.join(group, name, email=f"{name[:3]}@example.org") for name in names)
    cast.tick(NOW)
    cast.tick(NOW)
    site.wait(days=3, hours=2)
    attempt = claim(cast, ben, 1, amount=money("2"), method="M" * 60, note=WORD)
    _trouble(cast, mia, theo, {"now": site.clock()})
    site.wait(days=1)
    places = find_places(cast, attempt, owing=mia.contact_id, settled=theo.contact_id, now=site.clock())
    assert zed.olga.id is not None
    return Scene(site, home.user_id, zed.olga.id, places)


def _trouble(cast: Cast, mia: Member, theo: Member, at: dict[str, Any]) -> None:
    by_mia = Actor.contact(mia.contact_id)
    cast.do(object_to_payments, mia.contact_id, [cast.payment_of(mia).id], text="x" * 50, by=by_mia, **at)
    for sequence in (1, 2):
        cast.do(waive_payment, cast.payment_of(theo, sequence).id, reason=WORD, by=cast.olga, **at)


@pytest.mark.parametrize("size", get_args(Size))
def test_every_page_is_as_wide_as_its_window(window: OpenWindow, wordy: Scene, size: Size) -> None:
    look = Look(size)
    olga, anybody = window(wordy.site, look, user_id=wordy.olga), window(wordy.site, look)
    faults = []
    for name in (name for name in VISITS if not name.endswith("newcomer")):
        opened = olga if visitor(wordy, name) else anybody
        visit(opened, wordy, name)
        faults += [f"{name}: {fault}" for fault in _too_wide(opened.page, size)]
        unfold(opened.page)
        faults += [f"{name} unfolded: {fault}" for fault in _too_wide(opened.page, size)]

    assert not faults, "\n".join(faults)


def _too_wide(page: Page, size: Size) -> list[str]:
    return [fault for width in WIDTHS[size] for fault in sideways_scroll(page, width)]
