"""The town: one workspace with two admins, groups whose periods are open, and people who have a link each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.domain.cycles import Unit
from substrack.services.links import renew_pay_link
from substrack.services.user_sessions import start_session
from substrack.store import Contact, Payment
from substrack.web.app import create_app
from substrack.web.security import cookie_name
from tests.chaos.club import FIRST_CHAT, link_chat
from tests.fakes.bot_api import BotApi, Person
from tests.support.cast import Cast, make_cast
from tests.web.support import form_token

SHARE_MINOR: Final = 500
NOON: Final = 12


@dataclass(frozen=True)
class Resident:
    """A member: the path of their page, the key of their account, what they owe (public ids), Telegram."""

    contact_id: int
    page: str
    account: str
    payments: Sequence[str]
    phone: Person | None = None

    @property
    def actor(self) -> tuple[str, int]:
        """Who the journal says acted."""
        return ("contact", self.contact_id)


@dataclass(frozen=True)
class Desk:
    """A browser at which an admin has signed in: its cookies, and the token that its forms carry."""

    user_id: int
    cookies: str
    token: str

    @property
    def actor(self) -> tuple[str, int]:
        """Who the journal says acted."""
        return ("user", self.user_id)


@dataclass(frozen=True)
class Town:
    """Everybody there is."""

    cast: Cast
    residents: Sequence[Resident]
    desks: Sequence[Desk]


def found_town(
    runtime: Runtime, *, members: int, weeks: int, desks: int, api: BotApi | None, chats: int
) -> Town:
    """Set up so many members, who each owe as many weeks, and admins at so many desks.

    The first `chats` members have linked Telegram.
    """
    cast, now = make_cast(runtime), runtime.now()
    ada = cast.second_admin()
    begin = now - timedelta(weeks=weeks - 1)
    group = cast.group(
        "Club",
        f"{SHARE_MINOR * (members + 1) / 100:.2f}",
        unit=Unit.WEEK,
        starts_on=begin.date(),
        time_zone=where_it_is_noon(now),
    )
    for number in range(members):
        cast.join(group, f"M{number}", now=begin - timedelta(days=2))
    # A tick opens one period of each group.
    while cast.tick(now).periods_opened:
        pass
    admins = (cast.olga, ada)
    residents = _residents(cast)
    if api is not None:
        for place, one in enumerate(residents[:chats]):
            phone = link_chat(cast, api, one.contact_id, FIRST_CHAT + place)
            residents[place] = replace(one, phone=phone)
    return Town(cast, residents, [_sign_in(runtime, admins[place % 2]) for place in range(desks)])


def where_it_is_noon(now: datetime) -> str:
    """Name a time zone in which people are asked at this hour."""
    ahead = NOON - now.astimezone(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"  # the signs of these zones are the wrong way round


def _residents(cast: Cast) -> list[Resident]:
    with cast.runtime.transaction() as session:
        payer = session.get_one(Contact, cast.olga_contact).public_id
        owed: dict[int, list[str]] = {}
        for payment in session.scalars(select(Payment).where(Payment.kind == "dues").order_by(Payment.id)):
            owed.setdefault(payment.contact_id, []).append(payment.public_id)
        found = []
        for contact_id, payments in owed.items():
            link = renew_pay_link(session, contact_id, workspace_id=cast.workspace_id, now=cast.runtime.now())
            page = cast.runtime.signer.url(link).removeprefix(cast.runtime.settings.base_url)
            account = f"{session.get_one(Contact, contact_id).public_id}.{payer}.EUR"
            found.append(Resident(contact_id, page, account, payments))
    return found


def _sign_in(runtime: Runtime, admin: Actor) -> Desk:
    assert admin.id is not None
    with runtime.transaction() as session:
        started = start_session(session, admin.id, agent="desk", now=runtime.now())
    session_cookie = f"{cookie_name(runtime.settings, 'session')}={started}"
    client = create_app(runtime).test_client(use_cookies=False)
    shown = client.get("/profile", headers={"Cookie": session_cookie})
    form = re.search(r"(substrack-form=[^;]*)", "; ".join(shown.headers.getlist("Set-Cookie")))
    token = form_token(shown.text)
    assert form is not None
    assert token is not None
    return Desk(admin.id, f"{session_cookie}; {form[1]}", token)
