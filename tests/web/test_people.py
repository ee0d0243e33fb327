"""Claims about the pages of people: balances, addresses, links, and that strangers find nobody."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from substrack.bootstrap import Runtime
from substrack.queries.people import load_contact
from substrack.services.founding import Founded
from substrack.services.mailboxes import mark_refused, unsubscribe
from substrack.services.payments import confirm_payment, waive_payment
from substrack.services.receipts import record_receipt
from substrack.store import Contact, Group
from tests.support.cast import Cast, money
from tests.web.admin import cast_of, contact_named, events, stranger
from tests.web.forms import counted, press, send
from tests.web.support import NOW, Browser


@pytest.fixture
def cast(runtime: Runtime, home: Founded) -> Cast:
    return cast_of(runtime, home)


@pytest.fixture
def youtube(cast: Cast) -> Group:
    """A group of three at 8.97 with February and March open."""
    group = cast.group("YouTube Premium", "8.97")
    for name in ("Ben", "Mia"):
        cast.join(group, name)
    cast.tick(NOW)
    return group


@pytest.fixture
def ben(cast: Cast, youtube: Group) -> Contact:
    return contact_named(cast, "Ben")


@pytest.fixture
def page(ben: Contact) -> str:
    return f"/people/{ben.public_id}"


def address_of(cast: Cast, contact: Contact) -> int:
    found = cast.read(lambda session: load_contact(session, contact.id)).address_id
    assert found is not None
    return found


def row_of(text: str, name: str) -> str:
    """Cut the row of somebody out of a list."""
    return next(row for row in text.split("<tr>") if f'">{name}</a>' in row)


class TestBalances:
    def test_it_adds_up_over_all_groups_and_never_over_currencies(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        phone = cast.group("Phone", "10.00", currency="USD")
        cast.join(phone, "Ben")
        cast.tick(NOW)

        row = row_of(olga.get("/people").text, "Ben")

        assert "owes 5.98\xa0€" in row
        assert "owes 10.00\xa0US$" in row
        assert "Phone and YouTube Premium" in row

    def test_what_is_paid_or_forgiven_is_no_longer_owed(
        self, cast: Cast, olga: Browser, ben: Contact
    ) -> None:
        february, march = cast.payments(contact_id=ben.id)
        cast.do(confirm_payment, february.id, by=cast.olga, now=NOW)
        cast.do(waive_payment, march.id, reason="ill", by=cast.olga, now=NOW)
        text = olga.get("/people").text

        assert "settled" in row_of(text, "Ben")
        assert "settled" in row_of(text, "Olga")
        assert "owes 5.98" in row_of(text, "Mia")

    def test_money_paid_ahead_is_shown_as_credit(
        self, cast: Cast, olga: Browser, ben: Contact, page: str
    ) -> None:
        cast.do(
            record_receipt,
            cast.workspace_id,
            contact_id=ben.id,
            payer_id=cast.olga_contact,
            amount=money("10.00"),
            by=cast.olga,
            now=NOW,
        )

        assert "4.02\xa0€ credit" in olga.get(page).text
        assert "4.02\xa0€ credit" in row_of(olga.get("/people").text, "Ben")

    def test_lists_take_the_same_statements_however_many_people(
        self, runtime: Runtime, cast: Cast, olga: Browser, youtube: Group, page: str
    ) -> None:
        with counted(runtime) as few, counted(runtime):
            olga.get("/people")
            olga.get(page)
        for number in range(8):
            cast.join(youtube, f"Guest {number}", email=None)
        cast.tick(NOW)
        with counted(runtime) as many:
            olga.get("/people")
            olga.get(page)

        assert len(few) == len(many) <= 24


class TestOnePerson:
    def test_it_shows_what_is_open_what_is_settled_and_where_they_are(
        self, cast: Cast, olga: Browser, ben: Contact, page: str
    ) -> None:
        february, march = cast.payments(contact_id=ben.id)
        cast.do(confirm_payment, february.id, by=cast.olga, now=NOW)
        text = olga.get(page).text

        assert text.index(f"/payments/{march.public_id}") < text.index("Settled lately")
        assert text.index("Settled lately") < text.index(f"/payments/{february.public_id}")
        assert "YouTube Premium" in text

    def test_name_language_and_zone_change(self, cast: Cast, olga: Browser, ben: Contact, page: str) -> None:
        send(olga, page, "language", name="Benedikt", language="en_GB", time_zone="Europe/London")

        known = cast.read(lambda session: load_contact(session, ben.id))
        assert (known.name, known.language, known.time_zone) == ("Benedikt", "en_GB", "Europe/London")

    @pytest.mark.parametrize(
        ("field", "typed", "sentence"),
        [
            ("name", "Be\nn", "without line breaks"),
            ("name", "", "Enter their name"),
            ("time_zone", "Mars/Base", "is not a time zone"),
            ("language", "klingon", "Not a valid choice"),
        ],
    )
    @pytest.mark.only_sqlite
    def test_what_makes_no_sense_is_said_beside_its_field(
        self, olga: Browser, page: str, field: str, typed: str, sentence: str
    ) -> None:
        answer = send(olga, page, "language", **{field: typed})

        assert answer.status_code == 422
        assert sentence in answer.text.split(f'id="{field}-error-1"')[1].split("</p>")[0]


class TestMail:
    def test_a_corrected_address_is_tried_again(
        self, cast: Cast, olga: Browser, ben: Contact, page: str
    ) -> None:
        cast.do(mark_refused, address_of(cast, ben), reason="550 no such user", now=NOW)
        assert "550 no such user" in olga.get(page).text

        send(olga, page, "email", f"{page}/email", email="benny@example.org")

        known = cast.read(lambda session: load_contact(session, ben.id))
        assert (known.email, known.refused_since) == ("benny@example.org", None)

    def test_an_emptied_address_is_removed(self, cast: Cast, olga: Browser, ben: Contact, page: str) -> None:
        send(olga, page, "email", f"{page}/email", email="")

        assert cast.read(lambda session: load_contact(session, ben.id)).email is None
        assert "no address" in olga.get(page).text

    def test_what_is_no_address_is_refused_and_kept_in_the_field(self, olga: Browser, page: str) -> None:
        answer = send(olga, page, "email", f"{page}/email", email="nowhere")

        assert answer.status_code == 422
        assert "is not an email address" in answer.text
        assert 'value="nowhere"' in answer.text

    def test_somebody_elses_address_is_a_question(
        self, cast: Cast, olga: Browser, ben: Contact, page: str
    ) -> None:
        asked = send(olga, page, "email", f"{page}/email", email="mia@example.org")
        answered = send(olga, page, "email", f"{page}/email", email="mia@example.org", shares_mailbox="y")

        assert asked.status_code == 422
        assert "Mia is already reached at this address" in asked.text
        assert answered.status_code == 303

    def test_who_unsubscribed_can_be_asked_again_when_they_wish(
        self, cast: Cast, olga: Browser, ben: Contact, page: str
    ) -> None:
        cast.do(unsubscribe, address_of(cast, ben), by=cast.olga, now=NOW)
        assert "to get no more requests" in olga.get(page).text

        press(olga, page, f"{page}/resubscribe")

        assert cast.read(lambda session: load_contact(session, ben.id)).is_reachable


class TestPayLinks:
    def link(self, olga: Browser, page: str) -> str | None:
        found = re.search(r"http://127\.0\.0\.1:8000(/pay/[^<\s]+)", olga.get(page).text)
        return found[1] if found else None

    def test_a_link_is_made_shown_and_made_dead(
        self, cast: Cast, olga: Browser, zed: Browser, page: str
    ) -> None:
        assert self.link(olga, page) is None
        press(olga, page, f"{page}/link")
        link = self.link(olga, page)

        assert link is not None
        assert zed.get(link).status_code == 200
        press(olga, page, f"{page}/link/revoke")
        assert self.link(olga, page) is None
        assert zed.get(link).status_code == 404

    def test_looking_prolongs_nothing(self, cast: Cast, olga: Browser, page: str) -> None:
        press(olga, page, f"{page}/link")
        before = events(cast)
        shown = olga.get(page).text

        assert "Good until 15 Mar 2026" in shown
        assert events(cast) == before


def test_another_workspaces_admin_finds_nobody(
    app: Flask, runtime: Runtime, cast: Cast, ben: Contact, page: str
) -> None:
    zed, before = stranger(app, runtime), events(cast)

    assert "Ben" not in zed.get("/people").text
    assert zed.get(page).status_code == 404
    for act in ("", "/email", "/resubscribe", "/link", "/link/revoke"):
        assert press(zed, "/profile", page + act, name="Zed's").status_code == 404
    assert events(cast) == before
