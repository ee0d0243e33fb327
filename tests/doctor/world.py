"""An installation in which all is well, and the world around it: mail server, DNS, Bot API, its own page."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import sqlalchemy as sa

from substrack.bootstrap import make_runtime, secret_keys
from substrack.channels.dns import TextRecords
from substrack.doctor.examining import Finding, examine
from substrack.doctor.patient import Outside
from substrack.services.connections import telegram_connection
from substrack.services.installation import beat
from substrack.services.sealing import Sealer
from substrack.settings import load_settings
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.name_server import NameServer
from tests.fakes.smtp import FakeRelay
from tests.support.cast import at, make_cast

PASSWORD = "the-relay's-very-own"
KEY = "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"


def good_texts() -> dict[str, list[str]]:
    """Give what the domain of a careful sender says."""
    return {
        "example.org": ["v=spf1 include:relay.example -all", "something=else"],
        "relay.example": ["v=spf1 ip4:192.0.2.1 -all"],
        "default._domainkey.example.org": [KEY],
        "_dmarc.example.org": ["v=DMARC1; p=quarantine; adkim=s"],
    }


class _Answering(BaseHTTPRequestHandler):
    """Answers /healthz as the SubsTrack of a world does, and nothing else."""

    server: Page

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self.send_response(200 if path == "/healthz" else 404)
        self.end_headers()
        challenge = parse_qs(query).get("challenge", [""])[0]
        proof = {"proof": Sealer(self.server.keys).answer(challenge)} if self.server.keys else {}
        said = {"status": "ok"} | proof
        self.wfile.write(json.dumps(said).encode() if path == "/healthz" else b"nothing")

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


class Page(ThreadingHTTPServer):
    """The installation's own page, and the keys that it was started with; without any it proves nothing."""

    keys: list[str]


@dataclass
class World:
    """The installation's environment and its neighbours; tests break one of them."""

    env: dict[str, str]
    relay: FakeRelay
    names: NameServer
    api: BotApi
    page: Page
    data_dir: Path
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    outside: Outside = field(default_factory=Outside)
    selector: str | None = None
    connection_id: int = 0

    def examine(self) -> dict[str, Finding]:
        """Make all checks."""
        found = examine(self.env, now=self.now, outside=self.outside, dkim_selector=self.selector)
        return {one.check: one for one in found}

    def states(self) -> dict[str, str]:
        """Make all checks, for how things stand alone."""
        return {name: one.verdict.state.value for name, one in self.examine().items()}

    def write(self, statement: str, **values: Any) -> None:
        """Change the database by hand."""
        engine = sa.create_engine(load_settings(self.env).database_url)
        with engine.begin() as connection:
            connection.execute(sa.text(statement), values)
        engine.dispose()


@contextmanager
def a_world(database_url: str, data_dir: Path) -> Iterator[World]:
    """Build a world in which all is well, as far as one on a single machine can be."""
    with ExitStack() as stack:
        relay = stack.enter_context(FakeRelay(user="olga", password=PASSWORD))
        names = stack.enter_context(NameServer(good_texts()))
        api = stack.enter_context(BotApi())
        page = stack.enter_context(_serving())
        env = {
            "SUBSTRACK_DATA_DIR": str(data_dir),
            "SUBSTRACK_DATABASE_URL": database_url,
            "SUBSTRACK_BASE_URL": f"http://127.0.0.1:{page.server_port}",
            "SUBSTRACK_SMTP_URL": relay.url,
            "SUBSTRACK_SMTP_PASSWORD": PASSWORD,
            "SUBSTRACK_MAIL_FROM": "subs@example.org",
            "SUBSTRACK_TELEGRAM_TOKEN": TOKEN,
            "SUBSTRACK_TELEGRAM_API_URL": api.url,
        }
        texts = TextRecords(("127.0.0.1",), names.port, seconds=2.0)
        outside = Outside(texts, clock_is_kept=lambda: True, seconds=2.0, lock_seconds=0.2)
        world = World(env, relay, names, api, page, data_dir, outside=outside)
        _live(world)
        yield world


def _live(world: World) -> None:
    """Let a worker have run just now, and made a backup."""
    runtime = make_runtime(load_settings(world.env))
    world.page.keys = secret_keys(runtime.settings)
    with runtime.transaction() as session:
        world.connection_id = telegram_connection(session) or 0
        beat(session, now=world.now)
    runtime.close()
    world.write("UPDATE installation SET backup_at = last_tick_at, hold_reason = NULL")
    backups = world.data_dir / "backups"
    backups.mkdir(exist_ok=True)
    (backups / f"substrack-{world.now:%Y%m%dT%H%M%SZ}-daily.zip").touch()


def furnish(database_url: str, data_dir: Path) -> None:
    """Put a workspace with a little money into a database."""
    settings = load_settings({"SUBSTRACK_DATA_DIR": str(data_dir), "SUBSTRACK_DATABASE_URL": database_url})
    runtime = make_runtime(settings)
    cast = make_cast(runtime)
    cast.join(cast.group(), "Ben")
    cast.tick(at("2026-02-01"))
    runtime.close()


def patient_outside(world: World, **changes: Any) -> None:
    """Change how the world is looked at."""
    world.outside = replace(world.outside, **changes)


@contextmanager
def _serving() -> Iterator[Page]:
    server = Page(("127.0.0.1", 0), _Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
