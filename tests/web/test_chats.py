"""Claims about linking Telegram on pages: who gets which link where, and that looking makes none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from attrs import evolve
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from substrack.bootstrap import Runtime, make_runtime
from substrack.domain.notices import Channel, ChannelChoice
from substrack.queries.chats import load_chat
from substrack.services.addresses import mark_refused
from substrack.services.chats import LinkedChat, issue_chat_code, link_chat
from substrack.services.connections import connection_for, note_connection
from substrack.services.founding import Founded
from substrack.services.links import DeadLink, renew_pay_link
from substrack.services.people import add_contact
from substrack.setting_values import SecretStr
from substrack.settings import Settings
from substrack.store import Address, Contact, Link, LinkPurpose
from tests.support.cast import Cast
from tests.web.admin import cast_of, contact_named, events, stranger
from tests.web.forms import counted, press
from tests.web.support import NOW, Browser, TurnableClock

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

BEN_CHAT, OLGA_CHAT, ZED_CHAT = 4001, 5001, 6660001
DEEP_LINK = re.compile(r"https://t\.me/subs_bot\?start=([A-Za-z0-9_-]{1,64})(?=[\"<])")


@pytest.fixture
def runtime(settings: Settings, clock: TurnableClock) -> Iterator[Runtime]:
    told = evolve(settings, telegram_token=SecretStr("123456:" + "a" * 35))
    runtime = replace(make_runtime(told), clock=clock)
    yield runtime
    runtime.close()


@pytest.fixture
def cast(runtime: Runtime, home: Founded) -> Cast:
    """Olga's workspace, with a bot."""
    cast = cast_of(runtime, home)
    connection = cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM)
    cast.do(note_connection, connection.id, {"username": "subs_bot"})
    return cast


@pytest.fixture
def ben(cast: Cast) -> Contact:
    return cast.do(add_contact, cast.workspace_id, name="Ben", email="ben@example.org", by=cast.olga, now=NOW)


@pytest.fixture
def page(cast: Cast, ben: Contact, runtime: Runtime) -> str:
    """The path of ben's own page."""
    return pay_page(cast, runtime, ben.id)


def pay_page(cast: Cast, runtime: Runtime, contact_id: int) -> str:
    link = cast.do(renew_pay_link, contact_id, workspace_id=cast.workspace_id, now=NOW)
    return runtime.signer.url(link).removeprefix(runtime.settings.base_url)


def code_on(text: str) -> str | None:
    found = DEEP_LINK.search(text)
    return found[1] if found else None


def open_chat(cast: Cast, code: str | None, chat_id: int = BEN_CHAT, name: str = "") -> LinkedChat:
    assert code is not None
    return cast.do(link_chat, cast.runtime.signer, code, chat_id=chat_id, chat_name=name, now=NOW)


def is_linked(cast: Cast, contact_id: int) -> bool:
    return cast.read(lambda session: load_chat(session, contact_id)).is_linked


def codes(cast: Cast) -> int:
    query = select(Link.id).where(Link.purpose == LinkPurpose.CHAT)
    return len(cast.read(lambda session: session.scalars(query).all()))


class TestMembersPage:
    def say(self, zed: Browser, page: str, act: str, **fields: str) -> TestResponse:
        return zed.client.post(f"{page}/telegram", data={"act": act} | fields)

    def test_a_press_gives_a_link_that_links_the_chat_it_is_opened_in(
        self, cast: Cast, zed: Browser, ben: Contact, page: str
    ) -> None:
        assert "Get this in Telegram" in zed.get(page).text
        answer = self.say(zed, page, "link")
        assert (answer.status_code, answer.location) == (303, f"{page}#telegram")

        open_chat(cast, code_on(zed.get(page).text))

        assert is_linked(cast, ben.id)
        assert "Unlink Telegram" in zed.get(page).text

    def test_where_the_link_opens_nothing_its_words_can_be_sent_to_the_bot(
        self, zed: Browser, page: str
    ) -> None:
        self.say(zed, page, "link")

        shown = zed.get(page).text

        assert f'data-copy="/start {code_on(shown)}"' in shown
        assert "Or send this to @" in shown

    def test_looking_makes_no_link(self, cast: Cast, zed: Browser, page: str) -> None:
        for _ in range(3):
            assert code_on(zed.get(page).text) is None
            zed.client.head(page)
        assert codes(cast) == 0

    def test_a_link_is_shown_until_it_is_used_or_its_time_is_over(
        self, cast: Cast, zed: Browser, page: str, clock: TurnableClock
    ) -> None:
        self.say(zed, page, "link")
        first = code_on(zed.get(page).text)
        self.say(zed, page, "link")
        second = code_on(zed.get(page).text)
        assert None not in (first, second)
        assert first != second

        clock.turn(timedelta(days=7))
        assert code_on(zed.get(page).text) is None

    def test_unlinking_takes_one_press(self, cast: Cast, zed: Browser, ben: Contact, page: str) -> None:
        self.say(zed, page, "link")
        open_chat(cast, code_on(zed.get(page).text))
        self.say(zed, page, "unlink")

        assert not is_linked(cast, ben.id)
        assert self.say(zed, page, "unlink").status_code == 303

    def test_how_messages_come_can_be_chosen(self, cast: Cast, zed: Browser, ben: Contact, page: str) -> None:
        self.say(zed, page, "link")
        assert "Messages come" not in zed.get(page).text
        open_chat(cast, code_on(zed.get(page).text))

        self.say(zed, page, "choose", choice="telegram_first")

        row = cast.read(lambda session: load_chat(session, ben.id))
        assert row.choice is ChannelChoice.TELEGRAM_FIRST
        assert '"telegram_first" selected' in zed.get(page).text

    @pytest.mark.only_sqlite
    def test_a_way_that_leads_nowhere_is_refused_in_words(self, cast: Cast, zed: Browser, page: str) -> None:
        answer = self.say(zed, page, "choose", choice="telegram")
        assert answer.status_code == 422
        assert "link one first" in answer.text

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        "fields", [{"act": "confirm"}, {"act": ""}, {"act": "choose", "choice": "pigeon"}]
    )
    def test_anything_else_is_no_press(
        self, cast: Cast, zed: Browser, page: str, fields: dict[str, str]
    ) -> None:
        assert zed.client.post(f"{page}/telegram", data=fields).status_code == 400
        assert codes(cast) == 0

    @pytest.mark.only_sqlite
    def test_a_link_that_is_none_changes_nothing(self, cast: Cast, zed: Browser) -> None:
        assert self.say(zed, "/pay/made-up", "link").status_code == 404
        assert codes(cast) == 0

    @pytest.mark.only_sqlite
    def test_the_language_stays(self, zed: Browser, page: str) -> None:
        answer = zed.client.post(f"{page}/telegram?language=en_GB", data={"act": "link"})
        assert answer.location == f"{page}?language=en_GB#telegram"

    def test_an_admins_own_code_is_not_shown_there(
        self, cast: Cast, olga: Browser, zed: Browser, runtime: Runtime
    ) -> None:
        press(olga, "/profile", "/profile/telegram", act="link")
        page = pay_page(cast, runtime, cast.olga_contact)
        assert code_on(olga.get("/profile").text) is not None
        assert code_on(zed.get(page).text) is None

    def test_an_admins_member_page_makes_no_admin_chat(
        self, cast: Cast, zed: Browser, runtime: Runtime
    ) -> None:
        page = pay_page(cast, runtime, cast.olga_contact)
        self.say(zed, page, "link")
        assert open_chat(cast, code_on(zed.get(page).text), ZED_CHAT).needs_sign_in
        assert not is_linked(cast, cast.olga_contact)


class TestPersonsPage:
    @pytest.fixture
    def path(self, ben: Contact) -> str:
        return f"/people/{ben.public_id}"

    def test_an_invitation_is_made_copied_and_made_anew(
        self, cast: Cast, olga: Browser, ben: Contact, path: str
    ) -> None:
        assert "Make an invitation" in olga.get(path).text
        press(olga, path, f"{path}/telegram", act="link")
        first = code_on(olga.get(path).text)
        press(olga, path, f"{path}/telegram", act="link")
        second = code_on(olga.get(path).text)

        assert first != second
        with pytest.raises(DeadLink):
            open_chat(cast, first)
        open_chat(cast, second)
        assert is_linked(cast, ben.id)

    def test_unlinking_and_choosing_are_an_admins_too(
        self, cast: Cast, olga: Browser, ben: Contact, path: str
    ) -> None:
        press(olga, path, f"{path}/telegram", act="link")
        open_chat(cast, code_on(olga.get(path).text))
        press(olga, path, f"{path}/telegram", act="choose", choice="telegram")
        assert '"telegram" selected' in olga.get(path).text
        press(olga, path, f"{path}/telegram", act="unlink")

        assert not is_linked(cast, ben.id)

    def test_a_chat_that_turns_us_away_is_shown_with_a_new_invitation(
        self, cast: Cast, olga: Browser, ben: Contact, path: str
    ) -> None:
        press(olga, path, f"{path}/telegram", act="link")
        open_chat(cast, code_on(olga.get(path).text))
        query = select(Address.id).where(Address.channel == Channel.TELEGRAM)
        chat = cast.read(lambda session: session.scalars(query).one())
        cast.do(mark_refused, chat, reason="blocked", now=NOW)

        text = olga.get(path).text
        assert "turns our messages away" in text
        assert "Make an invitation" in text

    def test_a_stranger_invites_nobody(self, app: Flask, runtime: Runtime, cast: Cast, path: str) -> None:
        zed, before = stranger(app, runtime), events(cast)
        for act in ("link", "unlink", "choose"):
            answer = press(zed, "/profile", f"{path}/telegram", act=act, choice="both")
            assert answer.status_code == 404
        assert codes(cast) == 0
        assert events(cast) == before

    @pytest.mark.only_sqlite
    def test_another_admins_chat_is_theirs_to_link(self, cast: Cast, olga: Browser) -> None:
        mine = contact_named(cast, "Olga")
        text = olga.get(f"/people/{mine.public_id}").text
        assert "on their page “Your account”" in text

    @pytest.mark.only_sqlite
    def test_without_a_bot_there_is_a_way_to_get_one(self, cast: Cast, olga: Browser, path: str) -> None:
        connection = cast.do(connection_for, cast.workspace_id, Channel.TELEGRAM)
        cast.do(note_connection, connection.id, {"username": None})
        assert "The bot has not answered yet" in olga.get(path).text


class TestSomebodyNew:
    def test_a_name_is_enough_and_a_link_reaches_them(self, cast: Cast, olga: Browser) -> None:
        answer = press(olga, "/people", "/people", name="Mia")
        mia = contact_named(cast, "Mia")
        assert answer.location == f"/people/{mia.public_id}"
        assert "no address" in olga.get("/people").text

        press(olga, answer.location, f"{answer.location}/telegram", act="link")
        text = olga.get(answer.location).text
        assert "Good once, until 31 Mar 2026" in text
        open_chat(cast, code_on(text))

        assert "in Telegram</span>" in olga.get("/people").text

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("name", ["", " ", "Mi\na"])
    def test_without_a_name_nobody_is_added(self, cast: Cast, olga: Browser, name: str) -> None:
        before = events(cast)
        assert press(olga, "/people", "/people", name=name).status_code == 422
        assert events(cast) == before


class TestOwnChat:
    def act(self, olga: Browser, act: str, **fields: object) -> TestResponse:
        return press(olga, "/profile", "/profile/telegram", act=act, **fields)

    def test_an_admin_links_says_yes_and_unlinks(self, cast: Cast, olga: Browser) -> None:
        self.act(olga, "link")
        text = olga.get("/profile").text
        assert "/start " in text
        open_chat(cast, code_on(text), OLGA_CHAT, name="@olga_o")
        assert not is_linked(cast, cast.olga_contact)
        assert "A chat opened your link: @olga_o." in olga.get("/profile").text

        self.act(olga, "confirm", chat=OLGA_CHAT)

        assert is_linked(cast, cast.olga_contact)
        assert "Unlink my chat" in olga.get("/profile").text
        self.act(olga, "unlink")
        assert not is_linked(cast, cast.olga_contact)

    def test_a_foreign_chat_is_turned_away(self, cast: Cast, olga: Browser) -> None:
        self.act(olga, "link")
        open_chat(cast, code_on(olga.get("/profile").text), ZED_CHAT, name="<b>Olga</b>")
        assert "&lt;b&gt;Olga" in olga.get("/profile").text

        self.act(olga, "turn_away")

        assert "A chat opened your link" not in olga.get("/profile").text
        assert self.act(olga, "confirm", chat=ZED_CHAT).status_code == 422
        assert not is_linked(cast, cast.olga_contact)

    def test_yes_to_one_chat_is_no_yes_to_another(self, cast: Cast, olga: Browser) -> None:
        self.act(olga, "link")
        open_chat(cast, code_on(olga.get("/profile").text), OLGA_CHAT)
        cast.do(issue_chat_code, cast.olga_contact, now=NOW)

        assert self.act(olga, "confirm", chat=OLGA_CHAT).status_code == 422
        assert not is_linked(cast, cast.olga_contact)

    def test_the_link_is_good_for_ten_minutes(self, olga: Browser, cast: Cast, clock: TurnableClock) -> None:
        self.act(olga, "link")
        clock.turn(timedelta(minutes=10))
        assert code_on(olga.get("/profile").text) is None

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("chat", ["", "me", "-5", "٣", "9" * 21])
    def test_a_chat_that_is_none_is_no_press(self, cast: Cast, olga: Browser, chat: str) -> None:
        assert self.act(olga, "confirm", chat=chat).status_code == 400

    def test_a_form_from_elsewhere_links_nothing(self, cast: Cast, olga: Browser) -> None:
        answer = olga.client.post("/profile/telegram", data={"act": "link"})
        assert answer.status_code == 400
        assert codes(cast) == 0


def test_pages_cost_the_same_however_many_codes_there_were(
    cast: Cast, olga: Browser, zed: Browser, ben: Contact, page: str, runtime: Runtime
) -> None:
    def cost() -> int:
        with counted(runtime) as found:
            zed.get(page)
            olga.get(f"/people/{ben.public_id}")
            olga.get("/profile")
        return len(found)

    cost()
    cast.do(issue_chat_code, ben.id, now=NOW)
    once = cost()
    for _ in range(5):
        cast.do(issue_chat_code, ben.id, now=NOW)
    assert cost() == once
