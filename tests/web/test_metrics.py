"""Claims about `/metrics`: who may read it, what it tells, and what that costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from substrack.bootstrap import Runtime
from substrack.domain.delivery import Fate
from substrack.domain.notices import Channel, Notice
from substrack.services.backup_turns import note_backup, note_failed_backup
from substrack.services.counting import SHARDS, count_ends
from substrack.services.installation import beat, hold_sending
from substrack.services.outbox import Draft, queue
from substrack.setting_values import SecretStr
from substrack.web.app import create_app
from tests.support.cast import Cast, make_cast
from tests.web.scenes import claim, youtube_of
from tests.web.support import NOW, Browser

TOKEN = "a-token-of-many-characters"


@pytest.fixture
def watched(runtime: Runtime) -> Runtime:
    settings = evolve(runtime.settings, metrics_token=SecretStr(TOKEN))
    return replace(runtime, settings=settings)


@pytest.fixture
def client(watched: Runtime) -> FlaskClient:
    return create_app(watched).test_client()


@pytest.fixture
def cast(runtime: Runtime) -> Cast:
    return make_cast(runtime)


def told(client: FlaskClient) -> dict[str, float]:
    """Read the figures as Prometheus does."""
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    families = text_string_to_metric_families(answer.text)
    return {_name(sample.name, sample.labels): sample.value for one in families for sample in one.samples}


def _name(name: str, labels: dict[str, str]) -> str:
    return " ".join([name.removeprefix("substrack_"), *labels.values()])


@pytest.mark.only_sqlite
def test_without_a_token_there_is_no_such_page(zed: Browser) -> None:
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {TOKEN}"}):
        assert zed.client.get("/metrics", headers=headers).status_code == 404


@pytest.mark.only_sqlite
@pytest.mark.parametrize(
    "shown",
    [
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        "Bearer ä",
    ],
)
def test_only_the_whole_token_opens_it(client: FlaskClient, shown: str) -> None:
    answer = client.get("/metrics", headers={"Authorization": shown} if shown else {})

    assert (answer.status_code, answer.text) == (401, "")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_it_tells_what_waits_what_was_sent_and_how_the_worker_does(
    client: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    members = youtube_of(cast, "Ben", "Mia")
    cast.send(NOW)
    claim(cast, members["Ben"])
    claim(cast, members["Mia"])
    write(cast, members["Ben"].contact_id, due_at=NOW - timedelta(minutes=90))
    write(cast, members["Ben"].contact_id, due_at=NOW + timedelta(hours=1))
    with runtime.transaction() as session:
        for fate, times in ((Fate.SENT, 3), (Fate.DEAD, 1), (Fate.SENT, 2)):
            for number in range(times):
                count_ends(session, [(Channel.EMAIL, fate, f"{fate}{number}")])
        beat(session, now=NOW - timedelta(minutes=4), longest_tick=timedelta(milliseconds=1234))
        note_backup(session, now=NOW - timedelta(hours=9))

    figures = told(client)

    assert figures["messages_waiting email now"] == 3  # two claims were told to olga
    assert figures["messages_waiting email later"] == 1
    assert figures["messages_waiting telegram now"] == 0
    assert figures["oldest_due_seconds email"] == 90 * 60
    assert figures["messages_total email sent"] == 5
    assert figures["messages_total email failed"] == 1
    assert figures["messages_total telegram kept"] == 0
    assert figures["open_claims"] == 2
    assert figures["tick_seconds"] == 1.234
    assert figures["last_beat_age_seconds"] == 240
    assert figures["backup_age_seconds"] == 9 * 3600
    assert (figures["sending_held"], figures["backup_failed"]) == (0, 0)
    assert figures["disk_free_bytes"] > 0
    assert figures["process_resident_memory_bytes"] > 0
    with runtime.transaction() as session:
        hold_sending(session, "for a test", now=NOW)
        note_failed_backup(session, "no room", now=NOW)
    figures = told(client)
    assert (figures["sending_held"], figures["backup_failed"]) == (1, 1)


@pytest.mark.only_sqlite
def test_figures_that_nobody_knows_yet_are_left_out(client: FlaskClient) -> None:
    figures = told(client)

    assert not figures.keys() & {"tick_seconds", "last_beat_age_seconds", "backup_age_seconds"}
    assert figures["messages_total telegram failed"] == 0  # a counter begins before it counts


@pytest.mark.only_sqlite
def test_nobody_is_named(client: FlaskClient, cast: Cast) -> None:
    youtube_of(cast, "Ben", "Mia")

    page = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text

    assert not re.search(r"Ben|Mia|Olga|YouTube|example\.org|@", page)


@pytest.mark.only_sqlite
def test_it_reads_no_message_that_is_done_with(client: FlaskClient, watched: Runtime) -> None:
    with planned(watched) as plans:
        told(client)

    assert len(plans) == 4
    searched = [step for plan in plans for step in plan if re.search(r"\b(messages|attempts)\b", step)]
    assert searched == [
        "SCAN messages USING INDEX ix_messages_waiting",
        "SCAN attempts USING INDEX ix_attempts_open",
    ]


@contextmanager
def planned(runtime: Runtime) -> Iterator[list[list[str]]]:
    """Ask SQLite how it finds what a page reads."""
    plans: list[list[str]] = []

    def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            raw = connection.connection.cursor()
            plans.append([row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)])

    event.listen(runtime.read_engine, "before_cursor_execute", explain)
    yield plans
    event.remove(runtime.read_engine, "before_cursor_execute", explain)


@pytest.mark.only_postgresql
def test_counters_are_whole_whoever_counts(runtime: Runtime, client: FlaskClient) -> None:
    for number in range(3 * SHARDS):
        with runtime.transaction() as session:
            count_ends(session, [(Channel.TELEGRAM, Fate.SENT, f"lease-{number}")])

    assert told(client)["messages_total telegram sent"] == 3 * SHARDS


def write(cast: Cast, to: int, *, due_at: datetime) -> None:
    draft = Draft(cast.workspace_id, to, Notice.FRESH_LINK, f"one:{due_at}", due_at)
    cast.do(queue, [draft], now=NOW)
