"""Claims about requests as causes: the id that an answer names, and the line that is logged about each."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
from attrs import evolve
from flask import Flask

from substrack.bootstrap import Runtime
from substrack.logs import FACTS
from substrack.services.correlation import new_correlation_id
from substrack.settings import LogFormat
from substrack.web.access import public
from substrack.web.app import create_app
from tests.web.support import Browser

pytestmark = pytest.mark.only_sqlite

GIVEN = "0123456789abcdef0123456789abcdef"


def app_with(runtime: Runtime, **settings: Any) -> Flask:
    app = create_app(replace(runtime, settings=evolve(runtime.settings, **settings)))
    app.add_url_rule("/own", "own", public(new_correlation_id))
    app.add_url_rule("/broken/<token>", "broken", public(broken))
    return app


def broken(token: str) -> str:
    raise RuntimeError("a bug")


def test_an_answer_names_the_id_of_what_the_request_led_to(runtime: Runtime) -> None:
    client = app_with(runtime).test_client()

    answers = [client.get("/own") for _ in range(3)]

    assert [answer.headers["X-Request-ID"] for answer in answers] == [answer.text for answer in answers]
    assert len({answer.text for answer in answers}) == 3
    assert len(client.get("/nothing").headers["X-Request-ID"]) == 12


def test_nobody_but_a_trusted_proxy_says_what_a_request_is_called(runtime: Runtime) -> None:
    alone, behind = (app_with(runtime, trusted_proxies=count).test_client() for count in (0, 1))

    assert alone.get("/own", headers={"X-Request-ID": GIVEN}).headers["X-Request-ID"] != GIVEN
    answer = behind.get("/own", headers={"X-Request-ID": GIVEN})
    assert answer.headers["X-Request-ID"] == GIVEN
    assert answer.text != GIVEN  # what it leads to has an id of our own
    for odd in ("short", "x" * 65, "with a space", "a/../../../b", "ünïcödé-ünïcödé"):
        assert behind.get("/own", headers={"X-Request-ID": odd}).headers["X-Request-ID"] != odd


def lines_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [getattr(one, FACTS) for one in caplog.records if hasattr(one, FACTS)]


def test_programs_read_a_line_about_each_request_with_its_route_and_no_path(
    runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = app_with(runtime, log_format=LogFormat.JSON).test_client()

    client.get("/pay/none.such-token?language=de")
    client.get("/broken/none.such-token")
    client.get("/none.such-token")
    client.get("/healthz")
    client.get("/static/css/nothing.css")

    lines = lines_of(caplog)
    assert all(line.pop("duration_ms") >= 0 for line in lines)
    assert lines == [
        {"method": "GET", "route": "/pay/<token>", "status": 404},
        {"method": "GET", "route": "/broken/<token>", "status": 500},
        {"method": "GET", "route": None, "status": 404},
    ]
    ours = [one for one in caplog.records if hasattr(one, FACTS)]
    said = [one.getMessage() for one in ours]
    assert "none.such-token" not in "".join(said)
    assert said[-1] == "GET (no such page)"


def test_a_bug_is_logged_without_the_capability_in_its_path(
    runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    answer = app_with(runtime).test_client().get("/broken/none.such-token")

    assert answer.status_code == 500
    assert "a bug" in caplog.text
    assert "none.such-token" not in caplog.text


def test_people_read_no_line_about_each_request(zed: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    zed.get("/sign-in")

    assert lines_of(caplog) == []
