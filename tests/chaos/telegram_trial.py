"""One trial: a chat message meets a fault, with another behind it; then all is well, and time goes on."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any
from unittest import mock

import httpx
from attrs import evolve
from sqlalchemy import delete, func, select, update

from substrack.bootstrap import Runtime
from substrack.bot import turns
from substrack.channels import telegram_answers  # noqa: F401  (else read while an answer is waited for)
from substrack.channels.telegram import TelegramChannel
from substrack.domain.actors import Actor, Via
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Channel, ChannelChoice, Notice
from substrack.services.chat_rows import write_chat
from substrack.services.outbox import Draft, queue
from substrack.setting_values import SecretStr
from substrack.store import Address, Connection, Contact, Lane, Message
from substrack.worker import senders
from substrack.worker.outbox import deliver_due
from tests.chaos.telegram_table import NEW_CHAT, Fault, Outcome
from tests.fakes.bot_api import BotApi, Person
from tests.fakes.smtp import free_port
from tests.support.post import NOW, Post

SHORT_SECONDS, LONG_SECONDS = 0.6, 20.0
"""How long an answer is waited for: not long where none comes."""


AFTERWARDS = [timedelta(hours=hours) for hours in (5, 30, 31)]
SECOND = timedelta(seconds=1)
TLS = cache(httpx.create_ssl_context)
"""Made once, for it takes longer than all else of a trial, and nothing here is encrypted."""

BOT = int(BotApi.token.partition(":")[0])


@dataclass
class WallClock:
    """The clock by which the bot is paced: set by the trial, and going on from there."""

    at: datetime = NOW
    since: float = field(default_factory=time.monotonic)

    def set(self, at: datetime) -> None:
        """Set it."""
        self.at, self.since = at, time.monotonic()

    def __call__(self) -> datetime:
        return self.at + timedelta(seconds=time.monotonic() - self.since)


@dataclass
class Trial:
    """One fault, met once by Ben's message, while Mia's waits behind it."""

    post: Post
    api: BotApi
    wall: WallClock
    fault: Fault
    number: int

    def run(self) -> Outcome:
        """Let it happen, and say what came of it."""
        self.starts_at = NOW + timedelta(days=2 * self.number)
        self.tried_at = self.starts_at + SECOND
        with self.post.runtime.transaction() as session:
            session.execute(delete(Lane))
        new_home = self.api.group("Ben's", NEW_CHAT)
        ben, ben_phone = self._person("Ben", 10_000, ChannelChoice.TELEGRAM_FIRST)
        mia, mia_phone = self._person("Mia", 20_000, ChannelChoice.TELEGRAM)
        self.ben = self._write(ben, self.starts_at)
        self.api.spared = {str(20_000 + self.number)}
        behind = self._write(mia, self.starts_at + timedelta(microseconds=1))
        self._deliver(timedelta(0), meeting=self.fault)
        first, lane, is_refused = self.post.message(self.ben), self._lane(), self._is_bot_refused()
        pauses = lane is not None and lane.failing_since is not None
        self._check_who_is_behind(self.post.message(behind), pauses=pauses)
        waits = self._waits(first)
        if waits is not None:
            self._deliver(waits - SECOND)
            asked_before = self.post.message(self.ben)
            assert asked_before.state is MessageState.QUEUED, "too early"
        for later in (waits or timedelta(minutes=1), *AFTERWARDS):
            if self._count(Message.state == MessageState.QUEUED):
                self._deliver(later)
        heard = len(mia_phone.inbox) + self._count(*_letters_to(mia))
        assert heard == 1, f"who was behind heard {heard} times"
        shown = [*ben_phone.inbox, *new_home.messages]
        assert len({each.text for each in shown}) <= 1, "a repeat says something else"
        self._check_all_is_well(was_heard=bool(mia_phone.inbox))
        return Outcome(
            first.state,
            waits,
            first.attempts,
            pauses_lane=pauses,
            loses_chat=self._chat_of(ben).refused_since is not None,
            refuses_bot=is_refused,
            alerts=self._count(Message.contact_id == self.post.olga_id),
            by_mail=self._count(*_letters_to(ben)) == 1,
            copies=len(shown),
        )

    def _check_who_is_behind(self, behind: Message, *, pauses: bool) -> None:
        assert behind.attempts == 0, "who was behind pays for it"
        assert behind.state is (MessageState.QUEUED if pauses else MessageState.SENT)

    def _check_all_is_well(self, *, was_heard: bool) -> None:
        """Where nothing was left to find out by, the lane is still thought to fail."""
        lane = self._lane()
        assert lane is None or lane.failing_since is None or not was_heard, "the lane stays paused"
        assert not self._is_bot_refused(), "the bot is still called refused"

    def _waits(self, first: Message) -> timedelta | None:
        """Read when the message is to go or to be given to mail: when it is due and its lane opens."""
        if first.state is not MessageState.QUEUED:
            return None
        lane = self._lane()
        opens_at = lane.paused_until if lane is not None and lane.failing_since is not None else None
        return max(first.due_at, opens_at or first.due_at) - self.tried_at

    def _deliver(self, after: timedelta, *, meeting: Fault | None = None) -> None:
        now = self.tried_at + after
        self.wall.set(now)
        url = self.api.url
        if meeting is not None:
            url = (meeting.url or url).format(closed=free_port())
            for step in meeting.steps:
                self.api.fail_next("sendMessage", step)
            if meeting.is_cut:
                self.api.hang_up_on_next()
        is_in_vain = meeting is not None and meeting.is_slow
        with patient_for(SHORT_SECONDS if is_in_vain else LONG_SECONDS, self.wall):
            deliver_due(_with_bot(self.post.runtime, self.api.token, url), now=now)

    def _person(self, name: str, chats: int, choice: ChannelChoice) -> tuple[int, Person]:
        contact_id, chat_id = self.post.person(f"{name}{self.number}"), chats + self.number
        phone = self.api.person(name, chat_id, has_started=True)
        with self.post.runtime.transaction() as session:
            contact = session.get_one(Contact, contact_id)
            contact.channel_choice = choice
            by = Actor.contact(contact_id, Via.TELEGRAM)
            write_chat(session, contact, None, str(chat_id), key=f"test:{chat_id}", by=by, now=self.starts_at)
            welcome = update(Message).where(
                Message.contact_id == contact_id, Message.notice == Notice.CHAT_LINKED
            )
            session.execute(welcome.values(state=MessageState.CANCELLED))
        return contact_id, phone

    def _write(self, contact_id: int, due_at: datetime) -> int:
        draft = Draft(self.post.workspace_id, contact_id, Notice.FRESH_LINK, f"trial:{contact_id}", due_at)
        key = select(Message.id).where(Message.dedupe_key == f"trial:{contact_id}:telegram")
        with self.post.runtime.transaction() as session:
            queue(session, [draft], now=due_at)
            return session.scalars(key).one()

    def _lane(self) -> Lane | None:
        lanes = select(Lane).where(Lane.name == self.post.message(self.ben).lane)
        with self.post.runtime.reading() as session:
            return session.scalar(lanes)

    def _chat_of(self, contact_id: int) -> Address:
        query = select(Address).where(Address.contact_id == contact_id, Address.channel == Channel.TELEGRAM)
        with self.post.runtime.reading() as session:
            return session.scalars(query).one()

    def _is_bot_refused(self) -> bool:
        query = select(Connection.refused_since).where(Connection.channel == Channel.TELEGRAM)
        with self.post.runtime.reading() as session:
            return session.scalars(query).one() is not None

    def _count(self, *which: Any) -> int:
        query = select(func.count()).select_from(Message).where(Message.created_at >= self.starts_at, *which)
        with self.post.runtime.reading() as session:
            return session.scalar(query) or 0


def _letters_to(contact_id: int) -> tuple[Any, ...]:
    return (
        Message.contact_id == contact_id,
        Message.channel == Channel.EMAIL,
        Message.state == MessageState.SENT,
    )


def _with_bot(runtime: Runtime, token: str, url: str) -> Runtime:
    reached = evolve(runtime.settings, telegram_token=SecretStr(token), telegram_api_url=url)
    return replace(runtime, settings=reached)


@contextmanager
def patient_for(seconds: float, wall: WallClock) -> Iterator[None]:
    """Have the channel speak one by one and wait so long for each answer, and one name lead nowhere."""
    ask = socket.getaddrinfo

    def look_up(host: Any, *args: Any, **options: Any) -> Any:
        if str(host).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return ask(host, *args, **options)

    with ExitStack() as stack:
        channel = partial(TelegramChannel, connections=1, timeout_seconds=seconds)
        stack.enter_context(mock.patch.object(senders, "TelegramChannel", channel))
        stack.enter_context(mock.patch.object(socket, "getaddrinfo", look_up))
        stack.enter_context(mock.patch.object(turns, "wall_clock", wall))
        stack.enter_context(mock.patch("httpx._transports.default.create_ssl_context", TLS))
        yield


def wrong_outcomes(post: Post, faults: Mapping[str, Fault], *, times: int) -> list[str]:
    """Try every fault; say which came out otherwise than the table says."""
    wrong: list[str] = []
    plan = [(name, fault) for name, fault in faults.items() for _ in range(times)]
    wall = WallClock()
    for number, (name, fault) in enumerate(plan):
        with BotApi() as api:
            try:
                found = Trial(post, api, wall, fault, number).run()
            except Exception as error:
                wrong.append(f"{name}: {type(error).__name__} {error}")
            else:
                if found != fault.outcome:
                    wrong.append(f"{name}: {_difference(fault.outcome, found)}")
    return wrong


def _difference(expected: Outcome, found: Outcome) -> str:
    names = [name for name in vars(expected) if getattr(expected, name) != getattr(found, name)]
    return ", ".join(f"{name} {getattr(found, name)} for {getattr(expected, name)}" for name in names)
