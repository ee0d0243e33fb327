"""Claims about pages while the database can't be used: 503, what became of the press, and a way on."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from html import unescape
from re import findall
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from substrack.bootstrap import Runtime
from substrack.services.founding import Founded
from substrack.services.installation import beat
from substrack.store.engines import write_engine
from substrack.web import reading
from substrack.web.app import create_app
from tests.test_trouble import end_connection, pid_of
from tests.web.support import PASSWORD, Browser, TurnableClock

LOCKED = text("UPDATE installation SET hold_reason = hold_reason")


@pytest.fixture
def app(runtime: Runtime, database_url: str) -> Iterator[Flask]:
    """An app that waits for nobody."""
    hasty = replace(runtime, write_engine=write_engine(database_url, lock_seconds=0.2))
    app = create_app(hasty)
    app.testing = True
    yield app
    hasty.close()


Held = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def held(runtime: Runtime, database_kind: str) -> Held:
    """Hold what every writer needs."""

    @contextmanager
    def hold() -> Iterator[None]:
        with runtime.transaction() as session:
            tables = "workspaces, roles, users, user_sessions, contacts"
            if database_kind == "postgresql":
                session.execute(text(f"LOCK TABLE {tables} IN EXCLUSIVE MODE"))
            session.execute(LOCKED)
            yield

    return hold


def kept_fields(answer: TestResponse) -> list[tuple[str, str]]:
    """List what the page would send again."""
    found = findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text)
    return [(name, unescape(value)) for name, value in found]


def test_a_press_while_another_writes_is_kept_and_counts_when_sent_again(olga: Browser, held: Held) -> None:
    with held():
        answer = olga.post("/settings", name="Häuschen <b>", language="de", time_zone="Europe/Berlin")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Nothing was changed" in answer.text
    assert ("name", "Häuschen <b>") in kept_fields(answer)
    assert "Häuschen" not in olga.get("/settings").text

    again = olga.client.post("/settings", data=dict(kept_fields(answer)))

    assert again.status_code == 303
    assert "Häuschen &lt;b&gt;" in olga.get("/settings").text


def test_pages_are_read_while_another_writes(olga: Browser, clock: TurnableClock, held: Held) -> None:
    clock.turn(timedelta(hours=2))  # so that a look is to be noted
    with held():
        assert olga.get("/").status_code == 200


def test_a_password_is_not_repeated_by_a_page(zed: Browser, home: Founded, held: Held) -> None:
    with held():
        answer = zed.post("/sign-in", email="olga@example.org", password=PASSWORD)
    assert answer.status_code == 503
    assert PASSWORD not in answer.text
    assert "Go back" in answer.text
    assert zed.post("/sign-in", email="olga@example.org", password=PASSWORD).status_code == 303


def test_a_press_of_which_a_part_was_done_does_not_say_that_nothing_was(
    app: Flask, olga: Browser, held: Held
) -> None:
    def two_steps() -> str:
        with reading.runtime().transaction() as session:
            session.execute(text("UPDATE installation SET hold_reason = NULL"))
        with held(), reading.runtime().transaction() as session:
            session.execute(LOCKED)
        return "done"

    app.view_functions["settings.edit"] = _as_open_as(app.view_functions["settings.edit"], two_steps)
    answer = olga.post("/settings", name="Home")
    assert answer.status_code == 503
    assert "Only a part of this was done" in answer.text


@pytest.mark.only_postgresql
def test_what_was_answered_stays_so_when_the_database_goes_away_behind_the_answer(
    app: Flask, olga: Browser, database_url: str
) -> None:
    def read_and_lose() -> str:
        end_connection(database_url, pid_of(reading.reading()))
        return "done"

    app.view_functions["settings.edit"] = _as_open_as(app.view_functions["settings.edit"], read_and_lose)
    assert olga.post("/settings", name="Home").text == "done"
    assert olga.get("/settings").status_code == 200


@pytest.mark.only_sqlite
def test_a_file_that_finds_no_room_is_no_bug(app: Flask, olga: Browser) -> None:
    def full() -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    def broken() -> str:
        raise OSError(errno.EIO, "Input/output error")

    app.testing = False
    save = app.view_functions["settings.edit"]
    app.view_functions["settings.edit"] = _as_open_as(save, full)
    answer = olga.post("/settings", name="Home")
    assert answer.status_code == 503
    assert "There is no room left" in answer.text
    app.view_functions["settings.edit"] = _as_open_as(save, broken)
    assert olga.post("/settings", name="Home").status_code == 500


@pytest.mark.only_sqlite
def test_a_disk_that_is_nearly_full_is_told_before_it_is(
    runtime: Runtime, olga: Browser, clock: TurnableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nearly full" not in olga.get("/").text
    clock.turn(timedelta(minutes=1))
    left = shutil.disk_usage(runtime.settings.data_dir)._replace(free=31_000_000)
    monkeypatch.setattr("substrack.bootstrap.runtime.disk_usage", lambda _path: left)
    assert "nearly full: 31 MB" in olga.get("/").text
    health = olga.get("/readyz")
    assert health.json is not None
    assert (health.json["ready"], health.json["disk"]) == (True, "low")


@pytest.mark.only_sqlite
def test_a_worker_that_no_longer_beats_is_told_to_who_supervises(
    runtime: Runtime, olga: Browser, clock: TurnableClock
) -> None:
    told = []
    with runtime.transaction() as session:
        beat(session, now=runtime.now())
    for minutes in (0, 9, 2):
        clock.turn(timedelta(minutes=minutes))
        told.append((olga.get("/readyz").json or {})["worker"])
    assert told == ["ok", "ok", "late"]


def _as_open_as(view: Any, stand_in: Callable[[], str]) -> Any:
    stand_in.access = view.access  # type: ignore[attr-defined]
    return stand_in
