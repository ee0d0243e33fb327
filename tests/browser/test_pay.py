"""Claims about the member's page in a real browser: in reach of a thumb, copied by a tap, whole by hand."""

from __future__ import annotations

import re
from datetime import date

import pytest
from playwright.sync_api import expect

from substrack.domain.pay_methods import pay_method
from substrack.services.links import renew_pay_link
from substrack.store import Contact
from tests.browser.conftest import OpenWindow
from tests.browser.site import Site, apart
from tests.browser.windows import Look
from tests.support.cast import Cast
from tests.web.admin import cast_of
from tests.web.support import found_home

BANK = pay_method("iban", {"iban": "DE02120300000000202051", "holder": "Olga Example"})


@pytest.fixture
def cast(site: Site) -> Cast:
    return cast_of(site.runtime, found_home(site.runtime))


@pytest.fixture
def page(site: Site, cast: Cast) -> str:
    """Say where Ben's page is, who owes for three things of which two have long names."""
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


@pytest.mark.parametrize(("width", "height"), [(390, 844), (360, 640), (1280, 900)])
def test_however_much_is_owed_both_buttons_are_in_reach(
    window: OpenWindow, site: Site, cast: Cast, page: str, width: int, height: int
) -> None:
    for number in range(12):
        cast.join(cast.group(f"Thing {number}", pay_methods=(BANK,), starts_on=date(2026, 3, 1)), "Ben")
    apart(lambda: cast.tick(site.clock()))
    ben = window(site, Look("phone" if width < 1000 else "desktop"))
    ben.page.set_viewport_size({"width": width, "height": height})
    ben.open(page)

    expect(ben.page.locator(".bill-row")).to_have_count(15)
    for name in ("I’ve paid", "Not yet"):
        expect(ben.page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    ben.page.get_by_role("heading", name="How to pay Olga").scroll_into_view_if_needed()
    expect(ben.page.get_by_role("button", name="I’ve paid")).to_be_in_viewport(ratio=1)


def test_sums_links_and_codes_follow_the_ticks(window: OpenWindow, site: Site, page: str) -> None:
    ben = window(site, Look("phone"))
    ben.open(page)
    total, code = ben.page.locator("#totals"), ben.page.get_by_role("img", name="Code for your bank’s app")
    expect(total).to_contain_text("27.00")

    ben.page.get_by_role("checkbox", name="Music").uncheck()
    expect(total).to_contain_text("2 of 3 ticked")
    expect(total).to_contain_text("18.00")
    expect(code).to_have_accessible_name(re.compile("18.00"))
    expect(ben.page.get_by_role("button", name="Copy Amount")).to_have_attribute("data-copy", "18.00")
    for name in ("YouTube", "Electricity"):
        ben.page.get_by_role("checkbox", name=name).uncheck()
    expect(total).to_have_text("Nothing is ticked")
    expect(code).to_have_count(0)
    ben.page.get_by_role("checkbox", name="Music").check()
    expect(code).to_have_accessible_name(re.compile("9.00"))


def test_without_a_connection_sums_of_other_ticks_cannot_be_used(
    window: OpenWindow, site: Site, page: str
) -> None:
    ben = window(site, Look("phone"))
    ben.open(page)
    by_hand = ben.page.get_by_role("button", name="Show for what is ticked")
    expect(by_hand).to_be_hidden()  # once the script is there
    ben.page.context.set_offline(True)

    ben.page.get_by_role("checkbox", name="Music").uncheck()
    ben.sees("No connection: sums and codes are still those of before.")
    assert ben.page.locator("[data-follows]").evaluate_all("all => all.every((part) => part.inert)")
    expect(by_hand).to_be_visible()
    ben.page.context.set_offline(False)
    expect(ben.page.locator("#totals")).to_contain_text("18.00")
    assert ben.page.locator("[data-follows]").evaluate_all("all => all.every((part) => !part.inert)")
    assert [fault for fault in ben.faults if "ERR_INTERNET_DISCONNECTED" not in fault] == []
    ben.faults.clear()


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
    ben.page.get_by_role("checkbox", name="Music").uncheck()
    ben.press("Show for what is ticked")
    expect(ben.page.get_by_role("img", name="Code for your bank’s app")).to_have_accessible_name(
        re.compile("18.00")
    )
    expect(ben.page.get_by_role("checkbox", name="Music")).not_to_be_checked()
    ben.press("I’ve paid")
    ben.sees("Waiting for Olga to check")
