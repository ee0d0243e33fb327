"""Claims about the pages of groups: the form and what it foretells, the group's page, and whole groups."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.domain.pay_methods import pay_method
from substrack.domain.shares import SplitKind
from substrack.services.claims import claim_payments
from substrack.services.payments import confirm_payment, waive_payment
from substrack.store import Address, Contact, Group, Member, Payment, PayMethod, Price
from tests.support.cast import Cast, money
from tests.web.admin import contact_named, events, group_of, period, stranger
from tests.web.forms import apply, counted, fill, press, send
from tests.web.support import NOW, Browser, TurnableClock

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

TYPED = {
    "name": "Netflix",
    "price": "19,99",
    "starts_on": "2026-03-05",
    "people": "Ann <ann@example.org>, Bob\nCem; dia@example.org",
}


class TestSettingUp:
    def test_the_form_with_defaults_makes_a_group_with_its_people(self, cast: Cast, olga: Browser) -> None:
        answer = send(olga, "/groups/new", "price", **TYPED)

        group = group_of(cast, "Netflix")
        assert (answer.status_code, answer.location) == (303, f"/groups/{group.public_id}")
        assert (group.currency, group.billing_day, group.time_zone) == ("EUR", 5, "Europe/Berlin")
        assert group.payer_id == cast.olga_contact
        shown = olga.get(f"{answer.location}/members").text
        for name in ("Ann", "Bob", "Cem", "dia"):
            assert name in shown

    def test_every_field_is_kept(self, cast: Cast, olga: Browser) -> None:
        rhythm = {"every": "3", "billing_day": "31", "collect_days_before": "7", "due_days": "2", "hour": "9"}
        asking = {
            "grace_days": "1",
            "repeat_every_days": "5",
            "max_requests": "4",
            "overdue_after_days": "30",
        }
        zone = {"time_zone": "Asia/Tokyo", "tolerance": "0.03", "part_period": "days"}
        telling = {
            "heads_up_days": "2",
            "tells_opened": "y",
            "ends_on": "2027-12-31",
            "description": "Four screens",
        }
        send(olga, "/groups/new", "price", **TYPED | rhythm | asking | zone | telling)

        group = group_of(cast, "Netflix")
        kept = (group.description, group.every, group.billing_day, group.collect_days_before, group.due_days)
        assert kept == ("Four screens", 3, 31, 7, 2)
        asked = (group.grace_days, group.repeat_every_days, group.max_requests, group.overdue_after_days)
        assert asked == (1, 5, 4, 30)
        rest = (group.hour, group.time_zone, group.tolerance_minor, group.part_period.value)
        assert rest == (9, "Asia/Tokyo", 3, "days")
        assert (group.heads_up_days, group.tells_opened, group.ends_on) == (2, True, date(2027, 12, 31))

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("currency", "typed", "minor", "shown"),
        [("EUR", "0,5", 50, "0.50"), ("JPY", "12", 12, "12"), ("JPY", "", 5, "5"), ("BHD", "0", 0, "0.000")],
    )
    def test_the_forgiven_rest_is_an_amount_in_the_currency(
        self, cast: Cast, olga: Browser, currency: str, typed: str, minor: int, shown: str
    ) -> None:
        send(
            olga,
            "/groups/new",
            "price",
            **TYPED | {"price": "1700", "currency": currency, "tolerance": typed},
        )

        group = group_of(cast, "Netflix")
        assert group.tolerance_minor == minor
        assert fill(olga.get(f"/groups/{group.public_id}/edit").text, "price")["tolerance"] == shown

    def test_several_ways_to_pay_are_kept_in_order(self, cast: Cast, olga: Browser) -> None:
        ways = {
            "ways-0-kind": "iban",
            "ways-0-value": "DE89 3704 0044 0532 0130 00",
            "ways-0-holder": "Olga Olsen",
            "ways-1-kind": "link",
            "ways-1-value": "paypal.me/olga/{amount}",
            "ways-1-label": "PayPal",
        }
        send(olga, "/groups/new", "price", **TYPED | ways)

        group = group_of(cast, "Netflix")
        query = select(PayMethod).where(PayMethod.group_id == group.id).order_by(PayMethod.position)
        kinds = cast.read(lambda session: [row.kind for row in session.scalars(query)])
        assert kinds == ["iban", "link"]

    def test_parts_of_their_own_are_weights_or_amounts(self, cast: Cast, olga: Browser) -> None:
        send(olga, "/groups/new", "price", **TYPED | {"split": "weights", "people": "Ann = 3, Bob"})
        fixed = {"name": "Phone", "split": "fixed", "people": "Ann = 3,50, Bob = 4.00"}
        send(olga, "/groups/new", "price", **TYPED | fixed)

        def parts(group: Group) -> list[tuple[int, int | None]]:
            query = select(Member).where(Member.group_id == group.id, Member.contact_id != group.payer_id)
            return cast.read(
                lambda session: [
                    (one.weight, one.fixed_minor) for one in session.scalars(query.order_by(Member.id))
                ]
            )

        assert parts(group_of(cast, "Netflix")) == [(3, None), (1, None)]
        assert parts(group_of(cast, "Phone")) == [(1, 350), (1, 400)]

    @pytest.mark.parametrize(
        ("field", "typed", "sentence"),
        [
            ("name", "", "Give it a name"),
            ("name", "Net\u202eflix", "invisible control character"),
            ("price", "", "Give the price"),
            ("price", "1.234", "can be read in two ways"),
            ("price", "9.9999", "at most 2 decimals"),
            ("price", "-5", "cannot be negative"),
            ("price", "99999999999999", "too large"),
            ("currency", "EURO", "is not a currency"),
            ("billing_day", "0", "must be from 1 to 31"),
            ("billing_day", "32", "must be from 1 to 31"),
            ("every", "0", "must repeat every"),
            ("every", "many", "whole number"),
            ("starts_on", "soon", "Choose a day"),
            ("starts_on", "0001-01-01", "Choose a date from"),
            ("ends_on", "2026-01-01", "end before it starts"),
            ("time_zone", "Mars/Base", "is not a time zone"),
            ("hour", "24", "from 0 to 23"),
            ("description", "x" * 10_001, "10,000 characters"),
            ("ways-0-value", "javascript:alert(1)", "starts with https://"),
            ("people", "<>", "can&#39;t be read"),
            ("people", "Ann <nowhere>", "is not an email address"),
        ],
    )
    @pytest.mark.only_sqlite
    def test_what_makes_no_sense_is_said_beside_its_field_and_all_that_was_typed_stays(
        self, cast: Cast, olga: Browser, field: str, typed: str, sentence: str
    ) -> None:
        before = events(cast)
        answer = send(olga, "/groups/new", "price", **TYPED | {field: typed})

        assert answer.status_code == 422
        page = answer.text
        beside = page.split(f'id="{field}-error-1"', 1)
        assert len(beside) == 2, f"nothing beside {field}"
        assert sentence in beside[1].split("</p>")[0]
        kept = fill(page, "price")
        assert kept["people"] == (typed if field == "people" else TYPED["people"])
        assert kept[field] == typed
        assert events(cast) == before

    def test_somebody_who_shares_a_mailbox_is_a_question(self, cast: Cast, olga: Browser) -> None:
        cast.join(cast.group(), "Ben")
        typed = TYPED | {"people": "Mia <ben@example.org>"}

        asked = send(olga, "/groups/new", "price", **typed)
        answered = send(olga, "/groups/new", "price", **typed, shares_mailbox="y")

        assert asked.status_code == 422
        assert "Ben is already reached at this address" in asked.text
        assert 'name="shares_mailbox"' in asked.text
        assert answered.status_code == 303

    @pytest.mark.parametrize(("answer", "people"), [("is_same", 1), ("is_another", 2)])
    def test_an_address_for_a_known_name_without_one_is_a_question(
        self, cast: Cast, olga: Browser, answer: str, people: int
    ) -> None:
        cast.join(cast.group(), "Ben", email=None)
        typed = TYPED | {"people": "Ben <ben@example.org>"}
        question = "You know a Ben without an address: is this the same person?"

        foretold = send(olga, "/groups/new", "price", "/groups/new/preview", **typed)
        assert question in foretold.text
        asked = send(olga, "/groups/new", "price", **typed)
        assert asked.status_code == 422
        assert question in asked.text
        assert f'name="{answer}"' in asked.text

        assert send(olga, "/groups/new", "price", **typed | {answer: "y"}).status_code == 303
        called = select(Contact.id).where(Contact.name == "Ben")
        assert len(cast.read(lambda session: list(session.scalars(called)))) == people
        at = select(Address.contact_id).where(Address.value == "ben@example.org")
        assert len(cast.read(lambda session: list(session.scalars(at)))) == 1


class TestForetelling:
    def test_it_says_who_pays_what_and_when_and_changes_nothing(self, cast: Cast, olga: Browser) -> None:
        before = events(cast)
        answer = send(olga, "/groups/new", "price", "/groups/new/preview", **TYPED)

        assert answer.status_code == 200
        assert "4 people pay 4.00\xa0€ each, every month." in answer.text
        assert "Your share is 3.99\xa0€." in answer.text
        assert "due on 5 March 2026" in answer.text
        assert "The first request goes out on 8 March 2026." in answer.text
        assert fill(answer.text, "price") | TYPED == fill(answer.text, "price")
        assert events(cast) == before

    def test_it_warns_of_periods_that_have_begun_already(self, olga: Browser) -> None:
        typed = TYPED | {"starts_on": "2026-01-05"}
        answer = send(olga, "/groups/new", "price", "/groups/new/preview", **typed)

        assert "2 periods have begun already; they open at once" in answer.text
        assert "The first request goes out on 4 March 2026." in answer.text

    def test_who_is_typed_is_shown_with_the_address_that_was_understood(self, olga: Browser) -> None:
        typed = TYPED | {"people": "Ann <ann@example.org>, Bob"}
        shown = send(olga, "/groups/new", "price", "/groups/new/preview", **typed).text.partition(
            'id="foresight"'
        )[2]

        assert "Ann (ann@example.org)" in shown
        assert ">Bob<" in shown

    def test_an_address_that_saving_refuses_is_refused_already(self, olga: Browser) -> None:
        typed = TYPED | {"people": "Ann <ann at example>"}
        answer = send(olga, "/groups/new", "price", "/groups/new/preview", **typed)

        assert "Ann: " in answer.text
        assert "Who pays what" not in answer.text

    def test_what_cannot_be_worked_out_is_said_beside_the_field(self, olga: Browser) -> None:
        answer = send(olga, "/groups/new", "price", "/groups/new/preview", **TYPED | {"price": "1.234"})

        assert "can be read in two ways" in answer.text
        assert "Who pays what" not in answer.text

    def test_it_offers_one_more_way_to_pay_when_asked(self, olga: Browser) -> None:
        typed = TYPED | {"ways-0-kind": "text", "ways-0-value": "Cash", "more": "1"}
        answer = send(olga, "/groups/new", "price", "/groups/new/preview", **typed)

        assert fill(answer.text, "price")["ways-1-value"] == ""

    def test_an_edit_is_foretold_for_the_next_unopened_period(self, olga: Browser, youtube: Group) -> None:
        page = f"/groups/{youtube.public_id}/edit"
        answer = send(olga, page, "price", f"{page}/preview", price="12.00")

        assert "2 people pay 4.00\xa0€ each, every month." in answer.text
        assert "The next period is April 2026" in answer.text

    def test_another_payer_counts_once_and_the_former_pays_a_share(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        page, ben = f"/groups/{youtube.public_id}/edit", contact_named(cast, "Ben")
        answer = send(olga, page, "price", f"{page}/preview", payer=ben.public_id, price="10.00")
        bears_nothing = send(olga, page, "price", f"{page}/preview", payer=ben.public_id, payer_included=[])

        assert "2 people pay 3.33\xa0€ each" in answer.text
        assert "Ben’s share is 3.34\xa0€." in answer.text
        assert "Mia pays 8.97\xa0€ every month." in bears_nothing.text


class TestEditing:
    def test_saving_the_form_as_it_stands_changes_nothing(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        before = events(cast)
        answer = send(olga, f"/groups/{youtube.public_id}/edit", "price")

        assert answer.status_code == 303
        assert events(cast) == before

    def test_ways_to_pay_survive_an_edit(self, cast: Cast, olga: Browser) -> None:
        ways = (
            pay_method("iban", {"iban": "DE89370400440532013000", "holder": "Olga Olsen"}, "Bank"),
            pay_method("text", {"text": "Cash\nis fine"}),
            pay_method("link", {"url": "https://pay.example/{amount}"}),
        )
        group = cast.group(pay_methods=ways)
        before = events(cast)

        send(olga, f"/groups/{group.public_id}/edit", "price")

        assert events(cast) == before

    def test_a_new_price_counts_from_the_next_unopened_period(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        page = f"/groups/{youtube.public_id}/edit"
        assert "Changes count from the period that starts on 1 April 2026" in olga.get(page).text
        apply(olga, page, "price", price="12.00")

        latest = select(Price).where(Price.group_id == youtube.id).order_by(Price.from_on.desc()).limit(1)
        price = cast.read(lambda session: session.scalars(latest).one())
        assert (price.from_on, price.amount_minor) == (date(2026, 4, 1), 1200)
        assert period(cast, youtube, 2).total_minor == 897

    def test_the_currency_stays_once_a_period_is_open(self, olga: Browser, youtube: Group) -> None:
        answer = send(olga, f"/groups/{youtube.public_id}/edit", "price", currency="USD")

        assert answer.status_code == 422
        assert "The currency stays EUR" in answer.text

    def test_who_saves_an_old_form_is_told_calmly_and_keeps_what_they_typed(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        page = f"/groups/{youtube.public_id}/edit"
        opened = fill(olga.get(page).text, "price")
        send(olga, page, "price", name="YouTube")
        answer = olga.client.post(page, data=opened | {"name": "Videos"})

        assert answer.status_code == 422
        assert "Somebody changed this group in the meantime" in answer.text
        assert fill(answer.text, "price")["name"] == "Videos"
        assert group_of(cast, "YouTube").id == youtube.id

    @pytest.mark.parametrize("version", ["", "x", "²", "9" * 5000])
    @pytest.mark.only_sqlite
    def test_a_version_that_is_none_is_an_old_form(self, olga: Browser, youtube: Group, version: str) -> None:
        answer = send(olga, f"/groups/{youtube.public_id}/edit", "price", name="Videos", version=version)

        assert answer.status_code == 422


class TestGroupPage:
    def test_an_opening_that_is_late_is_not_promised_for_a_past_day(
        self, olga: Browser, youtube: Group, clock: TurnableClock
    ) -> None:
        clock.turn(timedelta(days=50))

        shown = olga.get(f"/groups/{youtube.public_id}").text

        assert "is due and opens within minutes" in shown
        assert "The next period opens" not in shown

    def test_cells_say_amount_and_state_and_lead_to_the_payment(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        ben, mia = _payments(cast, youtube, 1)
        cast.do(confirm_payment, ben.id, amount=money("2.00"), by=cast.olga, now=NOW)
        cast.do(claim_payments, mia.contact_id, [mia.id], by=cast.olga, now=NOW)

        text = olga.get(f"/groups/{youtube.public_id}").text

        assert f'href="/payments/{ben.public_id}"' in text
        for word in ("0.99\xa0€ left", "To check", "Open", "own share"):
            assert word in text

    def test_totals_leave_the_payers_own_share_and_what_is_forgiven_out(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        ben, mia = _payments(cast, youtube, 2)
        cast.do(confirm_payment, ben.id, amount=money("2.00"), by=cast.olga, now=NOW)
        cast.do(waive_payment, mia.id, reason="ill", by=cast.olga, now=NOW)

        foot = olga.get(f"/groups/{youtube.public_id}").text.split("<tfoot>")[1].split("</tfoot>")[0]
        total, collected, outstanding = (row.split("<td>")[1] for row in foot.split("<tr>")[1:])
        assert "8.97\xa0€" in total
        assert "2.00\xa0€" in collected
        assert "0.99\xa0€" in outstanding

    def test_older_periods_are_on_pages_of_their_own(self, cast: Cast, olga: Browser) -> None:
        group = cast.group(starts_on=date(2025, 8, 1))
        cast.join(group, "Ben", joined_on=date(2025, 8, 1))
        for _ in range(9):
            cast.tick(NOW)

        latest = olga.get(f"/groups/{group.public_id}").text
        older = olga.get(f"/groups/{group.public_id}?before=3").text

        assert latest.count('scope="col"><a href="/periods/') == 6
        assert f"/groups/{group.public_id}?before=3" in latest
        assert older.count('scope="col"><a href="/periods/') == 2
        assert "August 2025" in older

    def test_it_takes_the_same_statements_however_much_there_is(
        self, runtime: Runtime, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        page = f"/groups/{youtube.public_id}"
        with counted(runtime) as few:
            olga.get(page)
        for number in range(6):
            cast.join(youtube, f"Guest {number}", email=None)
        for sequence in (3, 4, 5):
            press(olga, page, f"{page}/periods", sequence=sequence)
        olga.get(page)  # with what it says this time alone
        with counted(runtime) as many:
            olga.get(page)

        assert len(few) == len(many) <= 22

    def test_names_with_markup_stay_text(self, cast: Cast, olga: Browser) -> None:
        group = cast.group("<script>alert(1)</script>")
        cast.join(group, "<b>Ben</b>", email=None)
        cast.tick(NOW)

        text = olga.get(f"/groups/{group.public_id}").text

        assert "<script>alert" not in text
        assert "<b>Ben" not in text

    def test_a_second_tap_on_open_opens_no_other_period(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        page = f"/groups/{youtube.public_id}"
        first = press(olga, page, f"{page}/periods", sequence="3")
        second = press(olga, page, f"{page}/periods", sequence="3")

        assert first.status_code == 303
        assert second.status_code in (303, 409)
        assert group_of(cast, "YouTube Premium").next_sequence == 4

    def test_the_journal_tells_it_in_words(self, cast: Cast, olga: Browser, youtube: Group) -> None:
        ben, _mia = _payments(cast, youtube, 1)
        cast.do(waive_payment, ben.id, reason="moved away", by=cast.olga, now=NOW)
        text = olga.get(f"/journal?group={youtube.public_id}").text

        assert "Ben need not pay for February 2026.</a> “moved away”" in text
        assert "Mia owes 2.99\xa0€ for March 2026." in text
        assert "The group was set up." in text
        assert "group:" not in text


class TestWholeGroups:
    def test_pausing_resuming_ending_and_archiving_move_it_through_the_lists(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        page = f"/groups/{youtube.public_id}"
        press(olga, page, f"{page}/pause")
        assert "Paused or ended" in olga.get("/groups").text
        press(olga, page, f"{page}/resume")
        assert "Paused or ended" not in olga.get("/groups").text
        send(olga, page, "ends_on", f"{page}/end", ends_on="2026-03-31")
        assert "ended" in olga.get("/groups").text
        press(olga, f"{page}/archive", f"{page}/archive")
        assert "Archive (1)" in olga.get("/groups").text
        press(olga, page, f"{page}/restore")
        assert group_of(cast, "YouTube Premium").archived_at is None

    def test_an_end_before_the_start_is_refused_beside_the_field(self, olga: Browser, youtube: Group) -> None:
        page = f"/groups/{youtube.public_id}"
        answer = send(olga, page, "ends_on", f"{page}/end", ends_on="2025-01-01")

        assert answer.status_code == 422
        assert "end before it starts" in answer.text

    def test_an_empty_workspace_is_invited_to_begin(self, olga: Browser) -> None:
        assert "Set up the first one" in olga.get("/groups").text

    def test_a_price_from_a_date_on_is_set_and_an_opened_period_is_not_touched(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        page = f"/groups/{youtube.public_id}/prices"
        late = send(olga, page, "from_on", amount="12.00", from_on="2026-03-01")
        good = apply(olga, page, "from_on", amount="12.00", from_on="2026-05-01")

        assert late.status_code == 422
        assert "already open" in late.text
        assert good.status_code == 303
        assert "12.00\xa0€" in olga.get(page).text

    def test_a_variable_group_shows_no_price(self, cast: Cast, olga: Browser) -> None:
        group = cast.group("Pitch", split=SplitKind.VARIABLE)

        assert "by the bill" in olga.get(f"/groups/{group.public_id}").text


class TestStrangers:
    def test_another_workspaces_admin_finds_nothing_and_changes_nothing(
        self, app: Flask, runtime: Runtime, cast: Cast, youtube: Group
    ) -> None:
        zed, before = stranger(app, runtime), events(cast)
        at = f"/groups/{youtube.public_id}"
        for path in (at, f"{at}/edit", f"{at}/journal", f"{at}/prices", f"{at}/tell", f"{at}/members/new"):
            assert zed.get(path).status_code == 404, path
        for act in (
            "pause",
            "archive",
            "end",
            "periods",
            "edit",
            "edit/preview",
            "prices",
            "tell",
            "members/new",
        ):
            assert press(zed, "/profile", f"{at}/{act}").status_code == 404, act

        assert "YouTube" not in zed.get("/groups").text
        assert events(cast) <= before + 1  # zed's own workspace

    def test_a_foreign_payer_cannot_be_chosen(self, app: Flask, runtime: Runtime, olga: Browser) -> None:
        stranger(app, runtime)
        answer = send(olga, "/groups/new", "price", **TYPED, payer="abcabcabcabc")

        assert answer.status_code == 422


def _payments(cast: Cast, group: Group, sequence: int) -> tuple[Payment, Payment]:
    """Find what ben and mia owe for a period."""
    found = cast.payments(period_id=period(cast, group, sequence).id)
    ben, mia = (one for one in found if one.contact_id != group.payer_id)
    return ben, mia


def test_group_is_set_up_by_the_form_that_the_preview_shows(olga: Browser) -> None:
    seen = send(olga, "/groups/new", "price", "/groups/new/preview", **TYPED)

    assert '<form method="post" action="/groups/new"' in seen.text
