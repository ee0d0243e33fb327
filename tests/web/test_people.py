"""Claims about the pages of people: balances, addresses, links, and that strangers find nobody."""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.queries.people import load_contact
from substrack.queries.people_page import PEOPLE_A_PAGE, load_balances
from substrack.queries.statements import list_years, load_statement
from substrack.services.addresses import mark_refused, unsubscribe
from substrack.services.chats import chat_code, issue_chat_code, link_chat
from substrack.services.members import leave_group
from substrack.services.pay_links import find_pay_link
from substrack.services.payments import confirm_payment, waive_payment
from substrack.services.people import add_contact
from substrack.services.receipts import record_receipt
from substrack.store import Address, Contact, Event, Group
from tests.support.cast import Cast, money
from tests.web.admin import contact_named, events, stranger
from tests.web.forms import counted, press, send
from tests.web.support import NOW, Browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


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


def test_who_leaves_later_is_in_the_group_until_then(cast: Cast, olga: Browser, ben: Contact) -> None:
    cast.do(
        leave_group,
        cast.payments(contact_id=ben.id)[0].member_id,
        left_on=date(2026, 3, 2),
        by=cast.olga,
        now=NOW,
    )

    assert "YouTube Premium (until 2 Mar 2026)" in row_of(olga.get("/people").text, "Ben")


def test_who_has_left_is_in_it_no_more(cast: Cast, olga: Browser, ben: Contact) -> None:
    cast.do(
        leave_group,
        cast.payments(contact_id=ben.id)[0].member_id,
        left_on=date(2026, 3, 1),
        by=cast.olga,
        now=NOW,
    )

    assert "YouTube" not in row_of(olga.get("/people").text, "Ben")


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

        assert len(few) == len(many) <= 27


class TestTheList:
    def add(self, cast: Cast, *names: str) -> None:
        for name in names:
            cast.do(add_contact, cast.workspace_id, name=name, by=cast.olga, now=NOW)

    def test_a_long_list_is_paged_and_every_name_is_on_one_page(self, cast: Cast, olga: Browser) -> None:
        self.add(cast, *(f"Guest {number:02}" for number in range(PEOPLE_A_PAGE + 4)))
        first, second = olga.get("/people").text, olga.get("/people?page=2").text

        names = [f"Guest {number:02}" for number in range(PEOPLE_A_PAGE + 4)] + ["Olga"]
        assert [name for name in names if (f">{name}</a>" in first) == (f">{name}</a>" in second)] == []
        assert first.count('class="row-name"') == PEOPLE_A_PAGE
        assert len(first) < 120_000

    @pytest.mark.parametrize(
        ("typed", "found"), [("özil", True), ("ÖZ", True), ("mesut", True), ("%", False), ("zed", False)]
    )
    def test_a_piece_of_a_name_finds_somebody(
        self, cast: Cast, olga: Browser, typed: str, found: bool
    ) -> None:
        self.add(cast, "Mesut Özil", "Ann")
        text = olga.get(f"/people?q={quote(typed)}").text

        assert (">Mesut Özil</a>" in text) is found
        assert ">Ann</a>" not in text
        assert ("Nobody of this name" in text) is not found
        assert f'value="{typed}"' in text

    def test_it_says_since_when_somebody_can_not_be_reached(
        self, cast: Cast, olga: Browser, ben: Contact
    ) -> None:
        cast.do(mark_refused, address_of(cast, ben), reason="550 no such user", now=NOW)
        self.add(cast, "Kim", "Tom")
        kim = contact_named(cast, "Kim")
        cast.do(issue_chat_code, kim.id, now=NOW)
        text = olga.get("/people").text

        assert "mail refused since 1 Mar 2026" in row_of(text, "Ben")
        assert "Telegram not linked yet" in row_of(text, "Kim")
        assert "no address" in row_of(text, "Tom")
        assert "by mail" in row_of(text, "Mia")

    def test_a_chat_that_turns_messages_away_is_no_lack_of_an_address(
        self, cast: Cast, olga: Browser
    ) -> None:
        self.add(cast, "Kim")
        kim = contact_named(cast, "Kim")
        code = chat_code(cast.runtime.signer, cast.do(issue_chat_code, kim.id, now=NOW))
        cast.do(link_chat, cast.runtime.signer, code, chat_id=7, now=NOW)
        chat = cast.read(lambda session: session.scalars(select(Address).where(Address.value == "7")).one())
        cast.do(mark_refused, chat.id, reason="bot was blocked by the user", now=NOW)
        row = row_of(olga.get("/people").text, "Kim")

        assert "chat refuses since 1 Mar 2026" in row
        assert "no address" not in row


class TestNote:
    def test_it_is_kept_for_admins(self, cast: Cast, olga: Browser, ben: Contact, page: str) -> None:
        send(olga, page, "note", f"{page}/note", note="Pays in cash.\n<b>Really.</b>")

        assert "Pays in cash.\n&lt;b&gt;Really.&lt;/b&gt;</textarea>" in olga.get(page).text.replace("\r", "")

    @pytest.mark.only_sqlite
    def test_one_that_is_too_long_is_refused_and_not_lost(self, olga: Browser, page: str) -> None:
        answer = send(olga, page, "note", f"{page}/note", note="x" * 2001)

        assert answer.status_code == 422
        assert "2,000" in answer.text.split('id="note-error-1"')[1].split("</p>")[0]
        assert "x" * 2001 in answer.text

    def test_the_journal_does_not_repeat_it(self, cast: Cast, olga: Browser, ben: Contact, page: str) -> None:
        send(olga, page, "note", f"{page}/note", note="Pays in cash.")

        event = cast.read(lambda session: session.scalars(select(Event).order_by(Event.id.desc())).first())
        assert event is not None
        assert (event.verb, event.before, event.after) == ("note", None, None)

    def test_their_own_page_never_shows_it(
        self, cast: Cast, olga: Browser, zed: Browser, ben: Contact, page: str
    ) -> None:
        send(olga, page, "note", f"{page}/note", note="Pays in cash.")
        press(olga, page, f"{page}/link")
        link = cast.read(lambda session: find_pay_link(session, cast.runtime.signer, ben.id, now=NOW))

        assert link is not None
        shown = zed.get(link.url.removeprefix("http://127.0.0.1:8000"))
        assert shown.status_code == 200
        assert "Pays in cash" not in shown.text


class TestStatement:
    def test_a_year_adds_up_to_what_is_owed_now(
        self, cast: Cast, olga: Browser, ben: Contact, page: str
    ) -> None:
        february, _march = cast.payments(contact_id=ben.id)
        cast.do(confirm_payment, february.id, by=cast.olga, now=NOW)
        statement = cast.read(lambda session: load_statement(session, ben.id, 2026))
        balances = cast.read(lambda session: load_balances(session, ben.id))

        (total,) = statement.totals
        assert [total.owed, total.received, total.left, total.sent] == [
            money(amount) for amount in ("5.98", "2.99", "2.99", "2.99")
        ]
        assert total.left == balances[0].owed
        assert "Still open" in olga.get(f"{page}/statement/2026").text

    def test_what_was_forgiven_is_neither_paid_nor_open(self, cast: Cast, ben: Contact) -> None:
        cast.do(waive_payment, cast.payments(contact_id=ben.id)[0].id, reason="ill", by=cast.olga, now=NOW)

        (total,) = cast.read(lambda session: load_statement(session, ben.id, 2026)).totals
        assert [total.received, total.forgiven, total.left] == [
            money(amount) for amount in ("0.00", "2.99", "2.99")
        ]

    def test_currencies_are_never_added(self, cast: Cast, ben: Contact, youtube: Group) -> None:
        phone = cast.group("Phone", "10.00", currency="USD")
        cast.join(phone, "Ben")
        cast.tick(NOW)

        totals = cast.read(lambda session: load_statement(session, ben.id, 2026)).totals
        assert [total.owed.currency for total in totals] == ["EUR", "USD"]

    def test_a_year_without_anything_says_so_and_one_that_is_none_is_not_there(
        self, olga: Browser, ben: Contact, page: str
    ) -> None:
        assert "Nothing in 2019" in olga.get(f"{page}/statement/2019").text
        assert olga.get(f"{page}/statement/0").status_code == 404
        assert olga.get(f"{page}/statement/99999").status_code == 404

    def test_years_are_those_in_which_something_was_due_or_came(self, cast: Cast, ben: Contact) -> None:
        terms = {"amount": money("1.00"), "received_on": date(2024, 5, 1), "payer_id": cast.olga_contact}
        cast.do(record_receipt, cast.workspace_id, contact_id=ben.id, **terms, by=cast.olga, now=NOW)

        assert cast.read(lambda session: list_years(session, ben.id)) == (2026, 2025, 2024)


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

    def test_an_address_that_works_is_told_of_the_one_in_its_place(
        self, cast: Cast, olga: Browser, ben: Contact, page: str
    ) -> None:
        assert "the present address is told" in olga.get(page).text
        send(olga, page, "email", f"{page}/email", email="benny@example.org")

        assert cast.notices_to(ben.id)[-1] == "mailbox_replaced"
        assert "Mailbox replaced" in olga.get(page).text

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
    assert zed.get(f"{page}/statement/2026").status_code == 404
    for act in ("", "/note", "/email", "/resubscribe", "/link", "/link/revoke"):
        assert press(zed, "/profile", page + act, name="Zed's").status_code == 404
    assert events(cast) == before
