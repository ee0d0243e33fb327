"""Olga's workspace with everybody in Telegram, and the bot at work on a real Bot API client.

Messages of the outbox are sent and edited without pacing; updates are taken from the stand-in and handed to
the bot as a worker would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.bot import Bot
from substrack.bot.handling import handle
from substrack.bot.refreshing import refresh
from substrack.channels.telegram import TelegramChannel
from substrack.channels.telegram_account import TelegramAccount
from substrack.domain.actors import Actor, Via
from substrack.domain.delivery import LEASE, MessageState
from substrack.domain.notices import Channel
from substrack.domain.pay_methods import pay_method
from substrack.domain.payments import Status
from substrack.services.chat_rows import write_chat
from substrack.services.connections import connection_for
from substrack.services.delivery import build_message, claim_messages, clear_lane
from substrack.services.inbound import store_updates
from substrack.services.outcomes import Accepted, mark_sent
from substrack.services.shown import claim_edits
from substrack.store import Contact, Group, Member, Message, Payment
from substrack.worker.senders import outgoing_chat
from tests.fakes.bot_api import BotApi, Person, Press
from tests.support.cast import START, Cast, at

Result = TypeVar("Result")
IBAN = "DE89370400440532013000"
LEASE_SHORT = timedelta(minutes=1)


@dataclass
class House:
    """The bot, the people, and a clock that a test sets."""

    api: BotApi
    cast: Cast
    runner: asyncio.Runner
    bot: Bot
    now: datetime
    chats: dict[int, Person] = field(default_factory=dict)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run something on the bot's loop."""
        return self.runner.run(work)

    def link(self, contact_id: int, name: str, chat_id: int) -> Person:
        """Let a contact have Telegram, linked to them."""
        person = self.api.person(name, chat_id, has_started=True)
        with self.bot.runtime.transaction() as session:
            contact = session.get_one(Contact, contact_id)
            by = Actor.contact(contact_id, Via.TELEGRAM)
            write_chat(session, contact, None, str(chat_id), key=f"test:{chat_id}", by=by, now=self.now)
        self.chats[chat_id] = person
        return person

    def handle(self, body: dict[str, Any], times: int = 1) -> None:
        """Have the bot handle one update, which is stored first."""
        with self.bot.runtime.transaction() as session:
            store_updates(session, self.bot.connection_id, [body], now=self.now)
        for _ in range(times):
            self.run(handle(self.bot, body))

    def take_updates(self) -> list[dict[str, Any]]:
        """Fetch what waits for the bot, once."""
        bodies = self.api.updates.fetch(0, 100, 0)
        self.api.updates.drop()
        return bodies

    def work(self, times: int = 1) -> None:
        """Have the bot handle everything that waits, each update `times` times, then edit what is flagged."""
        for body in self.take_updates():
            self.handle(body, times)
        self.deliver()
        self.edit()

    def press(self, person: Person, label: str, *, on: Any = None, times: int = 1) -> Press:
        """Press a button of a message (the last one by default) and let the bot do its work."""
        press = person.presses(on or person.last, label)
        self.work(times)
        return press

    def deliver(self) -> None:
        """Send what is due into chats, as a worker would."""
        for lane in self.lanes():
            with self.bot.runtime.transaction() as session:
                clear_lane(session, lane, now=self.now)
                claimed = claim_messages(session, lane, limit=500, lease=LEASE, now=self.now)
            for one in claimed:
                with self.bot.runtime.transaction() as session:
                    built = build_message(session, one, signer=self.bot.runtime.signer, now=self.now)
                if built is None or built.chat is None:
                    continue
                number = self.run(self.bot.channel.send(outgoing_chat(built)))
                with self.bot.runtime.transaction() as session:
                    mark_sent(session, [Accepted(one, number)], now=self.now)

    def edit(self) -> None:
        """Edit every message that is flagged, as a worker would."""
        with self.bot.runtime.transaction() as session:
            due = claim_edits(session, limit=500, lease=LEASE_SHORT, now=self.now)
        for one in due:
            self.run(refresh(self.bot, one.message_id))

    def pass_time(self, **time: float) -> None:
        """Let time go on, and a worker do what is due then."""
        self.now += timedelta(**time)
        self.deliver()
        self.edit()

    def status(self, member: Member, sequence: int = 1) -> Status:
        """Look how a payment stands."""
        return self.cast.payment_of(member, sequence).status

    def lanes(self) -> list[str]:
        """List the lanes on which something waits for a chat."""
        query = (
            select(Message.lane)
            .where(Message.channel == Channel.TELEGRAM, Message.state == MessageState.QUEUED)
            .distinct()
        )
        return self.cast.read(lambda session: list(session.scalars(query)))


@dataclass
class Home:
    """A house in which Ben and Mia were just asked for February, and Olga and Ada administer."""

    house: House
    group: Group
    ben: Member
    mia: Member
    olga_phone: Person
    ada_phone: Person
    ben_phone: Person
    mia_phone: Person

    def payment(self, member: Member, sequence: int = 1) -> Payment:
        """Load what a member owes."""
        return self.house.cast.payment_of(member, sequence)


def open_house(api: BotApi, cast: Cast, runner: asyncio.Runner) -> House:
    """Put a bot together whose clock the test sets."""
    account = TelegramAccount.from_settings(api.token, api.url)

    async def make() -> TelegramChannel:
        return TelegramChannel(account, connections=4)

    with cast.runtime.transaction() as session:
        connection_id = connection_for(session, cast.workspace_id, Channel.TELEGRAM).id
    house = House(api, cast, runner, None, START)  # type: ignore[arg-type]
    runtime = replace(cast.runtime, clock=lambda: house.now)
    house.bot = Bot(runtime, runner.run(make()), "substrack_bot", connection_id)
    return house


def move_in(house: House, *, periods: int = 1) -> Home:
    """Link everybody, open `periods` months and let the requests go out."""
    cast = house.cast
    ways = (pay_method("iban", {"iban": IBAN, "holder": "Olga O."}),)
    group = cast.group(pay_methods=ways)
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    ada = cast.second_admin()
    ada_contact = cast.read(
        lambda session: session.scalars(select(Contact.id).where(Contact.name == "Ada")).one()
    )
    assert ada.id is not None
    phones = [
        house.link(cast.olga_contact, "Olga", 2001),
        house.link(ada_contact, "Ada", 2002),
        house.link(ben.contact_id, "Ben", 1001),
        house.link(mia.contact_id, "Mia", 1002),
    ]
    house.now = START
    house.deliver()
    for month in range(2, 2 + periods):
        cast.tick(at(f"2026-{month:02}-01"))
    house.now = at(f"2026-{1 + periods:02}-04")
    cast.tick(house.now)
    house.deliver()
    house.now += timedelta(minutes=5)
    return Home(house, group, ben, mia, *phones)


def runtime_of(house: House) -> Runtime:
    """The runtime whose clock the test sets."""
    return house.bot.runtime
