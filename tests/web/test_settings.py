"""Claims about settings: what everybody has in common, new groups, one's account, mail, and pay details."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from substrack.bootstrap import Runtime
from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.domain.group_defaults import GroupDefaults
from substrack.domain.pay_methods import pay_method
from substrack.domain.shares import PartPeriod
from substrack.queries.groups import load_pay_methods
from substrack.queries.people import load_contact
from substrack.queries.workspaces import WorkspaceSettings, load_workspace_settings
from substrack.services.connections import connection_for
from substrack.services.founding import Founded
from substrack.services.groups import set_pay_methods
from substrack.services.lanes import pause_lane
from substrack.services.people import add_contact
from substrack.store import Group, Message, UserSession
from tests.support.cast import Cast
from tests.web.admin import contact_named, events, group_of, stranger
from tests.web.forms import counted, fill, press, send
from tests.web.support import NOW, PASSWORD, Browser, TurnableClock, browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


def confirm(olga: Browser, shown: str, page: str, **typed: str) -> TestResponse:
    """Fill in the form that asks for the password, and send it."""
    return olga.client.post(page, data=fill(shown, "your_password") | typed)


def kept(cast: Cast) -> WorkspaceSettings:
    return cast.read(lambda session: load_workspace_settings(session, cast.workspace_id))


class TestGeneral:
    def test_name_language_and_zone_change(self, cast: Cast, olga: Browser) -> None:
        answer = send(olga, "/settings", "name", name="The Millers", language="en_GB", time_zone="Asia/Tokyo")

        assert answer.status_code == 303
        assert (kept(cast).name, kept(cast).language, kept(cast).time_zone) == (
            "The Millers",
            "en_GB",
            "Asia/Tokyo",
        )

    def test_what_is_no_zone_is_said_beside_its_field_and_the_rest_is_kept(
        self, cast: Cast, olga: Browser
    ) -> None:
        answer = send(olga, "/settings", "name", name="The Millers", time_zone="Mars/Base")

        assert answer.status_code == 422
        assert "is not a time zone" in answer.text.split('id="time_zone-error-1"')[1].split("</p>")[0]
        assert 'value="The Millers"' in answer.text
        assert kept(cast).name == "Home"

    def test_the_same_again_is_no_line_of_the_journal(self, cast: Cast, olga: Browser) -> None:
        before = events(cast)
        send(olga, "/settings", "name")

        assert events(cast) == before

    @pytest.mark.only_sqlite
    def test_it_is_one_tap_away_and_leads_everywhere_else(self, olga: Browser) -> None:
        assert 'href="/settings"' in olga.get("/people").text
        pages = (
            "/settings",
            "/settings/groups",
            "/profile",
            "/admins",
            "/settings/mail",
            "/settings/telegram",
        )
        for path in pages:
            text = olga.get(path).text
            assert f'href="{path}" aria-current="page"' in text
            assert all(f'href="{other}"' in text for other in (*pages, "/journal"))


class TestCollectionDay:
    def test_everybody_has_one_but_who_has_their_own(self, cast: Cast, olga: Browser) -> None:
        ben = cast.do(add_contact, cast.workspace_id, name="Ben", by=cast.olga, now=NOW)
        send(olga, "/settings", "collection_day", collection_day="1")
        send(olga, f"/people/{ben.public_id}", "collection_day", collection_day="15")

        assert kept(cast).collection_day == 1
        assert cast.read(lambda session: load_contact(session, ben.id)).collection_day == 15
        send(olga, f"/people/{ben.public_id}", "collection_day", collection_day="")
        assert cast.read(lambda session: load_contact(session, ben.id)).collection_day is None

    @pytest.mark.only_sqlite
    def test_the_32nd_is_no_day_and_nothing_else_of_the_form_is_saved(
        self, cast: Cast, olga: Browser
    ) -> None:
        answer = send(olga, "/settings", "collection_day", collection_day="32", name="The Millers")

        assert answer.status_code == 422
        assert "from 1 to 31" in answer.text.split('id="collection_day-error-1"')[1].split("</p>")[0]
        assert (kept(cast).collection_day, kept(cast).name) == (None, "Home")


class TestNewGroups:
    def test_a_new_group_begins_with_them(self, cast: Cast, olga: Browser) -> None:
        wanted = {"currency": "usd", "grace_days": "5", "hour": "18", "part_period": "days"}
        send(olga, "/settings/groups", "grace_days", **wanted, payer_included="")

        assert kept(cast).group_defaults == GroupDefaults(
            currency="USD", grace_days=5, hour=18, part_period=PartPeriod.DAYS, payer_included=False
        )
        form = fill(olga.get("/groups/new").text, "grace_days")
        assert {name: form[name] for name in wanted} == wanted | {"currency": "USD"}
        assert "payer_included" not in form

    @pytest.mark.parametrize(
        ("field", "typed", "sentence"),
        [
            ("repeat_every_days", "0", "must be from 1 to 365"),
            ("hour", "24", "must be from 0 to 23"),
            ("max_requests", "many", "whole number"),
            ("currency", "Doubloons", "currency"),
        ],
    )
    @pytest.mark.only_sqlite
    def test_what_no_group_could_have_is_refused_beside_its_field(
        self, cast: Cast, olga: Browser, field: str, typed: str, sentence: str
    ) -> None:
        answer = send(olga, "/settings/groups", "grace_days", **{field: typed})

        assert answer.status_code == 422
        assert sentence in answer.text.split(f'id="{field}-error-1"')[1].split("</p>")[0]
        assert f'value="{typed}"' in answer.text
        assert kept(cast).group_defaults == GroupDefaults()

    def test_groups_that_exist_stay_as_they_are(self, cast: Cast, olga: Browser) -> None:
        cast.group("Phone")
        send(olga, "/settings/groups", "grace_days", grace_days="9")

        assert group_of(cast, "Phone").grace_days == 3


class TestYourAccount:
    def test_a_zone_of_ones_own_is_the_clock_of_what_one_reads(self, cast: Cast, olga: Browser) -> None:
        send(olga, "/profile", "name", name="Olga", language="en", time_zone="Asia/Tokyo")
        assert "18:00" in olga.get("/profile").text

        send(olga, "/profile", "name", name="Olga", language="en", time_zone="")
        assert "10:00" in olga.get("/profile").text

    def test_all_other_browsers_are_signed_out_at_once(
        self, app: Flask, runtime: Runtime, home: Founded, olga: Browser
    ) -> None:
        others = [browser(app, runtime) for _ in range(2)]
        for other in others:
            other.sign_in(runtime, home.user_id, "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
        assert olga.get("/profile").text.count("Firefox, Linux") == 2

        press(olga, "/profile", "/profile/sessions/end")

        assert [other.is_signed_in for other in others] == [False, False]
        assert olga.is_signed_in


class TestMail:
    def test_a_test_goes_to_ones_own_mailbox_and_is_followed(self, cast: Cast, olga: Browser) -> None:
        press(olga, "/settings/mail", "/settings/mail/test")

        (sent,) = cast.messages(contact_id=cast.olga_contact)
        assert (sent.notice.value, sent.channel.value) == ("test", "email")
        assert f"/messages/{sent.public_id}" in olga.get("/settings/mail").text

    def test_a_server_that_takes_nothing_is_told_with_its_words(self, cast: Cast, olga: Browser) -> None:
        connection = cast.do(connection_for, cast.workspace_id)
        failure = DeliveryFailed("535 <bad> password", permanent=False, scope=Scope.LANE)
        cast.do(pause_lane, f"email:{connection.id}", failure, now=NOW)

        text = olga.get("/settings/mail").text

        assert "The mail server takes nothing since" in text
        assert "535 &lt;bad&gt; password" in text

    @pytest.mark.only_sqlite
    def test_without_a_server_it_says_where_mail_is_kept(self, olga: Browser) -> None:
        assert "No mail server is set" in olga.get("/settings/mail").text

    def test_another_workspace_sees_none_of_it(
        self, app: Flask, runtime: Runtime, cast: Cast, olga: Browser
    ) -> None:
        press(olga, "/settings/mail", "/settings/mail/test")
        sent = cast.messages(contact_id=cast.olga_contact)[0]

        assert sent.public_id not in stranger(app, runtime).get("/settings/mail").text

    def test_each_page_costs_the_same_however_much_there_is(
        self, runtime: Runtime, cast: Cast, olga: Browser
    ) -> None:
        pages = ("/settings", "/settings/groups", "/settings/mail", "/profile", "/admins")

        def look() -> int:
            with counted(runtime) as statements:
                for path in pages:
                    olga.get(path)
            return len(statements)

        look()
        before = look()
        for number in range(6):
            cast.group(f"Group {number}")
            press(olga, "/settings/mail", "/settings/mail/test")

        assert look() == before <= 40


class TestPayDetails:
    """Where money goes changes only under a password given lately."""

    @pytest.fixture
    def group(self, cast: Cast) -> Group:
        group = cast.group("Phone")
        way = pay_method("link", {"url": "https://paypal.me/olga"})
        cast.do(set_pay_methods, group.id, [way], by=cast.olga, now=NOW)
        return group

    def ways(self, cast: Cast, group: Group) -> list[str]:
        found = cast.read(lambda session: load_pay_methods(session, group.id))
        return [value for way in found for value in way.fields.values()]

    def redirect_money(self, olga: Browser, group: Group, **fields: str) -> TestResponse:
        page = f"/groups/{group.public_id}/edit"
        return send(olga, page, "ways-0-value", **{"ways-0-value": "https://paypal.me/zed"} | fields)

    def test_right_after_signing_in_nothing_is_asked(self, cast: Cast, olga: Browser, group: Group) -> None:
        self.redirect_money(olga, group)

        assert self.ways(cast, group) == ["https://paypal.me/zed"]

    def test_later_the_password_is_asked_for_and_nothing_typed_is_lost(
        self, cast: Cast, olga: Browser, group: Group, clock: TurnableClock
    ) -> None:
        clock.turn(timedelta(minutes=10))
        page = f"/groups/{group.public_id}/edit"
        asked = send(olga, page, "ways-0-value", **{"ways-0-value": "https://paypal.me/zed", "name": "Fon"})

        assert asked.status_code == 422
        assert "Please confirm that it’s you" in asked.text
        assert self.ways(cast, group) == ["https://paypal.me/olga"]

        wrong = confirm(olga, asked.text, page, your_password="not this one")
        assert "This is not your current password" in wrong.text
        assert "not this one" not in wrong.text
        assert self.ways(cast, group) == ["https://paypal.me/olga"]

        done = confirm(olga, wrong.text, page, your_password=PASSWORD)
        assert done.status_code == 303
        assert self.ways(cast, group) == ["https://paypal.me/zed"]
        assert group_of(cast, "Fon").id == group.id

    def test_another_payer_is_another_place_for_money_and_takes_no_ways_over(
        self, cast: Cast, olga: Browser, group: Group, clock: TurnableClock
    ) -> None:
        cast.join(group, "Ben")
        ben, page = contact_named(cast, "Ben"), f"/groups/{group.public_id}/edit"
        clock.turn(timedelta(minutes=10))
        asked = send(olga, page, "ways-0-value", payer=ben.public_id)
        assert "Please confirm that it’s you" in asked.text

        shown = confirm(olga, asked.text, page, your_password=PASSWORD)
        olga.client.post(page, data=fill(shown.text, "seen"))

        assert self.ways(cast, group) == []
        page = olga.get(f"/groups/{group.public_id}/terms").text
        assert "members are told to ask Ben" in page
        assert "say under “How to pay” how to pay Ben" in page

    def test_the_way_back_leads_to_the_form_as_it_was_typed(
        self, cast: Cast, olga: Browser, group: Group, clock: TurnableClock
    ) -> None:
        clock.turn(timedelta(hours=1))
        asked = self.redirect_money(olga, group, name="Fon")
        back = confirm(olga, asked.text, f"/groups/{group.public_id}/edit", back="1")

        form = fill(back.text, "ways-0-value")
        assert (form["name"], form["ways-0-value"].strip()) == ("Fon", "https://paypal.me/zed")
        assert self.ways(cast, group) == ["https://paypal.me/olga"]

    def test_five_wrong_passwords_in_a_row_sign_the_browser_out(
        self, cast: Cast, olga: Browser, group: Group, clock: TurnableClock
    ) -> None:
        clock.turn(timedelta(hours=1))
        page = f"/groups/{group.public_id}/edit"
        form = fill(self.redirect_money(olga, group).text, "your_password")
        for guess in range(5):
            assert olga.is_signed_in, f"{guess} wrong passwords are too few"
            answer = olga.client.post(page, data=form | {"your_password": f"guess {guess}"})

        assert "The password was wrong too often" in answer.text
        assert not olga.is_signed_in
        olga.client.post(page, data=form | {"your_password": PASSWORD})
        assert self.ways(cast, group) == ["https://paypal.me/olga"]

    def test_a_right_password_forgives_the_wrong_ones_before(
        self, olga: Browser, group: Group, clock: TurnableClock
    ) -> None:
        for _ in range(2):
            clock.turn(timedelta(hours=1))
            form = fill(self.redirect_money(olga, group).text, "your_password")
            for typed in (*["not this one"] * 4, PASSWORD):
                olga.client.post(f"/groups/{group.public_id}/edit", data=form | {"your_password": typed})
            self.redirect_money(olga, group, **{"ways-0-value": "https://paypal.me/olga"})

        assert olga.is_signed_in

    def test_guessing_it_where_it_is_changed_counts_too(self, olga: Browser) -> None:
        for _ in range(5):
            new = "eight loud herons"
            answer = olga.post("/profile/password", page="/profile", current_password="guess", password=new)

        assert "The password was wrong too often" in answer.text
        assert not olga.is_signed_in

    def test_ten_minutes_are_not_asked_about_twice(
        self, cast: Cast, olga: Browser, group: Group, clock: TurnableClock
    ) -> None:
        clock.turn(timedelta(hours=1))
        self.redirect_money(olga, group, your_password=PASSWORD)
        clock.turn(timedelta(minutes=9))
        page = f"/groups/{group.public_id}/edit"

        send(olga, page, "ways-0-value", **{"ways-0-value": "https://paypal.me/mia"})

        assert self.ways(cast, group) == ["https://paypal.me/mia"]

    def test_anything_else_about_the_group_needs_no_password(
        self, cast: Cast, olga: Browser, group: Group, clock: TurnableClock
    ) -> None:
        clock.turn(timedelta(days=1))
        send(olga, f"/groups/{group.public_id}/edit", "ways-0-value", name="Fon")

        assert group_of(cast, "Fon").id == group.id

    def test_the_password_is_written_into_no_page_and_no_row(
        self, cast: Cast, olga: Browser, group: Group, clock: TurnableClock
    ) -> None:
        cast.join(group, "Ben")
        clock.turn(timedelta(hours=1))
        answer = self.redirect_money(olga, group, price="99.00", your_password=PASSWORD)

        assert answer.status_code == 200, "what it does to the shares is shown first"
        assert PASSWORD not in answer.text
        confirmed = select(UserSession.confirmed_at).where(UserSession.confirmed_at.is_not(None))
        assert cast.read(lambda session: len(session.scalars(confirmed).all())) == 1

    def test_all_admins_hear_of_it(self, cast: Cast, olga: Browser, group: Group) -> None:
        self.redirect_money(olga, group)

        query = select(Message.notice).where(Message.contact_id == cast.olga_contact)
        assert cast.read(lambda session: list(session.scalars(query))) == ["pay_details_changed"]
