"""A person's data on their page: handed out and erased, under a fresh password."""

import io
import json
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from flask import Flask

from substrack.bootstrap import Runtime
from substrack.services.accounts import edit_profile
from substrack.store import User
from tests.support.cast import Cast, at
from tests.web.admin import contact_named
from tests.web.forms import fill, send
from tests.web.support import NOW, PASSWORD, Browser, TurnableClock, browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def page(cast: Cast) -> str:
    """Let Ben be in a group; give the page about his data."""
    cast.join(cast.group(), "Ben")
    return f"/people/{contact_named(cast, 'Ben').public_id}/data"


class TestExport:
    def test_everything_is_downloaded_as_a_zip_that_nothing_keeps(self, olga: Browser, page: str) -> None:
        answer = olga.post(f"{page}/export", page=page)
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=person-")
        with ZipFile(io.BytesIO(answer.data)) as archive:
            assert "ben@example.org" in archive.read("data.json").decode()
        assert "Everything known about Ben was handed out." in olga.get("/journal").text

    def test_later_it_takes_the_password(self, olga: Browser, page: str, clock: TurnableClock) -> None:
        clock.turn(timedelta(minutes=10))
        asked = olga.post(f"{page}/export", page=page)
        assert (asked.status_code, asked.mimetype) == (422, "text/html")
        answer = olga.client.post(
            f"{page}/export", data=fill(asked.text, "your_password") | {"your_password": PASSWORD}
        )
        with ZipFile(io.BytesIO(answer.data)) as archive:
            assert json.loads(archive.read("data.json"))["contacts"][0]["name"] == "Ben"


class TestErasing:
    def sent(self, olga: Browser, page: str, **ticked: str) -> str:
        answer = olga.post(f"{page}/erase", page=page, **ticked)
        assert answer.status_code == 303
        return olga.get(answer.location).text

    def test_the_page_says_what_goes_and_what_stays(self, olga: Browser, page: str) -> None:
        shown = olga.get(page).text
        for told in (
            "What goes, for good:",
            "What stays: amounts, dates and statuses",
            "There is no way back",
            "They leave YouTube Premium today",
        ):
            assert told.casefold() in shown.casefold()

    def test_without_a_tick_nothing_happens(self, olga: Browser, page: str) -> None:
        assert "Tick that you mean it" in self.sent(olga, page)
        assert olga.get(page).status_code == 200

    def test_later_it_takes_the_password(self, olga: Browser, page: str, clock: TurnableClock) -> None:
        clock.turn(timedelta(minutes=10))
        asked = olga.post(f"{page}/erase", page=page, sure="1")
        assert asked.status_code == 422
        form = fill(asked.text, "your_password") | {"your_password": PASSWORD}
        assert olga.client.post(f"{page}/erase", data=form).status_code == 303
        assert olga.get(page).status_code == 404

    def test_what_is_open_is_listed_and_takes_another_tick(
        self, olga: Browser, cast: Cast, page: str
    ) -> None:
        cast.tick(at("2026-02-05"))
        assert "They owe" in olga.get(page).text
        refused = olga.post(f"{page}/erase", page=page, sure="1")
        assert (
            "This person is not settled" in olga.get(refused.location or page).text
            or refused.status_code == 422
        )
        assert "Erased. The books stay" in self.sent(olga, page, sure="1", anyway="1")

    def test_their_name_is_a_neutral_word_in_the_readers_language(
        self, olga: Browser, cast: Cast, page: str
    ) -> None:
        cast.tick(at("2026-02-05"))
        key = contact_named(cast, "Ben").id
        self.sent(olga, page, sure="1", anyway="1")
        assert f"Former member {key}" in olga.get("/journal").text
        cast.do(edit_profile, cast.olga.id, name="Olga", language="de", by=cast.olga, now=NOW)
        shown = olga.get("/journal").text
        assert f"Ehemaliges Mitglied {key}" in shown
        assert "Former member" not in shown

    def test_nothing_of_them_stays_in_the_files_of_the_database(
        self, olga: Browser, runtime: Runtime, page: str
    ) -> None:
        file = Path(runtime.write_engine.url.database or "")
        files = [file, file.with_name(f"{file.name}-wal")]
        assert any(b"ben@example.org" in one.read_bytes() for one in files)
        self.sent(olga, page, sure="1", anyway="1")
        assert not any(b"ben@example.org" in one.read_bytes() for one in files)

    def test_the_last_owner_is_told_to_find_another(self, olga: Browser, cast: Cast) -> None:
        page = f"/people/{contact_named(cast, 'Olga').public_id}/data"
        assert "This is the last owner" in olga.get(page).text

    def test_who_is_invited_at_their_address_takes_an_answer(
        self, olga: Browser, cast: Cast, page: str
    ) -> None:
        self.sent(olga, page, sure="1", anyway="1")
        typed = {"name": "Ben", "email": "ben@example.org"}
        asked = olga.post("/admins", page="/admins", **typed)
        assert asked.status_code == 422
        assert 'name="wanted_again"' in asked.text
        assert olga.post("/admins", page="/admins", **typed, wanted_again="y").status_code == 303
        assert contact_named(cast, "Ben").erased_at is None

    def test_who_is_typed_with_a_new_group_at_their_address_takes_an_answer(
        self, olga: Browser, cast: Cast, page: str
    ) -> None:
        self.sent(olga, page, sure="1", anyway="1")
        typed = {"name": "Netflix", "price": "20.00", "people": "Ben <ben@example.org>"}
        asked = send(olga, "/groups/new", "price", **typed)
        assert 'name="wanted_again"' in asked.text
        made = send(olga, "/groups/new", "price", **typed, wanted_again="y")
        assert 'name="wanted_again"' not in made.text
        assert contact_named(cast, "Ben").erased_at is None

    def test_only_an_owner_does_that_to_an_admin(
        self, app: Flask, runtime: Runtime, cast: Cast, olga: Browser
    ) -> None:
        ada, bea = cast.second_admin("Ada"), cast.second_admin("Bea")
        plain = browser(app, runtime)
        plain.sign_in(runtime, ada.id or 0)
        page = f"/people/{contact_named(cast, 'Bea').public_id}/data"
        form = f"{page}/erase"
        assert form in olga.get(page).text
        assert form not in plain.get(page).text
        own = f"/people/{contact_named(cast, 'Ada').public_id}/data"
        assert (f"{own}/export" in plain.get(own).text, f"{own}/erase" in plain.get(own).text) == (
            True,
            False,
        )
        for act in ("erase", "export"):
            told = plain.post(f"{page}/{act}", page="/people", sure="1", anyway="1")
            assert told.mimetype == "text/html"
        user = cast.read(lambda session: session.get_one(User, bea.id))
        assert user.deactivated_at is None
