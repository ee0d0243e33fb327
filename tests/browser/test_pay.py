"""Claims about the member's page in a real browser: in reach of a thumb, copied by a tap, whole by hand."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import expect

from substrack.domain.pay_methods import pay_method
from substrack.services.links import renew_pay_link
from substrack.store import Contact
from tests.browser.conftest import OpenWindow
from tests.browser.site import Site
from tests.browser.windows import Look
from tests.web.admin import cast_of
from tests.web.support import found_home

BANK = pay_method("iban", {"iban": "DE02120300000000202051", "holder": "Olga Example"})


@pytest.fixture
def page(site: Site) -> str:
    """Say where Ben's page is, who owes for three things of which two have long names."""
    cast = cast_of(site.runtime, found_home(site.runtime))
    names = ("YouTube Premium, the family plan", "Electricity, Lindenstraße", "Music")
    for name in names:
        group = cast.group(name, pay_methods=(BANK,), starts_on=date(2026, 3, 1))
        ben = cast.join(group, "Ben")
    cast.tick(site.clock())
    with site.runtime.transaction() as session:
        contact = session.get_one(Contact, ben.contact_id)
        link = renew_pay_link(session, contact.id, workspace_id=contact.workspace_id, now=site.clock())
        return site.runtime.signer.url(link)


def test_both_buttons_are_within_reach_below_three_things(window: OpenWindow, site: Site, page: str) -> None:
    ben = window(site, Look("phone"))
    ben.open(page)

    expect(ben.page.locator(".bill-row")).to_have_count(3)
    boxes = [ben.page.get_by_role("button", name=name).bounding_box() for name in ("I’ve paid", "Not yet")]
    paid, later = (box for box in boxes if box)
    assert paid["y"] + paid["height"] < 844
    assert (paid["width"], paid["height"], paid["y"]) == (later["width"], later["height"], later["y"])


def test_a_tap_copies_what_a_banks_form_takes(window: OpenWindow, site: Site, page: str) -> None:
    ben = window(site, Look("phone"))
    ben.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ben.open(page)

    copied = []
    for what in ("IBAN", "Amount"):
        ben.page.get_by_role("button", name=f"Copy {what}").click()
        expect(ben.page.get_by_role("button", name=f"Copy {what}")).to_contain_text("Copied")
        copied.append(ben.page.evaluate("navigator.clipboard.readText()"))

    assert copied == ["DE02120300000000202051", "27.00"]


def test_without_scripts_nothing_is_missing_but_the_copy_buttons(
    window: OpenWindow, site: Site, page: str
) -> None:
    ben = window(site, Look("phone", scripts=False))
    ben.open(page)

    expect(ben.page.get_by_role("button", name="Copy IBAN")).to_be_hidden()
    expect(ben.page.get_by_role("img", name="Code for your bank’s app")).to_be_visible()
    ben.press("I’ve paid")
    ben.sees("Waiting for Olga to check")
