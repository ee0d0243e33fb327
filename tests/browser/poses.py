"""What somebody does on a page before its picture is taken: a form filled in says more than an empty one."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.windows import PATIENCE_MS, Window

Pose = Callable[[Window], None]


def stand_still(window: Window) -> None:
    """Do nothing."""


def type_a_group(window: Window) -> None:
    """Fill in the form of a new group, and wait for what it foretells."""
    window.page.get_by_role("radio", name="Video").check(force=True)
    window.write("What you share", "Netflix")
    window.page.locator("[name=price]").fill("19.99")
    window.write("Who shares it with you", "Ann <ann@example.org>, Ben, Mia")
    expect(window.page.locator("main")).to_contain_text("Due on", timeout=PATIENCE_MS)
    window.page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")


def try_a_price(window: Window) -> None:
    """Type another price and look at what it changes."""
    window.page.locator("[name=amount]").fill("25.99")
    window.press("Show what changes")
    window.sees("nothing has changed yet")


def look_whom_to_ask(window: Window) -> None:
    """Go to a group that waits for money, and see whom the next press would ask."""
    window.press("Family phone plan", role="link")
    window.page.wait_for_url("**/groups/*")
    window.open(f"{window.page.url}/ask")  # its button leads here only while no claim waits
    window.sees("Ask now")


def unfold_more(window: Window) -> None:
    """Open what else one can say about a payment, and bring it into view."""
    window.unfold("Another amount")
    window.page.evaluate("() => document.querySelector('details[open]').scrollIntoView()")
