"""Claims about Telegram's edge: who may hand updates in, what is kept, and what the page says of the bot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from substrack.bootstrap import Runtime, make_runtime
from substrack.domain.notices import Channel
from substrack.services.chats import chat_code, confirm_chat, issue_admin_code, link_chat
from substrack.services.connections import (
    connection_for,
    mark_bot_accepted,
    mark_bot_refused,
    note_connection,
)
from substrack.services.inbound import store_updates
from substrack.setting_values import SecretStr
from substrack.settings import Settings
from substrack.store import Inbound, Lane
from tests.support.cast import Cast
from tests.web.admin import stranger
from tests.web.forms import counted, press
from tests.web.support import NOW, Browser, TurnableClock, browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

SECRET = "a-secret-of-ours"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
TOKEN = "123456:" + "a" * 35
UPDATE = {"update_id": 7, "callback_query": {"id": "900", "data": "x"}}


@pytest.fixture
def with_webhook() -> bool:
    return True


@pytest.fixture
def with_token() -> str | None:
    return TOKEN


@pytest.fixture
def runtime(
    settings: Settings, clock: TurnableClock, with_webhook: bool, with_token: str | None
) -> Iterator[Runtime]:
    told = evolve(
        settings,
        telegram_token=SecretStr(with_token) if with_token else None,
        telegram_webhook=with_webhook,
    )
    runtime = replace(make_runtime(told), clock=clock)
    yield runtime
    runtime.close()


def know(cast: Cast, **facts: Any) -> int:
    """Note what the worker knows of the bot; return its connection."""
    connection = cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM)
    cast.do(note_connection, connection.id, facts)
    return connection.id


@pytest.fixture
def bot(cast: Cast) -> int:
    return know(cast, username="subs_bot", webhook_secret=SECRET)


def hand_in(
    zed: Browser, connection_id: int, update: Any = UPDATE, secret: str | None = SECRET
) -> TestResponse:
    headers = {} if secret is None else {HEADER: secret}
    return zed.client.post(f"/telegram/{connection_id}", json=update, headers=headers)


def stored(cast: Cast) -> list[dict[str, Any]]:
    return [one.body for one in cast.read(lambda session: list(session.scalars(select(Inbound))))]


class TestWebhook:
    def test_an_update_is_stored_before_the_answer_and_only_once(
        self, cast: Cast, zed: Browser, bot: int
    ) -> None:
        answers = [hand_in(zed, bot).status_code for _ in range(5)]
        hand_in(zed, bot, UPDATE | {"update_id": 8})

        assert answers == [200] * 5
        assert stored(cast) == [UPDATE]

    @pytest.mark.parametrize("secret", [None, "", "a-secret-of-our", SECRET + "x", "ü", SECRET.upper()])
    def test_without_the_secret_nothing_is_kept(
        self, cast: Cast, zed: Browser, bot: int, secret: str | None
    ) -> None:
        assert hand_in(zed, bot, secret=secret).status_code == 403
        assert stored(cast) == []

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("elsewhere", [99, 0, 2**63 - 1, 2**80])
    def test_there_is_nothing_at_other_addresses(self, zed: Browser, bot: int, elsewhere: int) -> None:
        assert hand_in(zed, elsewhere).status_code == 404

    @pytest.mark.only_sqlite
    def test_a_mail_connection_takes_none(self, cast: Cast, zed: Browser, bot: int) -> None:
        mail = cast.do(connection_for, cast.workspace_id, Channel.EMAIL)
        cast.do(note_connection, mail.id, {"webhook_secret": SECRET})
        assert hand_in(zed, mail.id).status_code == 404

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("nothing", [None, "", 5])
    def test_a_bot_without_a_secret_takes_none(self, cast: Cast, zed: Browser, nothing: object) -> None:
        assert hand_in(zed, know(cast, webhook_secret=nothing), secret="").status_code == 404

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("body", [[], "text", {}, {"update_id": "7"}, None])
    def test_what_is_no_update_is_refused(self, cast: Cast, zed: Browser, bot: int, body: object) -> None:
        assert hand_in(zed, bot, body).status_code == 400
        assert stored(cast) == []

    @pytest.mark.only_sqlite
    def test_what_is_no_json_is_refused(self, zed: Browser, bot: int) -> None:
        answer = zed.client.post(f"/telegram/{bot}", data=b"\xff{", headers={HEADER: SECRET})
        assert answer.status_code == 400

    @pytest.mark.only_sqlite
    def test_too_much_at_once_is_refused(self, cast: Cast, zed: Browser, bot: int) -> None:
        assert hand_in(zed, bot, UPDATE | {"x": "y" * 300_000}).status_code == 413
        assert stored(cast) == []

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("with_webhook", [False])
    def test_without_the_setting_nothing_is_there(self, zed: Browser, bot: int) -> None:
        assert hand_in(zed, bot).status_code == 404


class TestPage:
    def test_it_says_as_which_bot_it_is_connected_and_what_waits(
        self, cast: Cast, olga: Browser, bot: int
    ) -> None:
        cast.do(store_updates, bot, [UPDATE], now=NOW - timedelta(minutes=5))
        know(cast, pending=3)
        text = olga.get("/settings/telegram").text

        assert "@subs_bot" in text
        assert "3 more at Telegram" in text
        assert "Telegram brings it" in text
        assert "<dd>1 (since" in text
        assert "How to get a bot" not in text

    def test_a_lane_that_fails_is_told(self, cast: Cast, olga: Browser, bot: int) -> None:
        lane = Lane(name=f"telegram:{bot}", failing_since=NOW, last_error="502 from <Telegram>")
        cast.do(lambda session: session.add(lane))

        text = olga.get("/settings/telegram").text

        assert "Telegram takes no messages since" in text
        assert "502 from &lt;Telegram&gt;" in text

    def test_a_refused_token_stands_on_home_and_here_until_one_works(
        self, cast: Cast, olga: Browser, bot: int
    ) -> None:
        cast.do(mark_bot_refused, bot, now=NOW)
        assert "Telegram refuses your bot’s token" in olga.get("/").text
        shown = olga.get("/settings/telegram").text
        assert "Telegram refuses the token since" in shown
        assert "/token to @BotFather" in shown

        cast.do(mark_bot_accepted, bot)
        assert "refuses" not in olga.get("/").text + olga.get("/settings/telegram").text

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("with_token", [None])
    def test_who_gave_telegram_up_hears_no_more_of_its_token(
        self, cast: Cast, olga: Browser, bot: int
    ) -> None:
        cast.do(mark_bot_refused, bot, now=NOW)
        assert "refuses" not in olga.get("/").text + olga.get("/settings/telegram").text

    @pytest.mark.only_sqlite
    def test_before_the_worker_has_reached_telegram_it_says_so(self, olga: Browser) -> None:
        assert "Checking the token with Telegram" in olga.get("/settings/telegram").text
        assert "The bot has not answered yet" in olga.get("/profile").text

    @pytest.mark.only_sqlite
    def test_a_token_that_was_never_good_is_what_the_page_begins_with(
        self, cast: Cast, olga: Browser, bot: int
    ) -> None:
        error = "Telegram refused the token: Unauthorized"
        cast.do(note_connection, bot, {"username": None, "last_error": error})
        text = olga.get("/settings/telegram").text

        assert f"The bot can’t be used: {error}" in text
        assert "Checking" not in text

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("with_token", [None])
    def test_without_a_token_it_explains_how_to_get_one(self, olga: Browser) -> None:
        text = olga.get("/settings/telegram").text

        for step in ("@BotFather", "/newbot", "SUBSTRACK_TELEGRAM_TOKEN="):
            assert step in text
        assert "Set up Telegram" in olga.get("/profile").text

    @pytest.mark.only_sqlite
    def test_neither_token_nor_secret_is_ever_shown(self, olga: Browser, bot: int) -> None:
        for path in ("/settings/telegram", "/profile", "/people"):
            text = olga.get(path).text
            assert TOKEN not in text
            assert SECRET not in text

    def test_a_test_goes_into_ones_own_chat(
        self, cast: Cast, olga: Browser, bot: int, runtime: Runtime
    ) -> None:
        assert 'action="/profile/telegram"' in olga.get("/settings/telegram").text
        refused = press(olga, "/profile", "/settings/telegram/test")
        assert refused.status_code == 422
        code = chat_code(runtime.signer, cast.do(issue_admin_code, cast.olga.id, cast.olga_contact, now=NOW))
        cast.do(link_chat, runtime.signer, code, chat_id=5, now=NOW)
        cast.do(confirm_chat, cast.olga_contact, chat_id=5, by=cast.olga, now=NOW)

        assert "Link my chat" not in olga.get("/settings/telegram").text
        assert "Invite people" in olga.get("/settings/telegram").text
        press(olga, "/settings/telegram", "/settings/telegram/test")

        assert cast.notices_to(cast.olga_contact) == ["chat_linked", "test"]

    def test_the_page_costs_the_same_however_much_waits(
        self, cast: Cast, olga: Browser, bot: int, runtime: Runtime
    ) -> None:
        with counted(runtime) as few:
            olga.get("/settings/telegram")
        cast.do(store_updates, bot, [{"update_id": number} for number in range(50)], now=NOW)
        with counted(runtime) as many:
            olga.get("/settings/telegram")
        assert len(few) == len(many) <= 8

    @pytest.mark.only_sqlite
    def test_another_workspaces_admin_sees_the_same_bot(
        self, app: Flask, runtime: Runtime, cast: Cast, bot: int
    ) -> None:
        assert "@subs_bot" in stranger(app, runtime).get("/settings/telegram").text
        assert browser(app, runtime).get("/settings/telegram").status_code == 303
