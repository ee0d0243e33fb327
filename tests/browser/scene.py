"""A house full of everything that pages can show: claims, doubts, debts, credit, refusals, long names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from substrack.domain.actors import Actor
from substrack.domain.pay_methods import pay_method
from substrack.domain.shares import SplitKind
from substrack.services.accounts import edit_profile
from substrack.services.addresses import mark_refused, unsubscribe
from substrack.services.installation import hold_sending
from substrack.services.members import leave_group
from substrack.services.payments import reject_payment, waive_payment
from substrack.services.putting_off import object_to_payments
from substrack.services.receipts import record_receipt
from substrack.store import Address, Attempt, Group, Member
from tests.browser.places import find_places
from tests.browser.site import Site
from tests.support.cast import Cast, make_stranger, money
from tests.web.admin import cast_of
from tests.web.scenes import claim
from tests.web.support import NOW, found_home

LONG_NAME = "Bartholomäus Featherstonehaugh-Szczepański"
NAMES = ("Ben", "Mia", "Theo", "Noor", LONG_NAME)
WAYS = (
    pay_method("link", {"url": "https://pay.example.org/olga?amount={amount}", "label": "PayPal"}),
    pay_method("iban", {"iban": "DE02120300000000202051", "holder": "Olga Example"}),
    pay_method("text", {"text": "Cash is fine too, best on a Sunday."}),
)


@dataclass(frozen=True)
class Scene:
    """The house, who signs in there, and what to put into the addresses of its pages."""

    site: Site
    olga: int
    newcomer: int
    places: dict[str, str]
    greta: int | None = None
    """An admin who reads German; whoever is not signed in reads what the browser asks for."""


def make_scene(site: Site) -> Scene:
    """Furnish an empty installation; Zed owns a workspace of his own in which nothing has begun."""
    home = found_home(site.runtime)
    cast = cast_of(site.runtime, home)
    zed = make_stranger(site.runtime)
    group, members = _youtube(cast)
    _others(cast)
    site.wait(days=3, hours=2)
    attempt = _claims(cast, members)
    _troubles(cast, group, members, site.clock())
    site.wait(days=1)
    owing, settled = members["Theo"].contact_id, members["Mia"].contact_id
    places = find_places(cast, attempt, owing=owing, settled=settled, now=site.clock())
    cast.do(hold_sending, "the clock jumped by two hours", now=site.clock())
    assert zed.olga.id is not None
    return Scene(site, home.user_id, zed.olga.id, places, _greta(cast, site.clock()))


def _greta(cast: Cast, now: datetime) -> int | None:
    greta = cast.second_admin("Greta")
    cast.do(edit_profile, greta.id, name="Greta", language="de", by=greta, now=now)
    return greta.id


def _youtube(cast: Cast) -> tuple[Group, dict[str, Member]]:
    group = cast.group("YouTube Premium and everything that belongs to it", pay_methods=WAYS)
    members = {name: cast.join(group, name) for name in NAMES if name != LONG_NAME}
    members[LONG_NAME] = cast.join(group, LONG_NAME, email="bartholomaeus.featherstonehaugh@example.org")
    cast.tick(NOW)
    cast.tick(NOW)
    return group, members


def _others(cast: Cast) -> None:
    """Share more things: one whose bill is not known, one in another currency."""
    electricity = cast.group("Electricity", split=SplitKind.VARIABLE)
    manga = cast.group("Manga", "123456", currency="JPY", starts_on=date(2026, 1, 1))
    for group in (electricity, manga):
        cast.join(group, "Ben")
        cast.join(group, "Kai", email=None)
    cast.tick(NOW)
    cast.tick(NOW)


def _claims(cast: Cast, members: dict[str, Member]) -> Attempt:
    claim(cast, members["Mia"], 1, flagged=True)
    claim(cast, members[LONG_NAME], 1, amount=money("2"))
    return claim(cast, members["Ben"], 1, 2, method="PayPal", note="Both months\nat once", paid_on=NOW.date())


def _troubles(cast: Cast, group: Group, members: dict[str, Member], now: datetime) -> None:
    olga: dict[str, Any] = {"by": cast.olga, "now": now}
    theo, noor, mia = members["Theo"], members["Noor"], members["Mia"]
    doubted = [cast.payment_of(theo).id]
    by_theo = Actor.contact(theo.contact_id)
    cast.do(object_to_payments, theo.contact_id, doubted, text="I left in May", by=by_theo, now=now)
    claim(cast, theo, 2)
    cast.do(reject_payment, cast.payment_of(theo, 2).id, reason="Nothing has arrived yet", **olga)
    cast.do(leave_group, noor.id, left_on=date(2026, 3, 1), **olga)
    cast.do(waive_payment, cast.payment_of(noor, 2).id, reason="Thanks for the bike", **olga)
    cast.do(
        record_receipt,
        cast.workspace_id,
        contact_id=mia.contact_id,
        payer_id=cast.olga_contact,
        amount=money("50"),
        group_id=group.id,
        note="For the year",
        **olga,
    )
    cast.do(mark_refused, _address(cast, theo).id, reason="550 no such box", now=now)
    cast.do(unsubscribe, _address(cast, noor).id, by=Actor.contact(noor.contact_id), now=now)


def _address(cast: Cast, member: Member) -> Address:
    query = select(Address).where(Address.contact_id == member.contact_id)
    return cast.read(lambda session: session.scalars(query).one())
