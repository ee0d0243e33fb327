"""A club: many members who each owe one payment, two admins who decide, and all of them in Telegram.

Everybody can be tapped for in a browser and in a chat alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, Via
from substrack.services.chat_rows import write_chat
from substrack.services.links import renew_pay_link
from substrack.services.user_sessions import start_session
from substrack.store import Attempt, AttemptItem, Contact, RoleGrant
from substrack.web.security import cookie_name
from tests.chaos.live import Clock
from tests.fakes.bot_api import BotApi, Person
from tests.support.cast import START, Cast, at

FEBRUARY: Final = at("2026-02-04")
FIRST_CHAT: Final = 5001
FIRST_ADMIN_CHAT: Final = 2001


@dataclass(frozen=True)
class Debtor:
    """One member: what they owe, their page and their phone."""

    contact_id: int
    payment_id: int
    payment: str
    page: str
    phone: Person


@dataclass(frozen=True)
class Admin:
    """One who decides: the cookies of a signed-in browser, and a phone."""

    contact_id: int
    cookies: dict[str, str]
    phone: Person


@dataclass(frozen=True)
class Club:
    """Everybody, in February, when all have just been asked."""

    cast: Cast
    clock: Clock
    debtors: list[Debtor]
    admins: list[Admin]

    def claim_of(self, debtor: Debtor) -> str:
        """Find the public id of the claim that names what somebody owes."""
        query = (
            select(Attempt.public_id)
            .join(AttemptItem, AttemptItem.attempt_id == Attempt.id)
            .where(AttemptItem.payment_id == debtor.payment_id)
            .order_by(Attempt.id)
        )
        return self.cast.read(lambda session: session.scalars(query).first()) or ""


def found_club(cast: Cast, api: BotApi, clock: Clock, size: int) -> Club:
    """Let `size` people share a group with Olga, and let the day come on which they are asked."""
    admins = [cast.olga, cast.second_admin()]
    group = cast.group(price=f"{size + 1}.00")
    members = [cast.join(group, f"Member{number}") for number in range(size)]
    phones = [link_chat(cast, api, one.contact_id, FIRST_CHAT + place) for place, one in enumerate(members)]
    for day in (at("2026-02-01"), FEBRUARY):
        cast.tick(day)
    clock.turn_to(FEBRUARY)
    debtors = [
        Debtor(one.contact_id, payment.id, payment.public_id, _page(cast, clock, one.contact_id), phone)
        for one, phone in zip(members, phones, strict=True)
        for payment in [cast.payment_of(one)]
    ]
    return Club(
        cast,
        clock,
        debtors,
        [_admin(cast, api, clock, one, FIRST_ADMIN_CHAT + place) for place, one in enumerate(admins)],
    )


def _admin(cast: Cast, api: BotApi, clock: Clock, who: Actor, chat_id: int) -> Admin:
    assert who.id is not None
    query = select(RoleGrant.contact_id).where(RoleGrant.user_id == who.id)
    contact_id = cast.read(lambda session: session.scalars(query).one())
    token = cast.do(start_session, who.id, agent="Test browser", now=clock())
    cookies = {cookie_name(cast.runtime.settings, "session"): token}
    return Admin(contact_id, cookies, link_chat(cast, api, contact_id, chat_id))


def link_chat(cast: Cast, api: BotApi, contact_id: int, chat_id: int) -> Person:
    """Link somebody who wrote to the bot before; return their phone."""

    def link(session: Session) -> None:
        contact, by = session.get_one(Contact, contact_id), Actor.contact(contact_id, Via.TELEGRAM)
        write_chat(session, contact, None, str(chat_id), key=f"test:{chat_id}", by=by, now=START)

    cast.do(link)
    return api.person(f"P{chat_id}", chat_id, has_started=True)


def _page(cast: Cast, clock: Clock, contact_id: int) -> str:
    link = cast.do(renew_pay_link, contact_id, workspace_id=cast.workspace_id, now=clock())
    runtime = cast.runtime
    return runtime.signer.url(link).removeprefix(runtime.settings.base_url)
