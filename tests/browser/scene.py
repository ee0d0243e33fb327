"""A house full of everything that pages can show: claims, doubts, debts, credit, refusals, long names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from substrack.domain.actors import Actor
from substrack.domain.pay_methods import pay_method
from substrack.domain.shares import SplitKind
from substrack.services.installation import hold_sending
from substrack.services.invitations import invite_admin
from substrack.services.links import issue_link, renew_pay_link, renew_unsubscribe_link
from substrack.services.mailboxes import mark_refused, unsubscribe
from substrack.services.members import leave_group
from substrack.services.payments import reject_payment, waive_payment
from substrack.services.putting_off import object_to_payments
from substrack.services.receipts import record_receipt
from substrack.services.resets import request_reset
from substrack.store import Address, Attempt, Contact, Group, Link, LinkPurpose, Member, Message
from tests.browser.site import Site
from tests.support.cast import Cast, make_stranger, money
from tests.web.admin import cast_of, period
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
    site.wait(hours=1)
    places = _places(cast, group, members, attempt) | _links(cast, members, attempt, site.clock())
    cast.do(hold_sending, "the clock jumped by two hours", now=site.clock())
    assert zed.olga.id is not None
    return Scene(site, home.user_id, zed.olga.id, places)


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


def _places(cast: Cast, group: Group, members: dict[str, Member], attempt: Attempt) -> dict[str, str]:
    ben = members["Ben"]
    contact = cast.read(lambda session: session.get_one(Contact, ben.contact_id))
    sent = select(Message).where(Message.state == "sent", Message.contact_id == ben.contact_id)
    return {
        "group": group.public_id,
        "member": ben.public_id,
        "person": contact.public_id,
        "period": period(cast, group, 1).public_id,
        "payment": cast.payment_of(ben).public_id,
        "claim": attempt.public_id,
        "message": cast.read(lambda session: session.scalars(sent.limit(1)).one()).public_id,
    }


def _links(cast: Cast, members: dict[str, Member], attempt: Attempt, now: datetime) -> dict[str, str]:
    """Write a living link of each purpose: Ben waits for Olga, Theo still owes, Mia has credit."""
    terms: dict[str, Any] = {"workspace_id": cast.workspace_id, "now": now}
    waiting, owing, settled = (members[name].contact_id for name in ("Ben", "Theo", "Mia"))
    cast.do(request_reset, email="olga@example.org", now=now)
    cast.do(invite_admin, cast.workspace_id, email="ada@example.org", name="Ada", by=cast.olga, now=now)
    links = {
        "waiting": cast.do(renew_pay_link, waiting, **terms),
        "owing": cast.do(renew_pay_link, owing, **terms),
        "settled": cast.do(renew_pay_link, settled, **terms),
        "unsubscribe": cast.do(renew_unsubscribe_link, _address(cast, members["Ben"]).id, **terms),
        "decide": cast.do(
            issue_link,
            LinkPurpose.DECIDE,
            contact_id=cast.olga_contact,
            user_id=cast.olga.id,
            attempt_id=attempt.id,
            **terms,
        ),
        "reset": _last_link(cast, LinkPurpose.RESET),
        "invite": _last_link(cast, LinkPurpose.INVITE),
    }
    return {name: cast.runtime.signer.token(link.purpose, link.jti) for name, link in links.items()}


def _last_link(cast: Cast, purpose: LinkPurpose) -> Link:
    query = select(Link).where(Link.purpose == purpose).order_by(Link.id.desc()).limit(1)
    return cast.read(lambda session: session.scalars(query).one())


def _address(cast: Cast, member: Member) -> Address:
    query = select(Address).where(Address.contact_id == member.contact_id)
    return cast.read(lambda session: session.scalars(query).one())
