"""Claims about a slow network: who presses again while the first press is on its way has pressed once."""

from __future__ import annotations

import pytest
from sqlalchemy import ColumnElement, func, select

from substrack.store import Attempt, Group, Receipt
from tests.browser.conftest import OpenWindow
from tests.browser.site import Site
from tests.browser.six import Six, gather_six, link_in
from tests.browser.windows import Look, Window

SLOW = {"offline": False, "latency": 800, "downloadThroughput": 200_000, "uploadThroughput": 50_000}
"""Milliseconds to the server and back, and bytes a second."""

LOOKS = {"with scripts": Look("phone"), "without scripts": Look("phone", scripts=False)}
EITHER = pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)


@pytest.fixture
def six(site: Site) -> Six:
    return gather_six(site)


@EITHER
def test_a_claim_is_made_once(six: Six, window: OpenWindow, look: Look) -> None:
    six.site.wait(days=3)
    ben = window(six.site, look)
    ben.open(link_in(six.mail_of("Ben")[-1]))
    press_twice(ben, "I’ve paid")
    ben.sees("Thank you, Ben")

    assert count(six, Attempt) == 1
    assert len(six.mail_of("Olga")) == 1


@EITHER
def test_a_claim_is_confirmed_once(six: Six, window: OpenWindow, look: Look) -> None:
    six.say_paid("Ben")
    olga = window(six.site, look, user_id=six.olga)
    olga.open("/")
    press_twice(olga, "Confirm 3.00")
    olga.sees_no("to check")

    assert count(six, Receipt, Receipt.source == "admin") == 1
    assert len(six.mail_of("Ben")) == 1


@EITHER
def test_money_is_received_once(six: Six, window: OpenWindow, look: Look) -> None:
    olga = window(six.site, look, user_id=six.olga)
    olga.open("/")
    posts = press_twice(olga, "from Mia")
    olga.sees("Undo" if look.scripts else "booked already")

    assert posts == (1 if look.scripts else 2)
    assert count(six, Receipt, Receipt.source == "admin") == 1


@EITHER
def test_everybody_is_asked_once(six: Six, window: OpenWindow, look: Look) -> None:
    olga = window(six.site, look, user_id=six.olga)
    olga.open(f"/groups/{six.group.public_id}/ask")
    posts = press_twice(olga, "Ask 5 people")
    olga.sees("Written to 5 people" if look.scripts else "Nobody was asked")

    assert posts == (1 if look.scripts else 2)
    assert [len(six.mail_of(name)) for name in six.members] == [1] * 5


@EITHER
def test_a_group_is_made_once(six: Six, window: OpenWindow, look: Look) -> None:
    olga = window(six.site, look, user_id=six.olga)
    olga.open("/groups/new")
    olga.write("What you share", "Proxy")
    olga.write("Price", "20")
    olga.write("Who shares it with you", "Ann, Cem")
    press_twice(olga, "Set up the group")
    olga.sees("is set up")

    assert count(six, Group, Group.name == "Proxy") == 1


def press_twice(who: Window, name: str) -> int:
    """Tap a button, and again before the first tap is answered; tell how often the form was sent."""
    who.page.wait_for_load_state("networkidle")  # scripts have come, and told what is typed
    button = who.page.get_by_role("button", name=name).locator("visible=true").first
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box
    sent: list[str] = []
    who.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    slow_down(who)
    for _tap in range(2):
        who.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        who.page.wait_for_timeout(100)
    return len(sent)


def slow_down(who: Window) -> None:
    """Let what comes from now on take its time, as on a phone at the edge of a village."""
    devtools = who.page.context.new_cdp_session(who.page)
    devtools.send("Network.enable")
    devtools.send("Network.emulateNetworkConditions", SLOW)


def count(six: Six, table: type[Attempt | Group | Receipt], *where: ColumnElement[bool]) -> int:
    """Count the rows that pressing has made."""
    query = select(func.count()).select_from(table).where(*where)
    return six.cast.read(lambda session: session.scalars(query).one())
