"""Windows of a real Chromium: how they look, how people press in them, and what must never happen in them.

Every window is watched. A script or style against the content security policy, an error on the console, an
exception of a script or a request to another host is a fault of the page, whatever else the test claims.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    expect,
    sync_playwright,
)
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Request as BrowserRequest

from substrack.web.security import cookie_name
from tests.browser.site import Site

Size = Literal["desktop", "phone"]
Scheme = Literal["light", "dark"]
WIDTHS: Final[dict[Size, tuple[int, int]]] = {"desktop": (1280, 900), "phone": (390, 844)}
NAMES: Final = ("chromium", "chromium-browser")
PATIENCE_MS: Final = 20_000
"""A busy machine is slow; how fast a page answers is claimed elsewhere."""

# The sandbox of Chromium refuses to work for root; the rest keeps it from calling home.
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@dataclass(frozen=True)
class Look:
    """What somebody holds in their hands, and how they have set it up."""

    size: Size = "desktop"
    scheme: Scheme = "light"
    scripts: bool = True
    keyboard: bool = False
    locale: str = "en-GB"
    zone: str = "Europe/Berlin"


USUAL: Final = Look()


@dataclass
class Window:
    """One person's browser at one site: presses like a person, counts the presses and notes the faults."""

    page: Page
    look: Look
    site: Site
    presses: int = 0
    faults: list[str] = field(default_factory=list)

    def open(self, where: str) -> None:
        """Open an address of the site, absolute or not."""
        self.page.goto(where if where.startswith("http") else f"{self.site.url}{where}")

    def press(self, name: str, *, role: Literal["button", "link"] = "button", within: str = "main") -> None:
        """Press the first button or link of this name that can be seen."""
        named = self.page.locator(within).get_by_role(role, name=name).locator("visible=true").first
        self._press(named)

    def unfold(self, words: str, *, within: str = "main") -> None:
        """Open what is folded away under these words."""
        self._press(self.page.locator(f"{within} summary", has_text=words).locator("visible=true").first)

    def write(self, label: str, text: str) -> None:
        """Fill in the first visible field of this label."""
        field = self.page.get_by_label(label).locator("visible=true").first
        if not self.look.keyboard:
            return field.fill(text)
        self._tab_to(field)
        self.page.keyboard.press("Control+A")
        return self.page.keyboard.type(text)

    def sees(self, words: str) -> None:
        """Wait until the page says this."""
        expect(self.page.locator("main")).to_contain_text(words, timeout=PATIENCE_MS)

    def sees_no(self, words: str) -> None:
        """Wait until the page no longer says this."""
        expect(self.page.locator("main")).not_to_contain_text(words, timeout=PATIENCE_MS)

    def _press(self, control: Locator) -> None:
        self.presses += 1
        if self.look.keyboard:
            self._tab_to(control)
            self.page.keyboard.press("Enter")
        elif self.look.size == "phone":
            control.tap()
        else:
            control.click()

    def _tab_to(self, control: Locator) -> None:
        """Go to a control by the Tab key alone, and make sure one sees where one is."""
        control.wait_for()
        for _step in range(400):
            if control.evaluate("element => element === document.activeElement"):
                assert control.evaluate(SHOWS_FOCUS), f"no focus to be seen on {control}"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {control}")


SHOWS_FOCUS: Final = """element => {
    const style = getComputedStyle(element);
    return element.matches(":focus-visible") && style.outlineStyle !== "none" && style.outlineWidth !== "0px";
}"""


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Start Chromium once for many windows."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def find_chromium() -> str | None:
    """Find the browser of the system; none is ever downloaded."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@contextmanager
def open_window(
    browser: Browser, site: Site, look: Look = USUAL, *, user_id: int | None = None
) -> Iterator[Window]:
    """Open a window of its own, signed in if a user is named; it closes with a complaint about its faults."""
    width, height = WIDTHS[look.size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        has_touch=look.size == "phone",
        is_mobile=look.size == "phone",
        color_scheme=look.scheme,
        java_script_enabled=look.scripts,
        locale=look.locale,
        timezone_id=look.zone,
        reduced_motion="reduce",
    )
    try:
        context.set_default_timeout(PATIENCE_MS)
        if user_id is not None:
            _sign_in(context, site, user_id)
        window = Window(context.new_page(), look, site)
        _watch(context, window)
        yield window
    finally:
        context.close()
    assert not window.faults, "\n".join(window.faults)


def _sign_in(context: BrowserContext, site: Site, user_id: int) -> None:
    name = cookie_name(site.runtime.settings, "session")
    context.add_cookies([{"name": name, "value": site.session_token(user_id), "url": site.url}])


def _watch(context: BrowserContext, window: Window) -> None:
    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not _is_the_page_itself(message, window.page):
            window.faults.append(f"{window.page.url}: console {message.type}: {message.text}")

    def on_request(request: BrowserRequest) -> None:
        if not request.url.startswith((f"{window.site.url}/", "data:")):
            window.faults.append(f"{window.page.url}: a request to {request.url}")

    def on_error(error: BrowserError) -> None:
        window.faults.append(f"{window.page.url}: a script broke: {error}")

    context.on("console", on_console)
    context.on("request", on_request)
    context.on("weberror", lambda broken: on_error(broken.error))


def _is_the_page_itself(message: ConsoleMessage, page: Page) -> bool:
    """Tell whether Chromium only says that the page asked for is a refusal (404 and the like)."""
    is_status = message.text.startswith("Failed to load resource: the server responded with a status of 4")
    return is_status and message.location["url"] == page.url
