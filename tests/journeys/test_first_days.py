"""The first days as they really happen: processes of their own, a real mail server, real HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from tests.fakes.smtp import FakeRelay, free_port
from tests.journeys.browser import Page, read_page
from tests.journeys.house import PASSWORD, mailbox
from tests.journeys.letters import Letter
from tests.worker.processes import eventually

ROOT = Path(__file__).parents[2]


class Machine:
    """A machine on which somebody types commands."""

    def __init__(self, data_dir: Path, relay: FakeRelay) -> None:
        self.port = free_port()
        self.relay = relay
        self.env = {
            "PATH": os.environ["PATH"],
            "SUBSTRACK_DATA_DIR": str(data_dir),
            "SUBSTRACK_BASE_URL": f"http://127.0.0.1:{self.port}",
            "SUBSTRACK_SMTP_URL": relay.url,
        }

    def type(self, *arguments: str, stdin: str = "") -> str:
        """Run a command that ends well and says nothing on stderr; return what it printed."""
        done = subprocess.run(
            self._command(*arguments), cwd=ROOT, env=self.env, input=stdin, capture_output=True, text=True,
            timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), (arguments, done.stderr)
        return done.stdout

    def ask(self, *arguments: str) -> Any:
        """Run a command and read the JSON it prints."""
        return json.loads(self.type(*arguments, "--json"))

    @contextmanager
    def pages(self, now: str) -> Iterator[None]:
        """Serve the pages meanwhile."""
        command = self._command("web", "--port", str(self.port), "--now", now)
        with subprocess.Popen(
            command, cwd=ROOT, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as server:
            try:
                assert eventually(self._answers), server.poll()
                yield
            finally:
                server.terminate()
                server.communicate(timeout=20)

    def open(self, url: str, sent: list[tuple[str, str]] | None = None) -> Page:
        """Open an address by HTTP, or send a form to it."""
        data = None if sent is None else urlencode(sent).encode()
        with urlopen(Request(url, data=data), timeout=20) as answer:
            return read_page(answer.url, answer.status, answer.read().decode(), dict(answer.headers))

    def _answers(self) -> bool:
        try:
            return self.open(f"http://127.0.0.1:{self.port}/healthz").status == 200
        except OSError:
            return False

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "substrack", *arguments]


@pytest.fixture
def machine(tmp_path: Path, relay: FakeRelay) -> Machine:
    machine = Machine(tmp_path, relay)
    machine.type("migrate")
    olga = ("--name", "Olga", "--email", mailbox("Olga"), "--timezone", "Europe/Berlin", "--password-stdin")
    machine.type("user", "add", *olga, stdin=f"{PASSWORD}\n")
    return machine


def test_from_an_empty_directory_to_the_first_money(machine: Machine, relay: FakeRelay) -> None:
    terms = ("--name", "YouTube Premium", "--price", "17.99", "--currency", "EUR", "--billing-day", "31")
    group = machine.ask(
        "group", "add", *terms, "--starts-on", "2026-01-31", "--now", "2026-01-20T10:00+01:00"
    )
    ben = ("--name", "Ben", "--email", mailbox("Ben"), "--now", "2026-01-20T10:00+01:00")
    machine.ask("member", "add", "--group", group["id"], *ben)
    assert machine.ask("tick", "--now", "2026-01-31T10:05+01:00")["periods_opened"] == 1
    assert machine.ask("tick", "--now", "2026-02-03T10:05+01:00")["messages_queued"] == 1
    assert machine.ask("deliver", "--now", "2026-02-03T10:05+01:00")["sent"] == 1
    request = _last(relay)
    assert request.to == mailbox("Ben")
    assert request.subject == "Your share for January 2026: 9.00 € for YouTube Premium"
    with machine.pages("2026-02-03T12:00:00+01:00"):
        page = machine.open(request.link("pay"))
        form, button = page.form_with("I’ve paid")
        assert "Waiting for Olga" in machine.open(page.url, form.sent_by(button, {})).words
    (claimed,) = machine.ask("payment", "list", "--status", "member_confirmed")
    machine.type("payment", "confirm", claimed["id"], "--now", "2026-02-03T18:00+01:00")
    assert machine.ask("deliver", "--now", "2026-02-03T18:00+01:00")["sent"] == 1
    answer = _last(relay)
    assert answer.to == mailbox("Ben")
    assert "Olga received your 9.00" in answer.text
    (receipt,) = machine.ask("receipt", "list")
    assert (receipt["amount"], receipt["credit"]) == ("9.00", "0.00")


def _last(relay: FakeRelay) -> Letter:
    mail = relay.received[-1]
    return Letter(mail, mail.message["Date"].datetime, "")
