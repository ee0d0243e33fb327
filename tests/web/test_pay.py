"""Claims about the member's page: what one press does, and that looking does nothing."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from flask import Flask
from sqlalchemy import select, update

from substrack.bootstrap import ROOT, Runtime
from substrack.domain.actors import Actor
from substrack.domain.pay_methods import pay_method
from substrack.domain.shares import SplitKind
from substrack.queries.undoing import correction_to_undo
from substrack.services.bill_undo import take_back_bill
from substrack.services.claims import claim_payments
from substrack.services.links import revoke_pay_link
from substrack.services.members import leave_group
from substrack.services.payments import adjust_payment, confirm_payment, reject_payment, waive_payment
from substrack.services.people import add_contact
from substrack.services.periods import edit_period
from substrack.services.receipts import record_receipt, void_receipt
from substrack.services.voiding import restore_period, void_period
from substrack.store import Group, Member, Payment, Period, Receipt
from substrack.texts import catalogue
from tests.support.cast import Cast, at, make_cast, money
from tests.web.forms import counted, fill
from tests.web.paying import NOW, Page, attempts, everything, page_of
from tests.web.support import TurnableClock

BANK = pay_method("iban", {"iban": "DE89370400440532013000", "holder": "Olga O."})
LINK = pay_method("link", {"url": "https://pay.example/{amount}/{reference}"})


@pytest.fixture
def cast(runtime: Runtime, clock: TurnableClock) -> Cast:
    clock.now = NOW
    return make_cast(runtime)


@pytest.fixture
def youtube(cast: Cast) -> Group:
    return cast.group("YouTube Premium", "17.99", pay_methods=(LINK, BANK))


@pytest.fixture
def ben(cast: Cast, youtube: Group) -> Member:
    """Ben, who owes 6.00 since today; so does mia."""
    ben = cast.join(youtube, "Ben")
    cast.join(youtube, "Mia")
    cast.tick(NOW)
    return ben


class TestLooking:
    def test_it_shows_what_is_owed_preticked_with_reference_and_ways_to_pay(
        self, page: Page, owed: Payment
    ) -> None:
        shown = page.show()

        assert shown.status_code == 200
        assert "One more tap and Olga knows" in shown.text
        assert f'value="{owed.public_id}" checked' in shown.text
        assert "YouTube Premium, February 2026" in shown.text
        assert "6.00\xa0€" in shown.text
        assert "due 1 Feb 2026" in shown.text
        assert f"https://pay.example/6.00/{owed.reference}" in shown.text
        assert "DE89 3704 0044 0532 0130 00" in shown.text

    @pytest.mark.usefixtures("owed")
    def test_looking_changes_nothing_not_even_the_links_life(self, page: Page, runtime: Runtime) -> None:
        before = everything(runtime)

        for method in ("GET", "HEAD"):
            page.browser.client.open(page.url, method=method)

        assert everything(runtime) == before

    def test_it_reads_no_cookie_so_an_admin_who_looks_leaves_no_trace(
        self, page: Page, cast: Cast, runtime: Runtime, clock: TurnableClock
    ) -> None:
        assert cast.olga.id is not None
        page.browser.sign_in(runtime, cast.olga.id)
        clock.turn(timedelta(hours=2))
        before = everything(runtime)

        page.show()

        assert everything(runtime) == before

    @pytest.mark.only_sqlite
    def test_it_sets_no_cookie_and_keeps_out_of_caches_logs_and_search(self, page: Page) -> None:
        shown = page.show()

        assert "Set-Cookie" not in shown.headers
        assert shown.headers["Referrer-Policy"] == "no-referrer"
        assert shown.headers["Cache-Control"] == "no-store"
        assert "noindex" in shown.headers["X-Robots-Tag"]

    @pytest.mark.only_sqlite
    def test_fields_and_refusals_are_in_the_language_of_the_page(
        self, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        british = {
            "Day you paid": "Date of payment",
            "next week": "week next",
            "Tick at least one of these first.": "Choose one first.",
        }
        _translate(tmp_path, "en_GB", british)
        monkeypatch.setattr(catalogue, "DIRECTORY", tmp_path)
        catalogue._translations.cache_clear()
        try:
            shown = page.browser.get(f"{page.url}?language=en_GB").text
            refused = page.browser.client.post(f"{page.url}?language=en_GB", data={"act": "claim"}).text
        finally:
            catalogue._translations.cache_clear()

        assert "Date of payment" in shown
        assert "Day you paid" not in shown
        assert "week next" in shown
        assert "Choose one first." in refused

    @pytest.mark.only_sqlite
    def test_the_first_form_is_inert_and_no_script_is_inline(self, page: Page) -> None:
        forms = re.findall(r"<form [^>]*>", page.show().text)

        assert 'method="get"' in forms[0]
        assert all('method="post"' in form for form in forms[1:])
        assert not re.search(r"<script[^>]*>[^<]", page.show().text)

    @pytest.mark.only_sqlite
    def test_no_script_of_ours_sends_a_form(self) -> None:
        for script in (ROOT / "static/js").glob("*.js"):
            assert not re.search(r"\b(requestSubmit|submit)\(", script.read_text("utf-8")), script.name

    @pytest.mark.only_sqlite
    def test_nothing_stands_between_the_bill_and_the_two_buttons(self, page: Page) -> None:
        shown = page.show().text
        main = shown[shown.index('class="pay-form"') :]

        buttons = re.findall(r'<button type="submit" class="([^"]+)" name="act" value="([^"]+)"', main)

        assert buttons[:2] == [("btn btn-choice", "claim"), ("btn btn-choice", "snooze")]
        assert main.index('value="snooze"') < main.index("<details")

    def test_statements_do_not_grow_with_what_is_owed(
        self, page: Page, cast: Cast, runtime: Runtime, youtube: Group
    ) -> None:
        with counted(runtime) as few:
            page.show()
        for name in ("Spotify", "Netflix", "Gym"):
            cast.join(cast.group(name), "Ben")
        cast.tick(NOW)
        cast.tick(at("2026-03-01"))
        with counted(runtime) as many:
            assert page.show().text.count('name="payment" value') > 4
        assert len(many) == len(few) <= 14

    def test_settled_people_read_that_nothing_is_owed(self, page: Page, cast: Cast, owed: Payment) -> None:
        cast.do(confirm_payment, owed.id, received_on=date(2026, 1, 31), by=cast.olga, now=NOW)

        shown = page.show().text

        assert "Nothing to pay right now" in shown
        assert "6.00\xa0€ received on 31 Jan 2026" in shown
        assert 'value="claim"' not in shown

    def test_what_was_decided_is_told_with_its_reason(self, page: Page, cast: Cast, owed: Payment) -> None:
        contact = owed.contact_id
        cast.do(claim_payments, contact, [owed.id], by=Actor.contact(contact), now=NOW)
        cast.do(reject_payment, owed.id, reason="No money <yet>", by=cast.olga, now=NOW)
        assert "not confirmed: “No money &lt;yet&gt;”" in page.show().text
        cast.do(waive_payment, owed.id, reason="Birthday", by=cast.olga, now=NOW)
        assert "nothing to pay: “Birthday”" in page.show().text

    def test_a_correction_is_told_with_its_reason(self, page: Page, cast: Cast, owed: Payment) -> None:
        reason = "Only <half> the month"
        cast.do(adjust_payment, owed.id, amount=money("5.00"), reason=reason, by=cast.olga, now=NOW)
        assert "corrected to 5.00\xa0€: “Only &lt;half&gt; the month”" in page.show().text

    def test_money_that_bounced_is_neither_a_correction_nor_received(
        self, page: Page, cast: Cast, owed: Payment
    ) -> None:
        for amount in ("1.00", "2.00"):
            cast.do(confirm_payment, owed.id, amount=money(amount), by=cast.olga, now=NOW)
        receipt_id = cast.read(
            lambda session: session.scalars(select(Receipt.id).order_by(Receipt.id.desc()).limit(1)).one()
        )
        cast.do(void_receipt, receipt_id, reason="bounced", by=cast.olga, now=NOW)
        shown = page.show().text
        assert "corrected to" not in shown
        assert "2.00\xa0€ received" not in shown
        assert "1.00\xa0€ received" in shown

    def test_what_was_taken_back_is_told(self, page: Page, owed: Payment) -> None:
        page.press("claim", owed)
        page.press("withdraw", owed)
        assert "“I’ve paid” taken back" in page.show().text

    def test_credit_is_shown(self, page: Page, cast: Cast, owed: Payment) -> None:
        cast.do(
            record_receipt,
            cast.workspace_id,
            contact_id=owed.contact_id,
            payer_id=cast.olga_contact,
            amount=money("10.00"),
            by=cast.olga,
            now=NOW,
        )
        assert "Your credit" in page.show().text
        assert "4.00\xa0€" in page.show().text

    @pytest.mark.only_sqlite
    def test_who_has_left_is_not_told_that_anybody_asks(
        self, page: Page, cast: Cast, ben: Member, owed: Payment
    ) -> None:
        cast.do(leave_group, ben.id, left_on=NOW.date(), by=cast.olga, now=NOW)
        left = "You have left; nobody asks you for this any more. It stays open until Olga has decided."

        shown = page.show().text
        assert left in shown
        assert "<h1>This is still open</h1>" in shown
        assert "asks you for 6.00" not in shown
        assert 'value="claim"' in shown
        assert 'value="snooze"' not in shown
        assert 'name="until"' not in shown
        page.press("snooze", owed, until="days")
        assert "no reminder before" not in page.show().text
        assert "not reminded before" not in page.show().text

        cast.join(cast.group("Netflix", "12.00"), "Ben")
        cast.tick(NOW)
        shown = page.show().text
        assert shown.count(left) == 1
        assert "One more tap and Olga knows" in shown
        assert "<h1>Olga asks you for 6.00\xa0€</h1>" in shown  # of Netflix, not of what he has left
        assert 'value="snooze"' in shown

    @pytest.mark.only_sqlite
    def test_nobody_counts_days_before_anything_was_asked_for(
        self, page: Page, cast: Cast, clock: TurnableClock, owed: Payment
    ) -> None:
        clock.turn(timedelta(days=2))
        assert "It was due 1 Feb 2026. Paid?" in page.show().text

        with cast.runtime.transaction() as session:
            session.execute(update(Payment).values(requested_on=date(2026, 2, 3)))
        assert "<strong>It was due 2 days ago, 1 Feb 2026.</strong> Paid?" in page.show().text

    @pytest.mark.only_sqlite
    def test_a_language_can_be_chosen_and_stays(self, page: Page, owed: Payment) -> None:
        page.url += "?language=en_US"

        assert '<html lang="en-US">' in page.show().text
        assert page.press("claim", owed).location.endswith("?language=en_US&said=paid")


class TestSaying:
    def test_one_press_claims_all_and_the_page_says_so(self, page: Page, cast: Cast, owed: Payment) -> None:
        answer = page.press("claim", owed, note="Thanks!", method="PayPal", paid_on="2026-01-31")

        assert (answer.status_code, answer.location) == (303, f"{page.url}?said=paid")
        (attempt,) = attempts(cast)
        assert (attempt.note, attempt.method, attempt.paid_on) == ("Thanks!", "PayPal", date(2026, 1, 31))
        shown = page.show().text
        assert "Olga has been told" in shown
        assert "Waiting for Olga to check" in shown
        assert "Thanks!" in shown

    @pytest.mark.only_sqlite
    def test_the_thanks_answer_the_press_and_nothing_else(
        self, page: Page, cast: Cast, owed: Payment, clock: TurnableClock
    ) -> None:
        member = cast.join(cast.group("Netflix", "12.00"), "Ben")
        cast.tick(NOW)
        other = cast.payment_of(member)

        answer = page.press("claim", owed)
        shown = page.browser.get(answer.location).text

        assert "Thank you. Olga has been told." in shown
        assert "<h1>This is still open</h1>" in shown
        assert "One more tap" not in shown
        assert "Thank you" not in page.show().text
        assert "<h1>This is still open</h1>" in page.show().text
        for act, payment in (("snooze", other), ("withdraw", owed)):
            pressed = page.press(act, payment, until="days")
            assert "Thank you" not in page.browser.get(pressed.location).text
        assert "One more tap" in page.show().text
        page.press("claim", owed)
        clock.turn(timedelta(minutes=6))
        assert "Thank you" not in page.browser.get(answer.location).text

    def test_a_second_press_changes_nothing_and_is_as_calm(
        self, page: Page, cast: Cast, owed: Payment
    ) -> None:
        page.press("claim", owed)

        answer = page.press("claim", owed)

        assert answer.status_code == 303
        assert len(attempts(cast)) == 1

    def test_a_claim_can_be_taken_back(self, page: Page, cast: Cast, owed: Payment) -> None:
        page.press("claim", owed)

        page.press("withdraw", owed)

        assert cast.payments(id=owed.id)[0].status == "pending"
        assert "One more tap" in page.show().text

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("until", "day"), [("days", "2026-02-04"), ("week", "2026-02-02"), ("first", "2026-03-01")]
    )
    def test_not_yet_rests_until_a_day(
        self, page: Page, cast: Cast, owed: Payment, until: str, day: str
    ) -> None:
        page.press("snooze", owed, until=until)

        assert cast.payments(id=owed.id)[0].snoozed_until == date.fromisoformat(day)
        assert "no reminder before" in page.show().text

    @pytest.mark.only_sqlite
    def test_not_yet_is_answered_above_what_is_asked(
        self, page: Page, cast: Cast, ben: Member, owed: Payment
    ) -> None:
        cast.join(cast.group("Netflix", "12.00"), "Ben")
        cast.tick(NOW)
        answered = page.press("snooze", owed, until="days")

        told = "All right, later. You are not reminded before 4 February 2026."
        assert answered.headers["Location"].endswith("said=later")
        top = page.browser.get(answered.headers["Location"]).text.partition("<h1>")[0]
        assert told in top
        assert told not in page.show().text  # of Netflix they are asked all the same

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("until", ["days", "week", "first"])
    @pytest.mark.parametrize("later", [timedelta(0), timedelta(days=1)])
    def test_a_second_not_yet_shortens_nothing(
        self,
        page: Page,
        cast: Cast,
        owed: Payment,
        clock: TurnableClock,
        until: str,
        later: timedelta,
    ) -> None:
        page.press("snooze", owed, until=until)
        rests_until = cast.payments(id=owed.id)[0].snoozed_until
        assert rests_until is not None
        if later and rests_until <= (NOW + later).date():
            return  # it is over by then
        clock.turn(later)

        shown = page.show().text
        page.browser.client.post(page.url, data=fill(shown, "until") | {"act": "snooze"})

        assert cast.payments(id=owed.id)[0].snoozed_until == rests_until
        page.press("snooze", owed, until="days")
        assert cast.payments(id=owed.id)[0].snoozed_until == (NOW + later).date() + timedelta(days=3)

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("typed", ["2020-01-01", "2026-02-30", "soon"])
    def test_a_day_that_is_none_or_over_rests_three_days(
        self, page: Page, cast: Cast, owed: Payment, typed: str
    ) -> None:
        page.press("snooze", owed, until=typed)

        assert cast.payments(id=owed.id)[0].snoozed_until == NOW.date() + timedelta(days=3)

    @pytest.mark.only_sqlite
    def test_a_day_too_far_ahead_is_refused_beside_the_list(
        self, page: Page, cast: Cast, owed: Payment
    ) -> None:
        refused = page.press("snooze", owed, until="2027-01-01")

        assert refused.status_code == 422
        assert "Choose a day up to" in refused.text
        assert cast.payments(id=owed.id)[0].snoozed_until is None

    def test_something_off_reaches_the_admin_and_is_shown(
        self, page: Page, cast: Cast, owed: Payment
    ) -> None:
        page.press("object", owed, text="I left in <January>")

        assert "objection" in cast.notices_to(cast.olga_contact)
        assert "You wrote: “I left in &lt;January&gt;”" in page.show().text

    def test_the_only_thing_that_can_be_off_is_named(self, page: Page, owed: Payment) -> None:
        form = page.show().text.partition("Something’s off?")[2].partition("</form>")[0]

        assert "About: YouTube Premium, " in form
        assert form.index("About: ") < form.index("<textarea")

    def test_payments_in_two_currencies_become_two_attempts(
        self, page: Page, cast: Cast, owed: Payment
    ) -> None:
        manga = cast.group("Manga", "1200", currency="JPY")
        other = cast.join(manga, "Ben")
        cast.tick(NOW)

        page.press("claim", owed, cast.payment_of(other))

        assert [(one.amount_minor, one.currency) for one in attempts(cast)] == [(600, "EUR"), (600, "JPY")]


class TestCutOffLinks:
    def test_a_slash_at_the_end_changes_nothing(self, page: Page, owed: Payment) -> None:
        page.url += "/"
        assert 'value="claim"' in page.show().text
        assert page.press("claim", owed).status_code == 303

    @pytest.mark.only_sqlite
    def test_under_the_path_of_the_base_url_a_press_leads_back_there(self, page: Page, owed: Payment) -> None:
        answer = page.browser.client.post(
            page.url,
            data={"act": "claim", "payment": owed.public_id},
            environ_overrides={"SCRIPT_NAME": "/money"},
        )
        assert answer.location == f"/money{page.url}?said=paid"

    @pytest.mark.only_sqlite
    def test_a_cut_off_link_with_a_slash_is_calmly_dead(self, page: Page) -> None:
        page.url = "/pay/abc/"
        assert page.show().status_code == 404
        assert "This link no longer works" in page.show().text

    @pytest.mark.only_sqlite
    def test_no_mail_is_promised_for_a_link_nobody_knows(self, page: Page) -> None:
        page.url = "/pay/abc"
        assert "If we know this link" in page.press("fresh").text


class TestBadInput:
    def test_nothing_ticked_is_said_beside_the_bill(self, page: Page, cast: Cast, owed: Payment) -> None:
        answer = page.press("claim", note="kept")

        assert answer.status_code == 422
        assert "Tick at least one" in answer.text
        assert "kept" in answer.text
        assert f'value="{owed.public_id}">' in answer.text
        assert attempts(cast) == []

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("field", "typed", "sentence"),
        [
            ("amount", "1.234", "can be read in two ways"),
            ("amount", "-3", "cannot be negative"),
            ("amount", "0", "above zero"),
            ("amount", "3 USD", "This amount is in EUR"),
            ("paid_on", "31/01/2026", "Write the day as"),
            ("paid_on", "2026-05-01", "in the future"),
            ("method", "x" * 101, "keep it to 100"),
            ("note", "x" * 10_000, "keep it to 2,000"),
            ("note", "a\u202eb", "invisible control character"),
        ],
    )
    def test_a_wrong_detail_is_said_beside_its_field_and_all_is_kept(
        self, page: Page, cast: Cast, owed: Payment, field: str, typed: str, sentence: str
    ) -> None:
        details = {"amount": "5,50", "paid_on": "2026-01-30", "method": "Cash", "note": "Hello"}

        answer = page.press("claim", owed, **details | {field: typed})

        assert answer.status_code == 422
        assert re.search(rf'id="{field}-error-1">.*{sentence}', answer.text)
        assert '<details class="fold" open>' in answer.text
        for kept in (details | {field: typed}).values():
            assert kept in answer.text
        assert f'value="{owed.public_id}" checked' in answer.text
        assert attempts(cast) == []

    @pytest.mark.only_sqlite
    def test_an_empty_objection_says_so(self, page: Page, owed: Payment) -> None:
        answer = page.press("object", owed, text="  ")

        assert answer.status_code == 422
        assert "Write something here." in answer.text
        assert f'value="{owed.public_id}" checked' in answer.text

    @pytest.mark.only_sqlite
    def test_an_empty_objection_leaves_the_other_bills_ticked(
        self, page: Page, cast: Cast, ben: Member, owed: Payment
    ) -> None:
        music = cast.group("Spotify", "12.00")
        cast.join(music, "Ben")
        cast.tick(NOW)

        answer = page.press("object", owed, text="  ")

        assert answer.text.count(" checked>") == page.show().text.count(" checked>") == 2

    @pytest.mark.only_sqlite
    def test_the_fourth_claim_of_a_day_is_calmly_refused(self, page: Page, owed: Payment) -> None:
        for _time in range(3):
            page.press("claim", owed)
            page.press("withdraw", owed)

        answer = page.press("claim", owed)

        assert answer.status_code == 422
        assert "three times today" in answer.text

    def test_nobody_acts_on_what_is_not_theirs(self, page: Page, cast: Cast, owed: Payment) -> None:
        mias = next(
            payment for payment in cast.payments(kind="dues") if payment.contact_id != owed.contact_id
        )

        for act in ("claim", "snooze", "object", "withdraw"):
            answer = page.press(act, owed, mias, text="x", until="days")
            assert answer.status_code == 404
        assert attempts(cast) == []
        assert all(payment.status in ("pending", "confirmed") for payment in cast.payments())

    @pytest.mark.only_sqlite
    def test_a_button_that_is_not_there_does_nothing(self, page: Page, cast: Cast, owed: Payment) -> None:
        assert page.press("confirm", owed).status_code == 400
        assert cast.payments(id=owed.id)[0].status == "pending"


class TestDeadLinks:
    def test_mangled_expired_revoked_and_foreign_links_get_the_same_page(
        self, page: Page, runtime: Runtime, clock: TurnableClock, cast: Cast, owed: Payment
    ) -> None:
        mangled = [page.browser.get(path) for path in (page.url[:-2] + "xx", "/pay/x", "/pay/" + "x" * 4000)]
        clock.turn(timedelta(days=14))
        expired = page.show()
        clock.now = NOW
        cast.do(revoke_pay_link, owed.contact_id, now=NOW)
        revoked = page.show()
        said = page.press("claim", owed)

        answers = [*mangled, expired, revoked, said]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.data for answer in answers}) == 1
        assert "Send me a fresh link" in revoked.text
        assert attempts(cast) == []

    def test_a_fresh_link_goes_to_the_address_on_file_once_an_hour(
        self, page: Page, cast: Cast, clock: TurnableClock, ben: Member
    ) -> None:
        clock.turn(timedelta(days=15))

        answers = [page.press("fresh"), page.press("fresh")]
        assert cast.notices_to(ben.contact_id).count("fresh_link") == 1
        clock.turn(timedelta(hours=1))
        answers.append(page.press("fresh"))
        assert cast.notices_to(ben.contact_id).count("fresh_link") == 2

        page.url = "/pay/nobody"
        answers.append(page.press("fresh"))
        assert len({(answer.status_code, answer.data) for answer in answers}) == 1


def _translate(folder: Path, locale: str, messages: dict[str, str]) -> None:
    written = Catalog(locale=locale)
    for english, words in messages.items():
        written.add(english, words)
    with (folder / f"{locale}.po").open("wb") as file:
        write_po(file, written)


@pytest.mark.only_sqlite
def test_whoever_chose_no_language_reads_in_the_browsers(app: Flask, page: Page, cast: Cast) -> None:
    german = app.test_client().get(page.url, headers={"Accept-Language": "de-AT,de;q=0.9"})
    other = app.test_client().get(page.url, headers={"Accept-Language": "xx"})

    assert '<html lang="de">' in german.text
    assert '<html lang="en">' in other.text


def test_a_claim_of_a_period_that_became_void_stays_in_the_history(
    page: Page, cast: Cast, owed: Payment
) -> None:
    page.press("claim", owed)
    cast.do(void_period, owed.period_id, reason="a free month", by=cast.olga, now=NOW)

    shown = page.show().text

    assert "Nothing to pay right now" in shown
    assert "you said that you paid; then it was taken back, nothing to pay: “a free month”" in shown


class TestAPayerWhoKeepsNoBooks:
    """Mia gets the money for the phone; Olga administers, and it is she who hears of it."""

    @pytest.fixture
    def owing(self, app: Flask, runtime: Runtime, cast: Cast) -> tuple[Page, Payment]:
        mia = cast.do(add_contact, cast.workspace_id, name="Mia", by=cast.olga, now=NOW)
        ben = cast.join(cast.group("Phone", payer_id=mia.id), "Ben")
        cast.tick(NOW)
        return page_of(app, runtime, cast, ben.contact_id), cast.payment_of(ben)

    def test_before_the_press(self, owing: tuple[Page, Payment]) -> None:
        shown = owing[0].show().text
        assert "Mia asks you for" in shown
        assert "One more tap and Olga knows." in shown
        assert "Olga reads this; reminders for it rest" in shown

    def test_after_the_press(self, owing: tuple[Page, Payment]) -> None:
        page, payment = owing
        page.press("claim", payment)
        shown = page.show().text
        assert "Waiting for Olga to check" in shown
        assert "to Mia. Olga has been told and will check." in shown

    def test_after_a_note(self, owing: tuple[Page, Payment]) -> None:
        page, payment = owing
        page.press("object", payment, text="Not mine")
        shown = page.show().text
        assert "You wrote to Olga about" in shown
        assert "Olga was told; no reminders until" in shown


def test_what_counts_again_says_so_in_the_history(page: Page, cast: Cast, owed: Payment) -> None:
    cast.do(confirm_payment, owed.id, by=cast.olga, now=NOW)
    cast.do(void_period, owed.period_id, reason="a free month", by=cast.olga, now=NOW)
    cast.do(restore_period, owed.period_id, by=cast.olga, now=NOW)

    shown = page.show().text

    again, void = "it counts again, and ", "taken back, nothing to pay: “a free month”"
    assert "of your credit is used for it" in shown
    assert shown.index(again) < shown.index(void)


def test_what_was_asked_for_and_counts_again_says_so_in_the_history(
    page: Page, cast: Cast, owed: Payment
) -> None:
    cast.tick(NOW + timedelta(days=4))
    cast.send(NOW + timedelta(days=4))
    later: dict[str, Any] = {"by": cast.olga, "now": NOW + timedelta(days=5)}
    cast.do(void_period, owed.period_id, reason="a free month", **later)
    cast.do(restore_period, owed.period_id, **later)

    shown = page.show().text

    assert shown.index("it counts again") < shown.index("taken back, nothing to pay: “a free month”")


def test_what_nobody_heard_of_being_void_does_not_count_again_either(
    page: Page, cast: Cast, owed: Payment
) -> None:
    cast.do(void_period, owed.period_id, reason="opened twice", by=cast.olga, now=NOW)
    cast.do(restore_period, owed.period_id, by=cast.olga, now=NOW)

    shown = page.show().text

    assert "it counts again" not in shown
    assert "taken back" not in shown


def test_a_bill_that_was_taken_back_is_not_told(app: Flask, runtime: Runtime, cast: Cast) -> None:
    group = cast.group("Phone", split=SplitKind.VARIABLE)
    mia = cast.join(group, "Mia")
    by_olga: dict[str, Any] = {"by": cast.olga, "now": NOW}
    who = {"contact_id": mia.contact_id, "payer_id": cast.olga_contact}
    cast.do(record_receipt, cast.workspace_id, **who, amount=money("4.00"), **by_olga)
    cast.tick(NOW)
    period_id = cast.read(
        lambda session: session.scalars(select(Period.id).where(Period.group_id == group.id)).one()
    )
    cast.do(edit_period, period_id, total=money("300.00"), **by_olga)
    entered = cast.read(lambda session: correction_to_undo(session, period_id))
    assert cast.do(take_back_bill, entered, **by_olga)
    cast.do(edit_period, period_id, total=money("30.00"), **by_olga)

    shown = page_of(app, runtime, cast, mia.contact_id).show().text

    assert "taken back" not in shown
    assert "became your credit" not in shown

    later_on = NOW + timedelta(minutes=3)
    cast.do(void_period, period_id, reason="no bill came", by=cast.olga, now=later_on)
    later = page_of(app, runtime, cast, mia.contact_id).show().text
    assert later.count("taken back, nothing to pay: “no bill came”") == 1
    assert "“”" not in later
