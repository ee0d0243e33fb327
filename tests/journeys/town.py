"""A town that lives in Telegram: workers as an operator runs them, the stand-in, and a clock to turn.

The clock runs on by itself, so that a worker's own pauses pass; `turn` lets days go by at once.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from werkzeug.serving import make_server

from substrack.bootstrap import Runtime, make_runtime
from substrack.domain.actors import Actor, Via
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Channel, Notice
from substrack.services.chat_rows import write_chat
from substrack.services.chats import chat_code, confirm_chat, issue_admin_code, issue_chat_code
from substrack.services.people import add_contact
from substrack.setting_values import SecretStr
from substrack.settings import Settings
from substrack.store import Base, Contact, Group, Inbound, Member, Message, Payment
from substrack.web.app import create_app
from substrack.worker.running import Worker
from tests.fakes.bot_api import BotApi, Person, Shown
from tests.fakes.smtp import free_port
from tests.support.cast import START, Cast, at, make_cast

FEBRUARY = at("2026-02-04")
PATIENCE = 20.0


class Clock:
    """Runs like any clock, and is turned forward by the test."""

    def __init__(self) -> None:
        self._began, self._wall = time.monotonic(), START

    def __call__(self) -> datetime:
        return self._wall + timedelta(seconds=time.monotonic() - self._began)

    def turn(self, time_passed: timedelta) -> None:
        """Let time pass at once."""
        self._wall += time_passed

    def turn_to(self, when: datetime) -> None:
        """Let time pass until then."""
        self.turn(when - self())


@dataclass
class Town:
    """Olga's workspace, people's phones, and what runs."""

    cast: Cast
    api: BotApi
    clock: Clock
    settings: Settings
    _runtimes: list[Runtime] = field(default_factory=list)

    def runtime(self) -> Runtime:
        """Put a process of its own together."""
        made = replace(make_runtime(self.settings), clock=self.clock)
        self._runtimes.append(made)
        return made

    @contextmanager
    def at_work(self, workers: int = 1) -> Iterator[None]:
        """Run workers beside; each ends in peace."""
        crew = [Worker(self.runtime()) for _ in range(workers)]
        threads = [threading.Thread(target=worker.run) for worker in crew]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for worker in crew:
                worker.stop()
            for thread in threads:
                thread.join(timeout=30)
                assert not thread.is_alive()

    @contextmanager
    def pages(self) -> Iterator[None]:
        """Serve the pages at the base URL, where the webhook is."""
        app = create_app(self.runtime())
        port = int(self.settings.base_url.rpartition(":")[2])
        server = make_server("127.0.0.1", port, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join(timeout=10)
            server.server_close()

    def close(self) -> None:
        """Give all connections back."""
        for runtime in self._runtimes:
            runtime.close()

    # People.

    def invite(self, contact_id: int, name: str, chat_id: int) -> Person:
        """Have somebody open the link they were given in Telegram; they never wrote to the bot before."""
        link = self.cast.do(issue_chat_code, contact_id, now=self.clock())
        person = self.api.person(name, chat_id)
        person.starts(chat_code(self.cast.runtime.signer, link))
        person.waits_for(lambda shown: "linked" in shown.text or "reach" in shown.text, seconds=15)
        return person

    def invite_admin(self, admin: Actor, contact_id: int, name: str, chat_id: int) -> Person:
        """Have an admin open their own link and say yes on their signed-in page."""
        assert admin.id is not None
        link = self.cast.do(issue_admin_code, admin.id, contact_id, now=self.clock())
        person = self.api.person(name, chat_id)
        person.starts(chat_code(self.cast.runtime.signer, link))
        person.waits_for(lambda shown: bool(shown.text), seconds=15)
        self.cast.do(confirm_chat, contact_id, chat_id=chat_id, by=admin, now=self.clock())
        return person

    def add_person(self, name: str) -> int:
        """Add somebody who shares nothing and has no address yet."""
        with self.cast.runtime.transaction() as session:
            at = self.clock()
            return add_contact(session, self.cast.workspace_id, name=name, by=self.cast.olga, now=at).id

    def put_into_chat(self, contact_id: int, chat_id: int) -> Person:
        """Link somebody without their doing; their chat is told so."""
        person = self.api.person(f"P{chat_id}", chat_id, has_started=True)
        with self.cast.runtime.transaction() as session:
            contact = session.get_one(Contact, contact_id)
            key = f"test:{chat_id}"
            write_chat(session, contact, None, str(chat_id), key=key, by=by(contact_id), now=self.clock())
        return person

    def contact_of(self, name: str) -> int:
        """Find somebody by name."""
        query = select(Contact.id).where(Contact.name == name)
        return self.cast.read(lambda session: session.scalars(query).one())

    # Looking.

    def payment(self, member: Member) -> Payment:
        """Load what a member owes for February."""
        return self.cast.payment_of(member)

    def count(self, kind: type[Base], **where: Any) -> int:
        """Count rows."""
        query = select(func.count()).select_from(kind).filter_by(**where)
        return self.cast.read(lambda session: session.scalar(query)) or 0

    def due(self, *channels: Channel) -> int:
        """Count what is due and has not gone out, on any channel by default."""
        query = select(func.count()).select_from(Message)
        query = query.where(Message.state.in_([MessageState.QUEUED, MessageState.SENDING]))
        query = query.where(Message.due_at <= self.clock(), Message.channel.in_(channels or tuple(Channel)))
        return self.cast.read(lambda session: session.scalar(query)) or 0

    def count_messages(self, notice: Notice, channel: Channel) -> int:
        """Count what was ever queued of a kind."""
        return self.count(Message, notice=notice, channel=channel)

    def count_open_updates(self) -> int:
        """Count what the bot was told and has not worked on."""
        return self.count(Inbound, processed_at=None)

    def waits_until(self, is_so: Callable[[], object], seconds: float = 20) -> None:
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < end, self._state()
            time.sleep(0.05)

    def _state(self) -> list[tuple[object, ...]]:
        """Describe what lies in the outbox, for a test that waited in vain."""
        return [
            (each.id, each.contact_id, each.notice, each.channel, each.state, each.due_at, each.last_error)
            for each in self.cast.messages()
        ]

    def mail_to(self, name: str) -> list[str]:
        """Read what was sent to a mailbox."""
        address = f"To: {name}@example.org"
        return [each for each in self.mail() if address in each]

    def subjects_to(self, name: str) -> list[str]:
        """Read the subjects of what was sent to a mailbox."""
        found = (re.search(r"^Subject: .*(?:\n[ \t].*)*", each, re.MULTILINE) for each in self.mail_to(name))
        return [each[0] for each in found if each]

    def mail(self) -> list[str]:
        """Read what was sent by mail."""
        return [path.read_text() for path in sorted(self.cast.runtime.mail_dir.rglob("*.eml"))]


@dataclass
class Street:
    """Olga administers and Ben shares; both live in Telegram."""

    group: Group
    ben: Member
    ben_phone: Person
    olga_phone: Person


def move_in(town: Town) -> Street:
    """Let Olga and Ben come into Telegram while a worker runs; Ben has nothing else."""
    group = town.cast.group()
    ben = town.cast.join(group, "Ben", email=None)
    olga_phone = town.invite_admin(town.cast.olga, town.cast.olga_contact, "Olga", 2001)
    return Street(group, ben, town.invite(ben.contact_id, "Ben", 1001), olga_phone)


def february_comes(town: Town) -> None:
    """Let February begin, and the day on which it is asked for come."""
    town.cast.tick(at("2026-02-01"))
    town.clock.turn_to(FEBRUARY)


def shows(label: str) -> Callable[[Shown], bool]:
    """Look for a message with a button."""
    return lambda shown: any(label in each for row in shown.labels for each in row)


def says(words: str) -> Callable[[Shown], bool]:
    """Look for a message with these words."""
    return lambda shown: words in shown.text


def open_town(database_url: str, data_dir: Path, api: BotApi, stack: ExitStack, **more: Any) -> Town:
    """Found the workspace on a fresh database, with a bot."""
    clock = Clock()
    settings = Settings(
        database_url=database_url,
        data_dir=data_dir,
        base_url=f"http://127.0.0.1:{free_port()}",
        telegram_token=SecretStr(api.token),
        telegram_api_url=api.url,
        now=START,  # the clock is turned on purpose, so nobody watches it
        **more,
    )
    first = replace(make_runtime(settings), clock=clock)
    town = Town(make_cast(first), api, clock, settings, [first])
    stack.callback(town.close)
    return town


def by(contact_id: int) -> Actor:
    """Act as somebody in Telegram."""
    return Actor.contact(contact_id, Via.TELEGRAM)
