"""How many taps things may cost on a phone; following the link of a mail is one."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenWindow
from tests.browser.site import Site
from tests.browser.six import Six, gather_six, link_in
from tests.browser.windows import WIDTHS, Look, Window

PHONE = Look("phone")


@pytest.fixture
def six(site: Site) -> Six:
    return gather_six(site)


@pytest.fixture
def olga(six: Six, window: OpenWindow) -> Window:
    return window(six.site, PHONE, user_id=six.olga)


def test_a_member_claims_in_two_from_the_mail(six: Six, window: OpenWindow) -> None:
    six.site.wait(days=3)
    ben = window(six.site, PHONE)
    ben.open(link_in(six.mail_of("Ben")[-1]))
    ben.press("I’ve paid")
    ben.sees("Thank you, Ben")

    assert 1 + ben.presses == 2
    assert six.statuses()[0] == "member_confirmed"


def test_an_admin_confirms_in_one_from_home_without_scrolling(six: Six, olga: Window) -> None:
    six.say_paid("Ben")
    olga.open("/")
    button = olga.page.get_by_role("button", name="Confirm 3.00").bounding_box()
    olga.press("Confirm 3.00")
    olga.sees("Confirmed: 3.00")

    assert button
    assert button["y"] + button["height"] < WIDTHS["phone"][1]
    assert olga.presses == 1
    assert six.statuses()[0] == "confirmed"


def test_money_that_came_unasked_is_received_in_one_from_home(six: Six, olga: Window) -> None:
    olga.open("/")
    olga.press("from Mia")
    olga.sees("Undo")

    assert olga.presses == 1
    assert six.statuses()[1] == "confirmed"


def test_money_of_anybody_is_received_in_two(six: Six, olga: Window) -> None:
    olga.open("/")
    olga.press("Money in", role="link")
    olga.press("from Theo")
    olga.sees("Undo")

    assert olga.presses == 2
    assert six.statuses()[2] == "confirmed"


def test_all_that_wait_are_confirmed_in_three(six: Six, olga: Window) -> None:
    six.say_paid(*six.members)
    olga.open("/")
    olga.press("Review", role="link", within="nav")
    olga.press("Tick all", role="link")
    olga.press("Confirm the ticked")
    olga.sees("Confirmed: 5")

    assert olga.presses == 3
    assert six.statuses() == ["confirmed"] * 5


def test_all_of_one_group_are_confirmed_in_one_from_its_page(six: Six, olga: Window) -> None:
    six.say_paid(*six.members)
    olga.open(f"/groups/{six.group.public_id}")
    olga.press("Confirm all 5")
    olga.sees("Confirmed: 5")

    assert olga.presses == 1
    assert six.statuses() == ["confirmed"] * 5


def test_all_unpaid_are_asked_in_two(six: Six, olga: Window) -> None:
    olga.open(f"/groups/{six.group.public_id}")
    olga.press("Ask all unpaid", role="link")
    olga.press("Ask 5 people")
    olga.sees("Written to 5 people")

    assert olga.presses == 2
    assert [len(six.mail_of(name)) for name in six.members] == [1] * 5
