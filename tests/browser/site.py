"""The real thing on a real port: pages as `serve` serves them, over a SQLite file, kept mail and a clock.

Nothing here runs a worker; a test turns the clock and lets time do its work, so that it knows what was sent.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import TypeVar

from flask import Flask
from waitress.server import create_server
from waitress.wasyncore import close_all

from substrack.bootstrap import Runtime, make_runtime
from substrack.channels.mailbox import KeptMail, MailboxChannel
from substrack.services.founding import issue_setup_link
from substrack.services.user_sessions import start_session
from substrack.settings import Settings
from substrack.web.app import create_app
from substrack.worker.outbox import deliver_due
from substrack.worker.ticking import tick
from tests.web.support import TurnableClock

Result = TypeVar("Result")


@dataclass
class Site:
    """One installation that browsers can reach, and the hands of time."""

    runtime: Runtime
    clock: TurnableClock
    app: Flask

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return self.runtime.settings.base_url

    def wait(self, **time: float) -> None:
        """Let time pass; what is due by then happens and goes out."""
        self.clock.turn(timedelta(**time))
        apart(lambda: tick(self.runtime, now=self.clock()))
        apart(lambda: deliver_due(self.runtime, now=self.clock()))

    def mail_to(self, address: str) -> list[KeptMail]:
        """List the mail that somebody got, oldest first."""
        kept = MailboxChannel(self.runtime.mail_dir).newest(limit=1000)
        return [mail for mail in reversed(kept) if mail.to.strip("<>").endswith(address)]

    def session_token(self, user_id: int) -> str:
        """Sign a user in without the form; return what the browser's cookie holds."""
        with self.runtime.transaction() as session:
            return start_session(session, user_id, agent="Chromium", now=self.clock())

    def setup_url(self) -> str:
        """Write the link that an empty installation prints when it starts."""
        with self.runtime.transaction() as session:
            return self.runtime.signer.url(issue_setup_link(session, now=self.clock()))


@contextmanager
def open_site(database_url: str, data_dir: Path, clock: TurnableClock | None = None) -> Iterator[Site]:
    """Serve a migrated database on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        base_url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        settings = Settings(database_url=database_url, data_dir=data_dir, base_url=base_url)
        clock = clock or TurnableClock()
        runtime = replace(make_runtime(settings), clock=clock)
        try:
            app = create_app(runtime)
            with _served(app, taken):
                yield Site(runtime, clock, app)
        finally:
            runtime.close()


@contextmanager
def _served(app: Flask, taken: socket.socket) -> Iterator[None]:
    server = create_server(app, sockets=[taken], threads=8, ident=None)
    thread = Thread(target=server.run, name="pages")
    thread.start()
    try:
        yield
    finally:
        # Its sockets belong to its thread; with none left to listen on, its loop ends.
        server.trigger.pull_trigger(lambda: close_all(server._map))
        thread.join()
        server.task_dispatcher.shutdown()


def apart(work: Callable[[], Result]) -> Result:
    """Work in a thread of its own: Playwright keeps an event loop in this one, and only one can run."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()
