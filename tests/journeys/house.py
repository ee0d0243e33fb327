"""A house that a journey lives in: database, command line, mail server, pages, and a clock to turn."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import create_engine, inspect, text

from substrack.bootstrap import make_runtime
from substrack.cli import substrack
from substrack.settings import load_settings
from substrack.web.app import create_app
from tests.fakes.smtp import FakeRelay
from tests.journeys.browser import Browser, Page
from tests.journeys.letters import Letter

BERLIN = ZoneInfo("Europe/Berlin")
BASE_URL = "http://127.0.0.1:8000"
PASSWORD = "four small words here"


@dataclass
class House:
    """Everything a person outside can reach, at one instant: `now`."""

    database_url: str
    data_dir: Path
    relay: FakeRelay
    now: datetime
    letters: list[Letter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.env = {
            "SUBSTRACK_DATABASE_URL": self.database_url,
            "SUBSTRACK_DATA_DIR": str(self.data_dir),
            "SUBSTRACK_BASE_URL": BASE_URL,
            "SUBSTRACK_SMTP_URL": self.relay.url,
            "SUBSTRACK_MAIL_FROM": "money@subs.example.org",
        }
        self._seen = 0

    # The command line.

    def run(self, *arguments: str, stdin: str = "") -> Result:
        """Run a command now."""
        return CliRunner().invoke(
            substrack, [*arguments, "--now", self.now.isoformat()], env=self.env, input=stdin
        )

    def do(self, *arguments: str, stdin: str = "") -> Any:
        """Run a command that must succeed; return its JSON."""
        result = self.run(*arguments, "--json", stdin=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, f"{arguments}: {result.output}"
        return json.loads(result.stdout)

    def add_olga(self) -> None:
        """Let Olga set up her workspace."""
        person = ("--name", "Olga", "--email", "olga@example.org", "--password-stdin")
        self.do("user", "add", *person, "--timezone", "Europe/Berlin", stdin=f"{PASSWORD}\n")

    def join(self, group: str, name: str, *flags: str) -> dict[str, Any]:
        """Let somebody join a group; the mailbox is made of the name."""
        member = ("--name", name, "--email", mailbox(name))
        return dict(self.do("member", "add", "--group", group, *member, *flags))

    def tick(self) -> dict[str, int]:
        """Let time do what is due."""
        report = dict(self.do("tick"))
        assert report.get("openings_refused", 0) == 0
        return report

    def deliver(self) -> list[Letter]:
        """Send what is due; return the mail that arrived by it."""
        report = self.do("deliver")
        came = self.relay.received[self._seen :]
        self._seen += len(came)
        ids = [_local_part(str(mail.message["Message-ID"])) for mail in came]
        kinds = self._kinds(set(ids))
        fresh = [Letter(mail, self.now, kinds[key]) for key, mail in zip(ids, came, strict=True)]
        assert report["sent"] == len(fresh)
        self.letters.extend(fresh)
        return fresh

    def _kinds(self, ids: set[str]) -> dict[str, str]:
        """Look up which notice each of these messages is, among the latest ones first."""
        kinds: dict[str, str] = {}
        for limit in (20, 100, 100_000):
            if not ids <= kinds.keys():
                rows = self.do("message", "list", "--limit", str(limit))
                kinds = {row["id"]: row["notice"] for row in rows}
        return kinds

    # Time.

    def go_to(self, when: datetime) -> None:
        """Turn the clock forward."""
        assert when >= self.now, f"{when} is before {self.now}"
        self.now = when

    def wait(self, **time: float) -> None:
        """Let time pass with nothing running."""
        self.now += timedelta(**time)

    @property
    def local(self) -> datetime:
        """What the clock on the wall in Berlin shows."""
        return self.now.astimezone(BERLIN)

    @property
    def today(self) -> date:
        """The day in Berlin."""
        return self.local.date()

    # Pages.

    def app(self) -> Flask:
        """Make the pages over the same database, on the journey's clock."""
        runtime = replace(make_runtime(load_settings(self.env)), clock=lambda: self.now.astimezone(UTC))
        app = create_app(runtime)
        app.testing = True
        app.extensions["journey_runtime"] = runtime
        return app

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Copy every row of every table, to compare before and after."""
        engine = create_engine(self.database_url)
        try:
            with engine.connect() as connection:
                names = sorted(inspect(connection).get_table_names())
                return {
                    name: sorted(
                        tuple(map(str, row)) for row in connection.execute(text(f'SELECT * FROM "{name}"'))
                    )
                    for name in names
                }
        finally:
            engine.dispose()


def sign_in(browser: Browser, email: str = "olga@example.org", password: str = PASSWORD) -> Page:
    """Sign in unless this browser is signed in."""
    page = browser.open("/sign-in")
    if not page.fields("password"):
        return page
    page = browser.press(page, "Sign in", email=email, password=password)
    assert not page.fields("password"), page.words
    return page


def mailbox(name: str) -> str:
    """Name somebody's mailbox."""
    return f"{name.lower()}@example.org"


def berlin(day: str, clock: str = "10:05") -> datetime:
    """Name an instant by the calendar and the clock in Berlin."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=BERLIN)


def _local_part(message_id: str) -> str:
    found = re.match(r"<([^@]+)@", message_id)
    assert found, message_id
    return found[1]
