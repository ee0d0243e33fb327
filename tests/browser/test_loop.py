"""The loop as two people live it, in real windows: Olga sets up and decides, Ben pays from his mail.

The same story by hand, without scripts, by the keyboard alone, in the dark and in German.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pytest

from substrack.texts.catalogue import language_of
from substrack.texts.words import Words
from tests.browser.conftest import OpenWindow
from tests.browser.site import Site
from tests.browser.six import link_in
from tests.browser.windows import Look, Window
from tests.support.cast import money

EMAIL: Final = "olga@example.org"
PASSWORD: Final = "seven quiet otters"
PEOPLE: Final = ", ".join(
    f"{name} <{name.lower()}@example.org>" for name in ("Ben", "Mia", "Theo", "Noor", "Kai")
)
WAYS: Final = {
    "by hand": Look(),
    "without scripts": Look(scripts=False),
    "by keyboard": Look(keyboard=True),
    "in the dark": Look(scheme="dark"),
    "in German": Look(locale="de-DE"),
}


@dataclass
class Loop:
    """Olga at her desk and Ben at his phone; both read what their browsers ask for."""

    site: Site
    olga: Window
    ben: Window

    def _(self, message: str, **values: str) -> str:
        """Say what a page says in their language."""
        return self._words(message, **values)

    @property
    def waits(self) -> str:
        """What home says while a claim waits."""
        return self._words.ngettext("%(n)s payment to check", "%(n)s payments to check", 1)

    @property
    def share(self) -> str:
        """What each of the six owes."""
        return self._words.money(money("3"))

    @property
    def _words(self) -> Words:
        return Words(language_of(self.olga.look.locale))

    def set_up(self) -> None:
        """Set SubsTrack up by its link, leave, and sign in again."""
        self.olga.open(self.site.setup_url())
        self.olga.write(self._("Your name"), "Olga")
        self.olga.write(self._("Your email address"), EMAIL)
        self.olga.write(self._("Password"), PASSWORD)
        self.olga.press(self._("Set up and sign in"))
        self.olga.sees(self._("First steps"))
        self.olga.unfold("Olga", within="header")
        self.olga.press(self._("Sign out"), within="header")
        self.olga.write(self._("Email address"), EMAIL)
        self.olga.write(self._("Password"), PASSWORD)
        self.olga.press(self._("Sign in"))
        self.olga.sees(self._("First steps"))

    def share_with_five(self) -> None:
        """Make a group of six; its first period opens, and after the days of grace everybody is asked."""
        self.olga.press(self._("Set up a group"), role="link")
        self.olga.write(self._("What you share"), "YouTube Premium")
        self.olga.write(self._("Price"), "18")
        self.olga.write(self._("Who shares it with you"), PEOPLE)
        self.olga.press(self._("Set up the group"))
        self.olga.sees(self._("“%(group)s” is set up.", group="YouTube Premium"))
        self.site.wait(hours=1)
        self.site.wait(days=3)

    def ben_says_paid(self) -> None:
        """Follow the link of Ben's last mail and press the button; later Olga has heard of it."""
        self.ben.open(link_in(self.site.mail_to("ben@example.org")[-1]))
        self.ben.sees(self._("Paid? One more tap and %(payers)s knows.", payers="Olga"))
        self.ben.press(self._("I’ve paid"))
        self.ben.sees(self._("Thank you, %(name)s", name="Ben"))
        self.site.wait(hours=1)

    def olga_goes_home(self) -> None:
        """Open home, where Ben's claim waits."""
        self.olga.open("/")
        self.olga.sees(self.waits)

    def olga_confirms(self) -> None:
        """Confirm right there."""
        self.olga.press(self._("Confirm %(amount)s", amount=self.share))
        self.olga.sees(self._("Confirmed: %(amount)s.", amount=self.share))
        self.olga.sees_no(self.waits)

    def olga_undoes(self) -> None:
        """Take the decision back within its ten seconds."""
        self.olga.press(self._("Undo"))
        self.olga.sees(self.waits)

    def olga_rejects(self) -> None:
        """Say why it can't be right."""
        self.olga.unfold(self._("Reject"))
        self.olga.write(self._("Why?"), "Nothing has arrived yet")
        self.olga.press(self._("Reject"))
        self.olga.sees_no(self.waits)
        self.site.wait(minutes=1)


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def loop(request: pytest.FixtureRequest, site: Site, window: OpenWindow) -> Loop:
    look: Look = request.param
    return Loop(site, window(site, look), window(site, replace(look, size="phone")))


def test_the_whole_loop(loop: Loop) -> None:
    loop.set_up()
    loop.share_with_five()
    loop.ben_says_paid()
    loop.olga_goes_home()
    loop.olga_confirms()
    loop.olga_undoes()
    loop.olga_rejects()
    assert "Nothing has arrived yet" in loop.site.mail_to("ben@example.org")[-1].text
    loop.ben_says_paid()
    loop.olga_goes_home()
    loop.olga_confirms()
    loop.site.wait(minutes=1)
    received = loop._("%(payers)s received your %(amount)s. Thank you!", payers="Olga", amount=loop.share)
    assert received.replace("\xa0", " ") in loop.site.mail_to("ben@example.org")[-1].text
    loop.ben.page.reload()
    loop.ben.sees(loop._("Nothing to pay right now"))
    for one in (loop.olga, loop.ben):
        assert one.page.get_attribute("html", "lang") == one.look.locale.partition("-DE")[0]
