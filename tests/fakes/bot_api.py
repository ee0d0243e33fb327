"""A Bot API on loopback: python-telegram-bot at one end, people at the other, failing on demand.

It speaks real HTTP (forms, multipart, JSON), keeps chats as phones show them, and refuses what Telegram
refuses.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.fakes.telegram_chats import Press, Shown, User
from tests.fakes.telegram_faults import CONFLICT, Fault, error_reply
from tests.fakes.telegram_http import ApiServer, Reply
from tests.fakes.telegram_methods import ApiRefused, Call, Methods
from tests.fakes.telegram_people import Group, Person
from tests.fakes.telegram_updates import Terminated, Updates
from tests.fakes.telegram_world import World

__all__ = ["ANY", "DOWNLOAD", "BotApi", "Group", "Person", "Press", "Shown"]

ANY = "*"
"""As a method: every method."""

DOWNLOAD = "download"
"""As a method: fetching a file's bytes."""

TOKEN = "123456:AAtest-token_of_the_stand-in_0123456"


@dataclass(frozen=True)
class Request:
    """One request as it came; `at` is a reading of the monotonic clock, `fault` what it met."""

    method: str
    values: Mapping[str, str]
    at: float
    fault: Fault | None = None

    @property
    def chat_id(self) -> int | None:
        """The chat it is about."""
        return int(self.values["chat_id"]) if "chat_id" in self.values else None


@dataclass(eq=False)
class BotApi:
    """The stand-in; use it as a context manager, from any number of clients and threads.

    `requests` lists everything asked of it. `down`, while set, is what every request meets.
    """

    token: str = TOKEN
    world: World = field(default_factory=World)
    requests: list[Request] = field(default_factory=list)
    down: Fault | None = None
    spared: set[str] = field(default_factory=set)
    """Numbers of chats that no fault meets, unless the whole server is down."""
    _faults: dict[str, deque[Fault]] = field(default_factory=dict)
    _closing: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._methods = Methods(self.world)
        self._server = ApiServer(self.token, self._answer, self._download)
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self.updates.close()
        self._server.stop()
        if error is None and self._server.crashes:
            raise self._server.crashes[0]

    @property
    def url(self) -> str:
        """What `SUBSTRACK_TELEGRAM_API_URL` would be."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def base_url(self) -> str:
        """The `base_url` of the library's Bot, which adds the token."""
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        """The `base_file_url` of the library's Bot."""
        return f"{self.url}/file/bot"

    @property
    def connections(self) -> int:
        """How many connections were ever made to it."""
        return self._server.accepted

    @property
    def updates(self) -> Updates:
        """The queue of updates; `updates.copies = 5` delivers each new one five times."""
        return self.world.updates

    @property
    def commands(self) -> dict[tuple[str, str], list[dict[str, str]]]:
        """The menus that were set, by scope and language."""
        return self._methods.commands

    def person(self, name: str, id: int, *, has_started: bool = False, language: str = "en") -> Person:
        """Let somebody have Telegram; `has_started`: they wrote to the bot before, so it may write too."""
        chat = self.world.open_chat(id, "private", name, is_known=has_started)
        return Person(self.world, User(id, name, language, username=name.lower()), chat)

    def group(self, title: str, id: int) -> Group:
        """Make a group the bot is in."""
        return Group(self.world, self.world.open_chat(id, "group", title))

    def fail_next(self, method: str, fault: Fault, times: int = 1) -> None:
        """Let the next `times` requests of a method (or ANY) meet `fault`."""
        with self.world.changed:
            self._faults.setdefault(method, deque()).extend([fault] * times)

    def hang_up_on_next(self) -> None:
        """Cut the next connection before a word of it is read."""
        self._server.rude_to += 1

    def expire(self, press: Press) -> None:
        """Let a press be too old to be answered."""
        with self.world.changed:
            press.is_expired = True

    def calls(self, method: str) -> list[Request]:
        """List the requests of one method."""
        with self.world.changed:
            return [each for each in self.requests if each.method == method]

    def busiest_second(self, *, chat_id: int | None = None) -> int:
        """Return the most messages sent within any one second, to one chat or to all."""
        with self.world.changed:
            sent = [
                each.at
                for each in self.requests
                if each.method.startswith("send") and chat_id in (None, each.chat_id)
            ]
        return max((sum(start <= at < start + 1 for at in sent) for start in sent), default=0)

    def wait_until(self, is_so: Callable[[], object], seconds: float = 5.0) -> None:
        """Wait until `is_so()` holds, looking again whenever anything happens here."""
        with self.world.changed:
            assert self.world.changed.wait_for(is_so, seconds), "waited in vain"

    def _answer(self, method: str, call: Call) -> Reply | None:
        at = time.monotonic()
        with self.world.changed:
            fault = (
                None
                if str(call.values.get("chat_id")) in self.spared and self.down is None
                else self._next_fault(method)
            )
            self.requests.append(Request(method, call.values, at, fault))
            self.world.changed.notify_all()
        if fault is None:
            return self._run(method, call)
        if fault.takes_effect:
            self._run(method, call)
        return self._fail(fault)

    def _download(self, path: str) -> Reply | None:
        with self.world.changed:
            fault = self._next_fault(DOWNLOAD)
            found = [file for file in self.world.files.values() if file.path == path]
        if fault is not None:
            return self._fail(fault)
        return (
            Reply(200, found[0].data, "application/octet-stream") if found else error_reply(404, "Not Found")
        )

    def _run(self, method: str, call: Call) -> Reply:
        try:
            if method == "getUpdates":  # waits, so it takes the lock itself
                result = self._methods.run(method, call)
            else:
                with self.world.changed:
                    result = self._methods.run(method, call)
        except Terminated:
            assert CONFLICT.reply is not None
            return CONFLICT.reply
        except ApiRefused as refusal:
            return error_reply(refusal.status, refusal.description, refusal.parameters)
        return Reply(200, json.dumps({"ok": True, "result": result}).encode())

    def _next_fault(self, method: str) -> Fault | None:
        if self.down is not None:
            return self.down
        for waiting in (self._faults.get(method), self._faults.get(ANY)):
            if waiting:
                return waiting.popleft()
        return None

    def _fail(self, fault: Fault) -> Reply | None:
        if fault.is_silent:
            self._closing.wait(600)
        return fault.reply
