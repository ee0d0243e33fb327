"""The loop as two people live it, in real windows: Olga sets up and decides, Ben pays from his mail.

The same story by hand, without scripts, by the keyboard alone and in the dark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

import pytest

from substrack.channels.mailbox import KeptMail
from tests.browser.conftest import OpenWindow
from tests.browser.site import Site
from tests.browser.windows import Look, Window

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
}


@dataclass
class Loop:
    """Olga at her desk and Ben at his phone."""

    site: Site
    olga: Window
    ben: Window

    def set_up(self) -> None:
        """Set SubsTrack up by its link, leave, and sign in again."""
        self.olga.open(self.site.setup_url())
        self.olga.write("Your name", "Olga")
        self.olga.write("Your email address", EMAIL)
        self.olga.write("Password", PASSWORD)
        self.olga.press("Set up and sign in")
        self.olga.sees("First steps")
        self.olga.unfold("Olga", within="header")
        self.olga.press("Sign out", within="header")
        self.olga.write("Email address", EMAIL)
        self.olga.write("Password", PASSWORD)
        self.olga.press("Sign in")
        self.olga.sees("First steps")

    def share_with_five(self) -> None:
        """Make a group of six; its first period opens, and after the days of grace everybody is asked."""
        self.olga.press("Set up a group", role="link")
        self.olga.write("What you share", "YouTube Premium")
        self.olga.write("Price", "18")
        self.olga.write("Who shares it with you", PEOPLE)
        self.olga.press("Set up the group")
        self.olga.sees("is set up")
        self.site.wait(hours=1)
        self.site.wait(days=3)

    def ben_says_paid(self) -> None:
        """Follow the link of Ben's last mail and press the button; later Olga has heard of it."""
        self.ben.open(link_in(self.site.mail_to("ben@example.org")[-1]))
        self.ben.sees("One more tap and Olga knows")
        self.ben.press("I’ve paid")
        self.ben.sees("Thank you")
        self.site.wait(hours=1)

    def olga_goes_home(self) -> None:
        """Open home, where Ben's claim waits."""
        self.olga.open("/")
        self.olga.sees("1 payment to check")

    def olga_confirms(self) -> None:
        """Confirm right there."""
        self.olga.press("Confirm")
        self.olga.sees("Confirmed")
        self.olga.sees_no("1 payment to check")

    def olga_undoes(self) -> None:
        """Take the decision back within its ten seconds."""
        self.olga.press("Undo")
        self.olga.sees("1 payment to check")

    def olga_rejects(self) -> None:
        """Say why it can't be right."""
        self.olga.unfold("Reject")
        self.olga.write("Why?", "Nothing has arrived yet")
        self.olga.press("Reject")
        self.olga.sees_no("1 payment to check")
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
    assert "Olga received your 3.00" in loop.site.mail_to("ben@example.org")[-1].text
    loop.ben.page.reload()
    loop.ben.sees("Nothing to pay right now")


class TestTaps:
    """How many presses things may cost; following the link of a mail is one."""

    @pytest.fixture
    def loop(self, site: Site, window: OpenWindow) -> Loop:
        loop = Loop(site, window(site), window(site, Look("phone")))
        loop.set_up()
        loop.share_with_five()
        return loop

    def test_a_member_claims_in_two_and_an_admin_confirms_in_one(self, loop: Loop) -> None:
        loop.ben_says_paid()
        loop.olga_goes_home()
        before = loop.olga.presses
        loop.olga_confirms()

        assert 1 + loop.ben.presses == 2
        assert loop.olga.presses - before == 1


def link_in(mail: KeptMail) -> str:
    """Find the link to a member's page in a mail."""
    found = re.search(r"https?://\S+/pay/\S+", mail.text)
    assert found, mail.text
    return found[0]
