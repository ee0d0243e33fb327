"""Claims about the watch over windows: each fault that a page may have is found."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from substrack.web.security import CONTENT_SECURITY_POLICY
from tests.browser.site import Site
from tests.browser.windows import USUAL, Look, open_window

FAULTY = {
    "an inline script": ("<script>document.title = 'x'</script>", "Content Security Policy"),
    "an inline style": ("<p style='color: red'>x</p>", "Content Security Policy"),
    "a picture of another host": (
        "<img src='http://example.org/x.png' alt=''>",
        "a request to http://example",
    ),
    "a missing file": ("<img src='/static/none.png' alt=''>", "404"),
    "a script that breaks": ("<script src='/broken.js'></script>", "a script broke"),
}


@pytest.mark.parametrize(("html", "told"), FAULTY.values(), ids=FAULTY)
def test_a_fault_of_a_page_is_found(browser: Browser, site: Site, html: str, told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        look_at_faulty(browser, site, f"<!doctype html><title>x</title>{html}")


def look_at_faulty(browser: Browser, site: Site, html: str) -> None:
    policy = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    with open_window(browser, site) as window:
        window.page.route(
            "**/broken.js", lambda route: route.fulfill(body="null.x", content_type="text/javascript")
        )
        window.page.route(
            "**/faulty", lambda route: route.fulfill(body=html, content_type="text/html", headers=policy)
        )
        window.open("/faulty")
        window.page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("look", [USUAL, Look(size="phone", scheme="dark", scripts=False)])
def test_a_page_without_faults_passes(browser: Browser, site: Site, look: Look) -> None:
    with open_window(browser, site, look) as window:
        window.open("/sign-in")
        window.sees("Forgot your password?")


def test_a_page_that_is_not_there_is_no_fault_of_its_own(browser: Browser, site: Site) -> None:
    with open_window(browser, site) as window:
        window.open("/nothing")
        window.sees("not")
