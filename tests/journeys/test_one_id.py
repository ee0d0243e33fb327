"""One id leads from a press to the mail that tells of it, through two processes' logs and the tables."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from attrs import evolve
from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.services.links import renew_pay_link
from substrack.settings import Settings
from substrack.store import Event, Message
from tests.fakes.smtp import FakeRelay, free_port
from tests.support.cast import Cast, at, make_cast
from tests.worker.processes import eventually, start

NOW = at("2026-02-03", hour=12)


@pytest.fixture
def settings(settings: Settings, relay: FakeRelay) -> Settings:
    here = f"http://127.0.0.1:{free_port()}"
    return evolve(settings, base_url=here, smtp_url=relay.url, mail_from="s@example.com")


@contextmanager
def running(command: str, *options: str, settings: Settings) -> Iterator[list[dict[str, Any]]]:
    """Run a process that logs JSON; its lines are there afterwards, and nothing else."""
    lines: list[dict[str, Any]] = []
    extra = {"SUBSTRACK_LOG_FORMAT": "json", "SUBSTRACK_NOW": NOW.isoformat()}
    process = start(command, *options, settings=settings, extra=extra)
    try:
        yield lines
        process.send_signal(signal.SIGTERM)
        _output, errors = process.communicate(timeout=20)
    except BaseException:
        process.kill()
        raise
    assert process.returncode == 0
    lines += [json.loads(line) for line in errors.splitlines()]


@pytest.mark.only_sqlite
def test_one_id_leads_from_the_press_to_the_mail(
    runtime: Runtime, settings: Settings, relay: FakeRelay
) -> None:
    cast = make_cast(runtime)
    ben = cast.join(cast.group(), "Ben")
    cast.tick(NOW)
    link = cast.do(renew_pay_link, ben.contact_id, workspace_id=cast.workspace_id, now=NOW)
    pay = runtime.signer.url(link).replace("http://127.0.0.1:8000", settings.base_url)
    form = urlencode({"act": "claim", "payment": cast.payment_of(ben).public_id}).encode()
    port = settings.base_url.rpartition(":")[2]

    with (
        running("web", "--port", port, settings=settings) as web,
        running("worker", settings=settings) as worker,
    ):
        assert eventually(lambda: answers(f"{settings.base_url}/healthz"))
        with urlopen(pay, data=form, timeout=10) as answer:
            assert answer.status == 200
        assert eventually(lambda: bool(relay.received))
        assert eventually(lambda: notice_of(cast).sent_at is not None)

    (press,) = (line for line in web if line.get("method") == "POST")
    own = press["correlation_id"]
    assert (press["route"], press["status"]) == ("/pay/<token>", 303)
    (sent,) = (line for line in worker if line.get("correlation_id") == own)
    notice = notice_of(cast)
    assert sent["message"] == f"message {notice.public_id} is sent, by {notice.lane}"
    assert notice.correlation_id == own
    verbs = select(Event.verb).where(Event.correlation_id == own)
    assert "claim" in cast.read(lambda session: list(session.scalars(verbs)))
    for line in (*web, *worker):
        assert {"time", "level", "logger", "message"} <= line.keys()
        assert pay.rpartition("/")[2] not in json.dumps(line)
        assert "@" not in json.dumps(line)


def notice_of(cast: Cast) -> Message:
    (notice,) = cast.messages(notice="claim_received")
    return notice


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=20) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPError):
        return False
