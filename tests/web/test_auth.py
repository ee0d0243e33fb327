"""Claims about getting in and out through the pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from substrack.bootstrap import Runtime
from substrack.services.founding import Founded, issue_setup_link
from substrack.store import Link, LinkPurpose, Message, UserSession, Workspace
from tests.web.support import PASSWORD, Browser, TurnableClock, browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

SIGN_IN = {"email": "olga@example.org", "password": PASSWORD}


class TestSigningIn:
    def test_email_and_password_open_the_house(self, home: Founded, zed: Browser) -> None:
        answer = zed.post("/sign-in", **SIGN_IN)

        assert (answer.status_code, answer.location) == (303, "/")
        assert zed.is_signed_in

    @pytest.mark.usefixtures("home")
    def test_a_stranger_and_a_wrong_password_get_the_same_answer(self, zed: Browser) -> None:
        answers = [
            zed.post("/sign-in", email=email, password="wrong, but long")
            for email in ("olga@example.org", "olgb@example.org")
        ]

        assert {answer.status_code for answer in answers} == {422}
        assert answers[0].text.replace("olga@", "olgb@") == answers[1].text
        assert "do not go together" in answers[0].text
        assert 'value="olga@example.org"' in answers[0].text
        assert "wrong, but long" not in answers[0].text

    @pytest.mark.usefixtures("home")
    @pytest.mark.only_sqlite
    def test_one_goes_on_to_the_page_that_was_wanted(self, zed: Browser) -> None:
        asked = zed.get("/admins?page=2")
        assert asked.location == "/sign-in?next=/admins?page%3D2"

        answer = zed.post("/sign-in", page=asked.location, **SIGN_IN, next="/admins?page=2")

        assert answer.location == "/admins?page=2"

    @pytest.mark.usefixtures("home")
    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        "elsewhere",
        ["https://zed.example", "//zed.example", "/\\zed.example", "javascript:alert(1)", "/\t/zed.example"],
    )
    def test_one_is_never_taken_elsewhere(self, zed: Browser, elsewhere: str) -> None:
        assert zed.post("/sign-in", **SIGN_IN, next=elsewhere).location == "/"

    def test_signing_out_ends_the_session_itself(self, runtime: Runtime, olga: Browser) -> None:
        copied = olga.client.get_cookie("substrack-session")
        assert copied is not None

        answer = olga.post("/sign-out", page="/profile")

        assert answer.location == "/sign-in"
        olga.client.set_cookie("substrack-session", copied.value)
        assert not olga.is_signed_in

    @pytest.mark.only_sqlite
    def test_a_made_up_token_is_nobody(self, zed: Browser, home: Founded) -> None:
        for token in ("", "x", "x" * 4000, "ü"):
            zed.client.set_cookie("substrack-session", token)
            assert not zed.is_signed_in

    def test_a_session_ends_after_sixty_idle_days(self, olga: Browser, clock: TurnableClock) -> None:
        clock.turn(timedelta(days=59))
        assert olga.is_signed_in
        clock.turn(timedelta(days=59))
        assert olga.is_signed_in
        clock.turn(timedelta(days=60))
        assert not olga.is_signed_in

    def test_a_session_ends_after_a_year_in_use(self, olga: Browser, clock: TurnableClock) -> None:
        for _ in range(12):
            clock.turn(timedelta(days=30))
            assert olga.is_signed_in
        clock.turn(timedelta(days=5))
        assert not olga.is_signed_in


class TestSettingUp:
    def test_who_has_no_setup_link_hears_of_the_command(self, zed: Browser) -> None:
        assert "substrack user add" in zed.get("/sign-in").text

    def test_looking_at_the_setup_link_changes_nothing(self, runtime: Runtime, zed: Browser) -> None:
        path = setup_path(runtime)
        for _ in range(3):
            assert zed.get(path).status_code == 200

        assert count(runtime, Workspace) == 0
        assert zed.client.head(path).status_code == 200

    def test_the_first_owner_sets_up_and_is_signed_in(self, runtime: Runtime, zed: Browser) -> None:
        path = setup_path(runtime)

        answer = zed.post(path, **SETUP)

        assert answer.status_code == 303
        assert zed.is_signed_in
        assert zed.get(path).status_code == 404
        assert zed.post(path, page="/reset", **(SETUP | {"email": "zed@example.org"})).status_code == 404
        assert count(runtime, Workspace) == 1

    @pytest.mark.only_sqlite
    def test_a_link_of_an_earlier_start_says_where_the_newest_is(
        self, runtime: Runtime, zed: Browser
    ) -> None:
        former = setup_path(runtime)
        newest = setup_path(runtime)

        assert "the newest stands in the terminal where it runs" in zed.get(former).text
        zed.post(newest, **SETUP)
        assert "in the terminal" not in zed.get(former).text

    @pytest.mark.only_sqlite
    def test_without_a_name_for_it_all_it_is_called_after_its_owner(
        self, runtime: Runtime, zed: Browser
    ) -> None:
        path = setup_path(runtime)
        assert 'value="Home"' not in zed.get(path).text

        zed.post(path, **SETUP | {"workspace_name": " "})

        with runtime.reading() as session:
            assert session.scalars(select(Workspace.name)).one() == f"{SETUP['name']}’s subscriptions"

    @pytest.mark.only_sqlite
    def test_whoever_sets_up_goes_on_in_the_browsers_language(self, runtime: Runtime, zed: Browser) -> None:
        zed.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de-AT, en;q=0.5"

        zed.post(setup_path(runtime), **SETUP)

        zed.client.environ_base.pop("HTTP_ACCEPT_LANGUAGE")
        assert '<html lang="de">' in zed.get("/").text

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("field", "typed", "sentence"),
        [
            ("password", "short", "at least 10 characters"),
            ("email", "olga@", "not an email address"),
            ("name", "", "Enter your name"),
            ("name", "Olga\u202egnp.exe", "invisible control character"),
            ("time_zone", "Mars/Base", "Not a valid choice"),
            ("workspace_name", "x" * 101, "Keep this to 100"),
        ],
    )
    def test_what_is_wrong_is_said_and_the_rest_is_kept(
        self, runtime: Runtime, zed: Browser, field: str, typed: str, sentence: str
    ) -> None:
        answer = zed.post(setup_path(runtime), **(SETUP | {"name": "Olga <3"} | {field: typed}))

        assert answer.status_code == 422
        assert sentence in answer.text
        assert field == "name" or 'value="Olga &lt;3"' in answer.text
        assert PASSWORD not in answer.text
        assert count(runtime, Workspace) == 0


SETUP = {
    "name": "Olga",
    "email": "olga@example.org",
    "password": PASSWORD,
    "workspace_name": "Home",
    "time_zone": "Europe/Berlin",
}


class TestResetting:
    def test_a_known_and_an_unknown_address_get_the_same_answer(
        self, runtime: Runtime, home: Founded, zed: Browser
    ) -> None:
        known = zed.post("/reset", email="olga@example.org")
        unknown = zed.post("/reset", email="zed@example.org")

        assert known.status_code == unknown.status_code == 200
        assert known.text == unknown.text
        assert count(runtime, Message) == 1

    def test_a_reset_signs_in_here_and_out_everywhere_else(
        self, runtime: Runtime, olga: Browser, zed: Browser
    ) -> None:
        zed.post("/reset", email="olga@example.org")
        path = link_path(runtime, LinkPurpose.RESET)
        assert zed.get(path).status_code == zed.get(path).status_code == 200

        assert zed.post(path, password="another seven otters").status_code == 303

        assert zed.is_signed_in
        assert not olga.is_signed_in
        assert zed.get(path).status_code == 404

    @pytest.mark.only_sqlite
    def test_a_weak_password_leaves_the_link_good(
        self, runtime: Runtime, home: Founded, zed: Browser
    ) -> None:
        zed.post("/reset", email="olga@example.org")
        path = link_path(runtime, LinkPurpose.RESET)

        assert zed.post(path, password="olga").status_code == 422
        assert zed.post(path, password="another seven otters").status_code == 303

    @pytest.mark.only_sqlite
    def test_dead_links_of_every_kind_look_the_same(
        self, runtime: Runtime, home: Founded, zed: Browser, clock: TurnableClock
    ) -> None:
        zed.post("/reset", email="olga@example.org")
        path = link_path(runtime, LinkPurpose.RESET)
        clock.turn(timedelta(hours=2))
        dead = [path, path[:-2], "/reset/x", path.replace("/reset/", "/invite/"), f"/reset/{'x' * 900}"]

        pages = {zed.get(each).text for each in dead}

        assert len(pages) == 1
        assert {zed.get(each).status_code for each in dead} == {404}


class TestInviting:
    def test_an_admin_invites_a_second(self, app: Flask, runtime: Runtime, olga: Browser) -> None:
        asked = olga.post("/admins", name="Mia", email="mia@example.org")
        assert asked.location == "/admins"
        assert "mia@example.org" in olga.get("/admins").text
        mia = browser(app, runtime)

        joined = mia.post(link_path(runtime, LinkPurpose.INVITE), name="Mia", password=PASSWORD)

        assert joined.status_code == 303
        assert "Olga" in mia.get("/admins").text

    @pytest.mark.only_sqlite
    def test_who_goes_back_after_accepting_is_led_home(
        self, app: Flask, runtime: Runtime, olga: Browser
    ) -> None:
        olga.post("/admins", name="Mia", email="mia@example.org")
        mia, path = browser(app, runtime), link_path(runtime, LinkPurpose.INVITE)
        mia.post(path, name="Mia", password=PASSWORD)

        assert mia.get(path).location == "/"
        assert browser(app, runtime).get(path).status_code == 404

    @pytest.mark.only_sqlite
    def test_a_second_invitation_of_an_admin_is_refused_beside_the_field(self, olga: Browser) -> None:
        answer = olga.post("/admins", name="Olga", email="olga@example.org")

        assert answer.status_code == 422
        assert 'id="email-error-1"' in answer.text


class TestOnesOwnAccount:
    @pytest.mark.only_sqlite
    def test_name_and_language_are_kept(self, olga: Browser) -> None:
        olga.post("/profile", name="Olga P.", language="en_GB")

        assert 'value="Olga P."' in olga.get("/profile").text
        assert '<html lang="en-GB">' in olga.get("/profile").text

    def test_a_new_password_signs_out_everywhere_else(
        self, app: Flask, runtime: Runtime, home: Founded, olga: Browser
    ) -> None:
        elsewhere = browser(app, runtime)
        elsewhere.sign_in(runtime, home.user_id)
        answer = change_password(olga, PASSWORD, "another seven otters")

        assert answer.status_code == 303
        assert olga.is_signed_in
        assert not elsewhere.is_signed_in
        assert elsewhere.post("/sign-in", **SIGN_IN).status_code == 422

    @pytest.mark.only_sqlite
    def test_a_new_password_needs_the_old_one(self, olga: Browser) -> None:
        answer = change_password(olga, "not the old one", "another seven otters")

        assert answer.status_code == 422
        assert "not your current password" in answer.text

    def test_a_session_is_ended_from_another(
        self, app: Flask, runtime: Runtime, home: Founded, olga: Browser
    ) -> None:
        elsewhere = browser(app, runtime)
        elsewhere.sign_in(runtime, home.user_id, agent="Lost phone")
        assert "Lost phone" in olga.get("/profile").text
        public_id = newest_session(runtime)

        olga.post(f"/profile/sessions/{public_id}/end", page="/profile")

        assert not elsewhere.is_signed_in
        assert olga.is_signed_in

    @pytest.mark.only_sqlite
    def test_a_session_that_is_not_ones_own_is_not_there(self, olga: Browser) -> None:
        assert olga.post("/profile/sessions/abcabcabcabc/end", page="/profile").status_code == 404


def change_password(who: Browser, old: str, new: str) -> TestResponse:
    return who.post("/profile/password", page="/profile", current_password=old, password=new)


def setup_path(runtime: Runtime) -> str:
    with runtime.transaction() as session:
        issue_setup_link(session, now=runtime.now())
    return link_path(runtime, LinkPurpose.SETUP)


def link_path(runtime: Runtime, purpose: LinkPurpose) -> str:
    with runtime.reading() as session:
        link = session.scalars(select(Link).where(Link.purpose == purpose).order_by(Link.id.desc())).first()
    assert link is not None
    return runtime.signer.url(link).removeprefix(runtime.settings.base_url)


def newest_session(runtime: Runtime) -> str:
    with runtime.reading() as session:
        row = session.scalars(select(UserSession).order_by(UserSession.id.desc())).first()
    assert row is not None
    return row.public_id


def count(runtime: Runtime, table: type[Workspace | Message]) -> int:
    with runtime.reading() as session:
        return session.scalars(select(func.count()).select_from(table)).one()
