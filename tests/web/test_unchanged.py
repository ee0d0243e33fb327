"""Claims about pages that are given again: only while they would come out the same, and to nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask, template_rendered
from jinja2 import Template
from sqlalchemy import update
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from substrack.bootstrap import Runtime
from substrack.services.founding import Founded
from substrack.services.links import renew_pay_link, revoke_pay_link
from substrack.store import Member, UserSession
from substrack.web.drawing import LONGEST
from substrack.web.groups import EndForm
from substrack.web.unchanged import KEPT, page_cache_of
from tests.support.cast import Cast
from tests.web.admin import group_of
from tests.web.forms import counted, press
from tests.web.scenes import claim
from tests.web.support import Browser, TurnableClock, browser, form_token

STATEMENTS_AGAIN = 4
"""To open a transaction, to find who asks, and to learn that nothing was committed."""


@pytest.fixture
def pay_path(runtime: Runtime, cast: Cast, members: dict[str, Member]) -> str:
    """Where Ben's page is."""
    ben = members["Ben"].contact_id
    with runtime.transaction() as session:
        link = renew_pay_link(session, ben, workspace_id=cast.workspace_id, now=runtime.now())
        return runtime.signer.url(link).removeprefix("http://127.0.0.1:8000")


def _commit(runtime: Runtime) -> None:
    """Commit something that none of these pages shows."""
    with runtime.transaction() as session:
        session.execute(update(UserSession).values(agent="Another browser"))


@contextmanager
def drawn(app: Flask) -> Iterator[list[str]]:
    """Collect the templates that an app renders."""
    found: list[str] = []

    def note(_app: Flask, template: Template, **_rest: Any) -> None:
        found.append(template.name or "")

    with template_rendered.connected_to(note, app):
        yield found


def without_token(page: str) -> str:
    """Leave out what is new on a page each second."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", page)


def is_given_again(runtime: Runtime, show: Callable[[], TestResponse]) -> bool:
    """Tell whether a page came without being drawn."""
    with counted(runtime) as statements:
        assert show().status_code == 200
    return len(statements) <= STATEMENTS_AGAIN


def test_pages_are_given_again_while_nothing_changes(
    olga: Browser, zed: Browser, runtime: Runtime, cast: Cast, pay_path: str
) -> None:
    group = group_of(cast, "YouTube Premium").public_id
    for who, path in ((olga, "/"), (olga, f"/groups/{group}"), (olga, "/review"), (zed, pay_path)):
        first = who.get(path).text
        again = partial(who.get, path)

        # PostgreSQL's own housekeeping commits now and then.
        assert any(is_given_again(runtime, again) for _time in range(5)), path
        assert without_token(who.get(path).text) == without_token(first)


def test_what_anybody_commits_is_on_the_next_page(
    olga: Browser, runtime: Runtime, members: dict[str, Member], cast: Cast
) -> None:
    before = olga.get("/review").text
    claim(cast, members["Ben"])
    after = olga.get("/review").text

    assert "Ben" not in before
    assert "Ben" in after


@pytest.mark.only_sqlite
def test_a_page_whose_rows_say_the_same_after_a_commit_is_not_drawn(
    olga: Browser, zed: Browser, app: Flask, runtime: Runtime, cast: Cast, pay_path: str
) -> None:
    group = group_of(cast, "YouTube Premium").public_id
    for who, path in ((olga, "/"), (olga, f"/groups/{group}"), (olga, "/review"), (zed, pay_path)):
        first = who.get(path).text
        _commit(runtime)
        with drawn(app) as templates:
            again = who.get(path).text

        assert not templates, path
        assert without_token(again) == without_token(first)


@pytest.mark.only_sqlite
def test_a_form_that_was_refused_looks_like_no_other(app: Flask) -> None:
    with app.test_request_context():
        untouched, again, typed = EndForm(), EndForm(), EndForm(MultiDict({"ends_on": "31 April"}))

    assert untouched.look() == again.look()
    assert typed.look() != typed.look()


@pytest.mark.only_sqlite
def test_a_decision_is_on_the_page_it_leads_to_and_its_sentence_on_no_other(
    olga: Browser, members: dict[str, Member], cast: Cast
) -> None:
    attempt = claim(cast, members["Ben"])
    confirmed = press(olga, "/review", f"/review/{attempt.public_id}/confirm")
    told, later = olga.get(confirmed.location).text, olga.get(confirmed.location).text

    assert "Confirmed: " in told
    assert "Confirmed: " not in later


@pytest.mark.only_sqlite
def test_a_page_is_drawn_again_in_the_next_minute(
    olga: Browser, runtime: Runtime, clock: TurnableClock
) -> None:
    clock.now = clock.now.replace(second=0)
    olga.get("/")
    clock.turn(timedelta(seconds=59))
    assert is_given_again(runtime, lambda: olga.get("/"))

    clock.turn(timedelta(seconds=1))
    assert not is_given_again(runtime, lambda: olga.get("/"))


@pytest.mark.only_sqlite
def test_somebody_else_gets_a_page_of_their_own(
    olga: Browser, app: Flask, runtime: Runtime, home: Founded, cast: Cast
) -> None:
    cast.second_admin("Ada")
    ada = browser(app, runtime)
    ada.sign_in(runtime, cast.olga.id or 0, agent="Another browser")
    olga.get("/")

    assert not is_given_again(runtime, lambda: ada.get("/"))


@pytest.mark.only_sqlite
def test_a_session_that_is_over_opens_nothing(olga: Browser, app: Flask) -> None:
    olga.get("/")
    stranger = app.test_client()

    assert stranger.get("/").status_code == 303
    olga.client.delete_cookie("substrack-session")
    assert olga.get("/").status_code == 303


@pytest.mark.only_sqlite
def test_a_link_that_died_opens_nothing(
    zed: Browser, runtime: Runtime, cast: Cast, members: dict[str, Member], pay_path: str
) -> None:
    assert zed.get(pay_path).status_code == 200
    with runtime.transaction() as session:
        revoke_pay_link(session, members["Ben"].contact_id, now=runtime.now())

    assert zed.get(pay_path).status_code == 404


@pytest.mark.only_sqlite
def test_a_page_is_in_the_language_that_the_browser_asks_for(zed: Browser, pay_path: str) -> None:
    shown = [
        zed.client.get(pay_path, headers={"Accept-Language": language}).text
        for language in ("en", "de", "en")
    ]

    assert shown[0] == shown[2] != shown[1]


@pytest.mark.only_sqlite
def test_forms_of_a_page_that_is_given_again_carry_the_token_of_who_gets_it(
    olga: Browser, app: Flask, runtime: Runtime, home: Founded, cast: Cast, members: dict[str, Member]
) -> None:
    claim(cast, members["Ben"])
    olga.get("/review")
    again = browser(app, runtime)
    again.client.set_cookie("substrack-session", olga.client.get_cookie("substrack-session").value)  # type: ignore[union-attr]

    assert is_given_again(runtime, lambda: again.get("/review"))
    token = form_token(again.get("/review").text)
    assert token
    assert again.client.post("/review", data={"csrf_token": token, "act": "confirm"}).status_code == 422


@pytest.mark.only_sqlite
def test_a_process_keeps_only_the_last_pages_and_none_with_a_long_address(olga: Browser, app: Flask) -> None:
    cache = page_cache_of(app)
    for number in range(KEPT + 5):
        olga.get(f"/review?page=1&number={number}")
    assert len(cache.pages) == KEPT

    cache.clear()
    olga.get(f"/review?number={'1' * LONGEST}")
    assert len(cache.pages) == 0
