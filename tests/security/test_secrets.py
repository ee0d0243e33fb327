"""Secrets stay out of logs and tables; people's addresses out of logs and the journal."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from flask import Flask
from sqlalchemy import select, update

from substrack.bootstrap import secret_keys
from substrack.domain.payments import Status
from substrack.setting_values import SecretStr
from substrack.store import Base, Event, User
from substrack.web.access import public
from substrack.web.app import create_app
from substrack.web.security import cookie_name
from tests.fakes.bot_api import BotApi
from tests.fakes.smtp import FakeRelay
from tests.fakes.telegram_faults import BAD_GATEWAY, BLOCKED, refused
from tests.journeys.conftest import api as api
from tests.journeys.town import PATIENCE, Street, Town, february_comes, move_in, open_town, says, shows
from tests.web.forms import fill
from tests.web.support import HASH, PASSWORD, Browser, form_token

pytestmark = pytest.mark.only_sqlite

RELAY_PASSWORD: Final = "relay-p4ssphrase-of-olga"
WRONG_PASSWORD: Final = "wr0ng-guess-of-zed"
PEOPLE: Final = ("1001", "2001", *(f"{name}@example.org" for name in ("ben", "olga", "mia", "theo", "uma")))
"""Addresses and chats: what a log is never to know people by."""


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    with FakeRelay(user="olga", password=RELAY_PASSWORD) as relay:
        yield relay


@pytest.fixture
def town(database_url: str, tmp_path: Path, api: BotApi, relay: FakeRelay) -> Iterator[Town]:
    with ExitStack() as stack:
        password = SecretStr(RELAY_PASSWORD)
        yield open_town(
            database_url,
            tmp_path,
            api,
            stack,
            smtp_url=relay.url,
            smtp_password=password,
            mail_from="subs@example.org",
        )


def live(town: Town, relay: FakeRelay) -> tuple[Street, list[str]]:
    """Let everything happen once, and much of it go wrong; return the secrets that were in play."""
    with town.at_work():
        street = move_in(town)
        for name in ("Mia", "Theo", "Uma"):  # of three mails two may meet a fault
            town.cast.join(street.group, name)
        relay.fail_next("MAIL", "451 4.3.0 busy with <mia@example.org>")
        relay.fail_next("RCPT", "550 5.1.1 <mia@example.org> unknown")
        town.api.fail_next("sendMessage", BAD_GATEWAY)
    february_comes(town)
    town.clock.turn(timedelta(minutes=2))  # over the rest that a proxy's answer makes
    secrets: list[str] = []
    with town.at_work():
        asked = street.ben_phone.waits_for(shows("I’ve paid"), PATIENCE)
        street.ben_phone.presses(asked, "I’ve paid")
        street.olga_phone.waits_for(shows("Confirm"), PATIENCE)
        town.api.fail_next("sendMessage", BLOCKED)
        town.api.fail_next("sendMessage", refused(400, "Bad Request: chat 1001 not found"))
        secrets += look_round(town, create_app(town.runtime()))
        street.olga_phone.presses(street.olga_phone.waits_for(shows("Confirm"), PATIENCE), "Confirm 3.60 €")
        street.olga_phone.waits_for(says("confirmed"), PATIENCE)
        town.waits_until(lambda: _linked(relay))
    assert town.payment(street.ben).status is Status.CONFIRMED
    return street, secrets + _linked(relay)


def _linked(relay: FakeRelay) -> list[str]:
    """List the tokens of links that were mailed; a mail that only tries the relay out has none."""
    text = "\n".join(mail.text for mail in relay.received)
    return re.findall(r"/(?:pay|decide|unsubscribe)/([\w.-]+)", text)


def look_round(town: Town, app: Flask) -> list[str]:
    """Sign in wrongly and rightly, open pages, and meet a bug; return the secrets of the browser."""
    app.add_url_rule("/broken", "broken", public(broken))
    browser = Browser(app.test_client(), town.settings)
    with town.cast.runtime.transaction() as session:
        session.execute(update(User).values(password_hash=HASH))
    for password in (WRONG_PASSWORD, PASSWORD):
        asked = browser.get("/sign-in").text
        token = form_token(asked)
        sent = {"email": "olga@example.org", "password": password} | ({"csrf_token": token} if token else {})
        browser.client.post("/sign-in", data=sent)
    for path in (
        "/",
        "/people",
        "/messages",
        "/settings/mail",
        "/settings/telegram",
        "/broken",
        "/pay/none.such-token",
    ):
        answer = browser.get(path).text
        assert RELAY_PASSWORD not in answer
        assert town.api.token not in answer
    browser.client.post("/settings/mail/test", data=fill(browser.get("/settings/mail").text, "csrf_token"))
    cookie = browser.client.get_cookie(cookie_name(town.settings, "session"))
    assert cookie is not None
    return [cookie.value, form_token(browser.get("/profile").text) or ""]


def broken() -> str:
    raise RuntimeError("a bug")


def dump(town: Town) -> str:
    """Write out the whole database."""
    return town.cast.read(
        lambda session: "\n".join(
            repr(tuple(row))
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table))
        )
    )


def test_logs_and_tables_hold_no_secret_and_logs_and_journal_nobodys_address(
    town: Town, relay: FakeRelay, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "mail.log")  # the stand-in's own
    street, seen = live(town, relay)
    (key,) = secret_keys(town.settings)
    assert street.ben
    secrets = [RELAY_PASSWORD, WRONG_PASSWORD, PASSWORD, town.api.token, key, *filter(None, seen)]
    mailed = [one for one in secrets if re.fullmatch(r"[0-9a-f]{32}\.[\w-]+", one)]
    assert mailed
    logged, kept = caplog.text, dump(town)
    assert "a bug" in logged
    assert [one for one in secrets if one in logged] == []
    assert [one for one in secrets if one in kept] == []
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("substrack"))
    assert [one for one in PEOPLE if re.search(rf"(?<![\w.]){re.escape(one)}(?!\w)", ours)] == []
    with town.cast.runtime.reading() as session:
        journal = "\n".join(f"{one.before} {one.after}" for one in session.scalars(select(Event)))
    assert [one for one in PEOPLE if "@" in one and one in journal] == []
