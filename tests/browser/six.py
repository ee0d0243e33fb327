"""Six who share one thing: Olga pays, five owe her 3.00 each for March, and nobody has been asked yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from substrack.channels.mailbox import KeptMail
from substrack.domain.actors import Actor
from substrack.services.claims import claim_payments
from substrack.store import Group, Member
from tests.browser.site import Site, apart
from tests.support.cast import Cast
from tests.web.admin import cast_of
from tests.web.support import found_home

NAMES = ("Ben", "Mia", "Theo", "Noor", "Kai")


@dataclass(frozen=True)
class Six:
    """Olga's workspace with its group, and short ways to act and look in it."""

    site: Site
    cast: Cast
    olga: int
    group: Group
    members: dict[str, Member]

    def say_paid(self, *names: str) -> None:
        """Let some say that they paid, each with a press of their own."""
        for name in names:
            person, payment = self.members[name].contact_id, self.cast.payment_of(self.members[name])
            by, now = Actor.contact(person), self.site.clock()
            self.cast.do(claim_payments, person, [payment.id], by=by, now=now)

    def statuses(self) -> list[str]:
        """Say how far the five are, in their order."""
        return [self.cast.payment_of(member).status.value for member in self.members.values()]

    def mail_of(self, name: str) -> list[KeptMail]:
        """Let a minute pass, and list what somebody has got, oldest first."""
        self.site.wait(minutes=1)
        return self.site.mail_to(f"{name.lower()}@example.org")


def gather_six(site: Site) -> Six:
    """Set the group up in an empty installation, and let its first period open."""
    home = found_home(site.runtime)
    cast = cast_of(site.runtime, home)
    group = cast.group("YouTube Premium", "18.00", starts_on=date(2026, 3, 1))
    members = {name: cast.join(group, name) for name in NAMES}
    apart(lambda: cast.tick(site.clock()))
    return Six(site, cast, home.user_id, group, members)


def link_in(mail: KeptMail) -> str:
    """Find the link to a member's page in a mail."""
    found = re.search(r"https?://\S+/pay/\S+", mail.text)
    assert found, mail.text
    return found[0]
