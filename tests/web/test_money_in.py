"""Claims about money that came without a claim."""

from __future__ import annotations

from datetime import date, timedelta
from html import unescape

import pytest
from flask import Flask

from substrack.bootstrap import Runtime
from substrack.services.payments import confirm_payment
from substrack.services.people import edit_contact
from substrack.services.receipts import record_receipt
from substrack.store import Member
from tests.support.cast import Cast, money
from tests.web.admin import contact_named, events, stranger
from tests.web.forms import counted, fill, press, send
from tests.web.scenes import answers_to, claim, join_again, receipts, status_of, youtube_of
from tests.web.support import NOW, Browser, TurnableClock


def url_of(cast: Cast, name: str = "Ben", currency: str = "EUR") -> str:
    olga, person = contact_named(cast, "Olga"), contact_named(cast, name)
    return f"/money-in?account={person.public_id}.{olga.public_id}.{currency}"


def _link_to(page: str, name: str) -> str:
    """Find where a person of the page leads: its line is one link."""
    return page[: page.index(f'<span class="line-name">{name}')].rpartition('href="')[2].partition('"')[0]


@pytest.mark.usefixtures("ben")
def test_who_owes_is_offered_with_what_they_owe(olga: Browser) -> None:
    shown = olga.get("/money-in").text

    assert shown.count("5.98\xa0€") == 2
    assert "from Ben" in shown
    assert "from Olga" not in shown


def test_the_longest_due_is_first_and_a_name_finds_one(olga: Browser, cast: Cast, ben: Member) -> None:
    cast.do(confirm_payment, cast.payment_of(ben, 1).id, by=cast.olga, now=NOW)

    shown = olga.get("/money-in").text
    assert shown.index("from Mia") < shown.index("from Ben")
    assert "due 1 Feb 2026" in shown  # nobody was asked yet
    assert "due today, 1 Mar 2026" in shown

    found = olga.get("/money-in?q=be").text
    assert "from Ben" in found
    assert "from Mia" not in found


def test_what_came_lately_is_of_who_is_looked_for(olga: Browser, cast: Cast, ben: Member) -> None:
    for payment in cast.payments(kind="dues", period_id=cast.payment_of(ben).period_id):
        cast.do(confirm_payment, payment.id, by=cast.olga, now=NOW)

    lately = olga.get("/money-in").text.partition("What came lately")[2]
    of_ben = olga.get("/money-in?q=ben").text.partition("What came lately")[2]

    assert ("Ben" in lately, "Mia" in lately) == (True, True)
    assert ("Ben" in of_ben, "Mia" in of_ben) == (True, False)


def test_somebody_who_owes_nothing_is_found_as_well(olga: Browser, cast: Cast, ben: Member) -> None:
    for sequence in (1, 2):
        cast.do(confirm_payment, cast.payment_of(ben, sequence).id, by=cast.olga, now=NOW)

    shown = olga.get("/money-in?q=Ben").text

    assert f'href="{url_of(cast)}"' in shown
    assert "owes nothing in EUR, to Olga" in shown


def test_who_owes_comes_a_page_at_a_time(olga: Browser, cast: Cast) -> None:
    youtube_of(cast, *(f"Member{number:02}" for number in range(30)))

    assert olga.get("/money-in").text.count("/money-in/all") == 25
    assert olga.get("/money-in?page=2").text.count("/money-in/all") == 5


class TestReceivedInFull:
    """The button that books all that somebody owes."""

    def row(self, page: str) -> dict[str, str]:
        return fill(page, "version")

    def test_one_press_settles_all_and_tells_the_member_once(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        cast.do(confirm_payment, cast.payment_of(ben, 1).id, amount=money("1"), by=cast.olga, now=NOW)

        answer = send(olga, "/money-in?q=Ben", "version", to="/money-in/all")

        assert (answer.status_code, answer.location) == (303, "/money-in?q=Ben")
        assert (status_of(cast, ben, 1), status_of(cast, ben, 2)) == ("confirmed", "confirmed")
        assert [one.amount_minor for one in receipts(cast)] == [100, 498]
        assert "4.98\xa0€ from Ben is booked." in olga.get("/").text

    def test_it_can_be_undone_at_once(self, olga: Browser, cast: Cast, ben: Member) -> None:
        send(olga, "/money-in?q=Ben", "version", to="/money-in/all")
        page = olga.get("/").text
        undo = page[page.index("/decisions/") :].partition('"')[0]

        press(olga, "/groups", undo, next="/")

        assert (status_of(cast, ben, 1), status_of(cast, ben, 2)) == ("pending", "pending")
        assert receipts(cast) == []

    def test_a_second_press_books_nothing_and_says_so_calmly(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        fields = self.row(olga.get("/money-in?q=Ben").text)
        olga.client.post("/money-in/all", data=fields)

        answer = olga.client.post("/money-in/all", data=fields)

        assert answer.status_code == 303
        assert len(receipts(cast)) == 1
        assert "That is booked already; nothing more is owed there." in olga.get("/").text

    def test_an_old_page_books_nothing_when_more_is_owed_since(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        fields = self.row(olga.get("/money-in?q=Ben").text)
        olga.client.post("/money-in/all", data=fields)
        join_again(cast, cast.group("Spotify", "5.98"), "Ben")

        olga.client.post("/money-in/all", data=fields)

        assert len(receipts(cast)) == 1
        assert "what Ben owes has changed since this page was shown" in olga.get("/").text

    def test_what_waits_for_a_check_is_left_to_it(self, olga: Browser, cast: Cast, ben: Member) -> None:
        claim(cast, ben, 1)

        send(olga, "/money-in?q=Ben", "version", to="/money-in/all")

        assert (status_of(cast, ben, 1), status_of(cast, ben, 2)) == ("member_confirmed", "confirmed")
        assert [one.amount_minor for one in receipts(cast)] == [299]

    def test_each_currency_has_its_own_button(self, olga: Browser, cast: Cast, ben: Member) -> None:
        join_again(cast, cast.group("Manga", "1200", currency="JPY"), "Ben")

        shown = olga.get("/money-in?q=Ben").text

        assert shown.count("/money-in/all") == 2
        assert "1,200\xa0JP¥" in shown


def test_a_persons_page_records_money_of_that_person(olga: Browser, cast: Cast, ben: Member) -> None:
    for name in ("Ben", "Mia"):
        page = olga.get(f"/people/{contact_named(cast, name).public_id}").text
        address = unescape(page.split('href="/money-in?')[1].split('"')[0])

        assert (
            fill(olga.get(f"/money-in?{address}").text, "account")["account"]
            == (url_of(cast, name).partition("=")[2])
        )


def test_the_sum_owed_is_filled_in_and_what_it_settles_is_shown(
    olga: Browser, cast: Cast, ben: Member
) -> None:
    shown = olga.get(unescape(_link_to(olga.get("/money-in").text, "Ben"))).text

    assert fill(shown, "amount")["amount"] == "5.98"
    assert fill(shown, "amount")["received_on"] == "2026-03-01"
    assert shown.index("YouTube Premium, February 2026") < shown.index("YouTube Premium, March 2026")


def test_booking_settles_oldest_first_and_tells_the_member(olga: Browser, cast: Cast, ben: Member) -> None:
    answer = send(olga, url_of(cast), "amount", to="/money-in", act="record", amount="4,00", note="Cash")

    assert (answer.status_code, answer.location) == (303, "/money-in")
    assert (status_of(cast, ben, 1), cast.payment_of(ben, 2).received_minor) == ("confirmed", 101)
    assert answers_to(cast, ben) == ["part_received"]
    shown = olga.get("/money-in").text
    assert "4.00\xa0€ from Ben is booked." in shown
    assert "Cash" in shown


def test_more_than_owed_is_credit_and_can_be_kept_for_a_group(olga: Browser, cast: Cast, ben: Member) -> None:
    group = fill(olga.get(url_of(cast)).text, "group")
    youtube = olga.get(url_of(cast)).text.split('">YouTube Premium</option>')[0].rpartition('value="')[2]
    assert group["group"] == ""

    send(olga, url_of(cast), "amount", to="/money-in", act="record", amount="10", group=youtube)

    (receipt,) = receipts(cast)
    assert (receipt.amount_minor, receipt.group_id) == (1000, ben.group_id)
    assert "4.02\xa0€ credit" in olga.get("/money-in").text


@pytest.mark.usefixtures("ben")
def test_a_preview_books_nothing_and_keeps_what_was_typed(olga: Browser, cast: Cast) -> None:
    before = events(cast)

    answer = send(olga, url_of(cast), "amount", to="/money-in", act="preview", amount="7", note="From dad")

    assert answer.status_code == 200
    assert "From dad" in answer.text
    assert "1.02\xa0€" in answer.text
    assert events(cast) == before


@pytest.mark.usefixtures("ben")
def test_a_second_tap_books_nothing_more(olga: Browser, cast: Cast) -> None:
    fields = fill(olga.get(url_of(cast)).text, "amount") | {"act": "record", "note": "Once"}
    olga.client.post("/money-in", data=fields)

    answer = olga.client.post("/money-in", data=fields)

    assert answer.status_code == 422
    assert "Something was booked for this person" in answer.text
    assert "Once" in answer.text
    assert len(receipts(cast)) == 1


@pytest.mark.only_sqlite
@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("amount", "", "Enter an amount above zero"),
        ("amount", "0", "Enter an amount above zero"),
        ("amount", "-4", "cannot be negative"),
        ("amount", "1.234", "can be read in two ways"),
        ("amount", "9" * 20, "too large"),
        ("received_on", "yesterday", "Write the day as"),
    ],
)
def test_what_cannot_be_read_is_said_beside_the_field(
    olga: Browser, cast: Cast, field: str, typed: str, sentence: str
) -> None:
    answer = send(olga, url_of(cast), "amount", to="/money-in", act="record", note="kept", **{field: typed})

    assert answer.status_code == 422
    assert f'id="{field}-error-1"' in answer.text
    assert sentence in answer.text
    assert "kept" in answer.text
    assert receipts(cast) == []


def test_money_that_came_can_be_undone_at_once(
    olga: Browser, cast: Cast, ben: Member, clock: TurnableClock
) -> None:
    send(olga, url_of(cast), "amount", to="/money-in", act="record")
    page = olga.get("/money-in").text
    undo = page[page.index("/decisions/") :].partition('"')[0]
    clock.turn(timedelta(seconds=5))

    press(olga, "/groups", undo, next="/money-in")

    assert status_of(cast, ben) == "pending"
    assert receipts(cast) == []


def test_a_receipt_is_voided_with_a_reason(olga: Browser, cast: Cast, ben: Member) -> None:
    send(olga, url_of(cast), "amount", to="/money-in", act="record")
    (receipt,) = receipts(cast)
    to = f"/money-in/receipts/{receipt.public_id}/void"

    assert press(olga, "/money-in", to, reason=" ").status_code in (303, 422)
    assert len(receipts(cast)) == 1

    press(olga, "/money-in", to, reason="It bounced")

    assert receipts(cast) == []
    assert (status_of(cast, ben, 1), status_of(cast, ben, 2)) == ("pending", "pending")
    assert "It bounced" in olga.get("/money-in").text


def test_credit_settles_when_asked(olga: Browser, cast: Cast, ben: Member) -> None:
    attempt = claim(cast, ben, 1, 2)
    cast.do(
        record_receipt,
        cast.workspace_id,
        contact_id=ben.contact_id,
        payer_id=cast.olga_contact,
        amount=money("9.00"),
        payment_ids=[],
        by=cast.olga,
        now=NOW,
    )
    send(olga, "/review", "reason", to=f"/review/{attempt.public_id}/reject", reason="By credit")

    press(olga, url_of(cast), "/money-in/credit", account=url_of(cast).partition("=")[2])

    assert (status_of(cast, ben, 1), status_of(cast, ben, 2)) == ("confirmed", "confirmed")


def test_statements_do_not_grow_with_people_and_receipts(
    olga: Browser, runtime: Runtime, cast: Cast, ben: Member
) -> None:
    with counted(runtime) as few:
        olga.get("/money-in")
    for name in ("Theo", "Noor"):
        join_again(cast, cast.group(f"For {name}"), name)
    send(olga, url_of(cast), "amount", to="/money-in", act="record", amount="1")
    send(olga, url_of(cast), "amount", to="/money-in", act="record", amount="1")
    with counted(runtime) as many:
        olga.get("/money-in")

    assert len(many) <= len(few) + 1
    assert len(few) <= 14


def test_zed_books_nothing_for_olgas_people(
    app: Flask, runtime: Runtime, cast: Cast, olga: Browser, ben: Member
) -> None:
    send(olga, url_of(cast), "amount", to="/money-in", act="record", amount="9")
    (receipt,) = receipts(cast)
    zed = stranger(app, runtime)
    account = url_of(cast).partition("=")[2]

    assert "Ben" not in zed.get("/money-in").text
    assert zed.get(url_of(cast)).status_code == 404
    assert press(zed, "/profile", "/money-in/all", account=account).status_code == 404
    assert press(zed, "/profile", "/money-in", account=account, amount="5", act="record").status_code == 404
    assert press(zed, "/profile", "/money-in/credit", account=account).status_code == 404
    to = f"/money-in/receipts/{receipt.public_id}/void"
    assert press(zed, "/profile", to, reason="Mine").status_code == 404
    assert len(receipts(cast)) == 1


def test_reference_off_the_statement_leads_to_the_payment(olga: Browser, cast: Cast, ben: Member) -> None:
    payment = cast.payment_of(ben)
    typed = f"{payment.reference[:3].lower()}-{payment.reference[3:]} "

    found = olga.get(f"/payments?reference={typed}")

    assert found.headers["Location"] == f"/payments/{payment.public_id}"


class TestSeveralReferences:
    """What a member with several open shares is told to write, as it stands on a statement."""

    def test_lead_to_the_persons_money_with_their_sum_offered(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        join_again(cast, cast.group("Spotify", "5.98"), "Ben")
        first, second = cast.payment_of(ben, 1).reference, cast.payment_of(ben, 2).reference

        found = olga.get(f"/payments?reference=SEPA {first.lower()}/{second} 5.98")

        shown = olga.get(found.headers["Location"]).text
        assert found.headers["Location"].startswith(url_of(cast))
        assert fill(shown, "amount")["amount"] == "5.98"

    def test_are_settled_before_what_is_older(self, olga: Browser, cast: Cast, ben: Member) -> None:
        other = join_again(cast, cast.group("Spotify", "5.98", starts_on=date(2026, 1, 1)), "Ben")
        codes = f"{cast.payment_of(ben, 1).reference} {cast.payment_of(ben, 2).reference}"
        page = olga.get(f"/payments?reference={codes}").headers["Location"]

        send(olga, page, "amount", to="/money-in", act="record")

        assert (status_of(cast, ben, 1), status_of(cast, ben, 2)) == ("confirmed", "confirmed")
        assert status_of(cast, other) == "pending"

    def test_leave_what_else_is_owed_to_a_rest(self, olga: Browser, cast: Cast, ben: Member) -> None:
        codes = f"{cast.payment_of(ben, 1).reference} {cast.payment_of(ben, 2).reference}"
        page = olga.get(f"/payments?reference={codes}").headers["Location"]

        shown = send(olga, page, "amount", to="/money-in", act="preview", amount="7").text

        assert "It settles, what the reference names first" in shown
        assert "1.02\xa0€" in shown

    def test_one_that_is_settled_is_named_and_left_out(self, olga: Browser, cast: Cast, ben: Member) -> None:
        codes = [cast.payment_of(ben, sequence).reference for sequence in (1, 2)]
        cast.do(confirm_payment, cast.payment_of(ben, 1).id, by=cast.olga, now=NOW)

        found = olga.get(f"/payments?reference={' '.join(codes)}")
        shown = olga.get(found.headers["Location"]).text

        assert f"Nothing is open any more of {codes[0]}." in shown
        assert fill(shown, "amount")["amount"] == "2.99"

    def test_that_are_all_settled_lead_back(self, olga: Browser, cast: Cast, ben: Member) -> None:
        codes = [cast.payment_of(ben, sequence).reference for sequence in (1, 2)]
        for sequence in (1, 2):
            cast.do(confirm_payment, cast.payment_of(ben, sequence).id, by=cast.olga, now=NOW)

        found = olga.get(f"/payments?reference={' '.join(codes)}")

        assert found.headers["Location"] == f"/money-in?reference={'+'.join(codes)}"
        assert f"Nothing is open any more of {codes[0]} and {codes[1]}." in olga.get("/money-in").text

    def test_of_several_people_are_told_apart(self, olga: Browser, cast: Cast, ben: Member) -> None:
        of_ben = cast.payment_of(ben).reference
        mia = contact_named(cast, "Mia")
        of_mia = cast.payments(contact_id=mia.id)[0].reference

        found = olga.get(f"/payments?reference={of_ben} {of_mia}")

        said = olga.get(found.headers["Location"]).text
        assert f"find one at a time: {of_ben} of Ben and {of_mia} of Mia." in said

    def test_a_code_that_nobody_has_is_named(self, olga: Browser, cast: Cast, ben: Member) -> None:
        payment = cast.payment_of(ben)

        found = olga.get(f"/payments?reference={payment.reference} 222222")

        assert found.headers["Location"] == f"/payments/{payment.public_id}"
        assert "No payment has the reference 222222." in olga.get("/money-in").text


def test_a_reference_is_found_amid_what_the_bank_wrote(olga: Browser, cast: Cast, ben: Member) -> None:
    payment = cast.payment_of(ben)

    found = olga.get(f"/payments?reference=RF {payment.reference} 2.99")

    assert found.headers["Location"] == f"/payments/{payment.public_id}"


class TestSumInTheLine:
    """What a bank wrote as the sum that came."""

    DIFFERS = "The line says 62.40\xa0€; what it names takes 5.98\xa0€."

    def line_of(self, cast: Cast, ben: Member, rest: str) -> str:
        codes = f"{cast.payment_of(ben, 1).reference}%20{cast.payment_of(ben, 2).reference}"
        return f"/payments?reference=07.12.2026%20SEPA%20{codes}%20Dez.%20{rest}"

    def test_is_the_sum_that_is_offered(self, olga: Browser, cast: Cast, ben: Member) -> None:
        page = olga.get(self.line_of(cast, ben, "62,40%20EUR")).headers["Location"]

        shown = olga.get(page).text

        assert fill(shown, "amount")["amount"] == "62.40"
        assert self.DIFFERS in shown
        assert "56.42\xa0€" in shown  # becomes credit
        send(olga, page, "amount", to="/money-in", act="record")
        assert [receipt.amount_minor for receipt in receipts(cast)] == [6240]

    def test_of_what_the_payments_take_nothing_is_said(self, olga: Browser, cast: Cast, ben: Member) -> None:
        shown = olga.get(olga.get(self.line_of(cast, ben, "5,98%20EUR")).headers["Location"]).text

        assert fill(shown, "amount")["amount"] == "5.98"
        assert "The line says" not in shown

    def test_among_several_is_not_guessed(self, olga: Browser, cast: Cast, ben: Member) -> None:
        shown = olga.get(
            olga.get(self.line_of(cast, ben, "62,40%20EUR%205,00%20EUR")).headers["Location"]
        ).text

        assert fill(shown, "amount")["amount"] == "5.98"

    def test_that_one_payment_does_not_take_leads_to_money_in(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        found = olga.get(f"/payments?reference={cast.payment_of(ben).reference} 5,00 EUR")

        shown = olga.get(found.headers["Location"]).text
        assert fill(shown, "amount")["amount"] == "5.00"
        assert "The line says 5.00\xa0€; what it names takes 2.99\xa0€." in shown


def test_unknown_or_foreign_reference_leads_back_with_a_sentence(
    olga: Browser, app: Flask, runtime: Runtime, cast: Cast, ben: Member
) -> None:
    reference = cast.payment_of(ben).reference

    for browser, typed in ((olga, "222222"), (stranger(app, runtime), reference)):
        answer = browser.get(f"/payments?reference={typed}")
        assert answer.headers["Location"] == f"/money-in?reference={typed}"
        assert f'name="reference" value="{typed}"' in browser.get(answer.headers["Location"]).text


@pytest.mark.usefixtures("ben")
def test_the_day_that_is_offered_is_taken_wherever_its_reader_lives(
    olga: Browser, cast: Cast, clock: TurnableClock
) -> None:
    cast.do(edit_contact, cast.olga_contact, time_zone="Pacific/Auckland", by=cast.olga, now=NOW)
    clock.turn(timedelta(hours=5))
    booked = send(olga, url_of(cast), "amount", to="/money-in", act="record")

    assert booked.status_code == 303
    assert [receipt.received_on for receipt in receipts(cast)] == [date(2026, 3, 1)]
