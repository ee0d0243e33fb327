"""Claims about the pages of members: joining, changed terms, leaving, and being told."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.domain.shares import SplitKind
from substrack.store import Address, Contact, Group
from tests.support.cast import Cast, money
from tests.web.admin import contact_named, events, members_of, stranger
from tests.web.forms import apply, fill, press, send
from tests.web.support import NOW, Browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def youtube(cast: Cast) -> Group:
    """A group of ben's and olga's with February and March open."""
    group = cast.group("YouTube Premium", "8.97")
    cast.join(group, "Ben")
    cast.tick(NOW)
    return group


class TestJoining:
    def test_a_new_person_joins_and_what_is_owed_stays(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        owed = [(one.id, one.amount_minor) for one in cast.payments(group_id=youtube.id)]
        page = f"/groups/{youtube.public_id}/members/new"
        answer = apply(olga, page, "known", name="Mia", email="mia@example.org")

        assert (answer.status_code, answer.location) == (303, f"/groups/{youtube.public_id}")
        mia = members_of(cast, youtube)[-1]
        assert (mia.joined_on, mia.weight, mia.fixed_minor) == (date(2026, 3, 1), 1, None)
        assert [(one.id, one.amount_minor) for one in cast.payments(group_id=youtube.id)] == owed

    @pytest.mark.parametrize("typed", ["Mia <mia@example.org>", "Mia mia@example.org"])
    def test_an_address_may_stand_behind_the_name(
        self, cast: Cast, olga: Browser, youtube: Group, typed: str
    ) -> None:
        apply(olga, f"/groups/{youtube.public_id}/members/new", "known", name=typed)

        mia = contact_named(cast, "Mia")
        assert members_of(cast, youtube)[-1].contact_id == mia.id
        assert "mia@example.org" in olga.get(f"/people/{mia.public_id}").text

    def test_somebody_known_joins_another_group_as_the_same_person(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        ben, phone = contact_named(cast, "Ben"), cast.group("Phone")
        page = f"/groups/{phone.public_id}/members/new"
        apply(olga, page, "known", known=ben.public_id, amount="3,50", joined_on="2026-02-15")

        found = members_of(cast, phone)[-1]
        assert (found.contact_id, found.fixed_minor, found.joined_on) == (ben.id, 350, date(2026, 2, 15))

    def test_a_weight_is_asked_for_only_where_it_counts(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        weighted = cast.group("Phone", split=SplitKind.WEIGHTS)
        with_weight = f"/groups/{weighted.public_id}/members/new"
        apply(olga, with_weight, "known", name="Mia", weight="3")

        assert 'name="weight"' not in olga.get(f"/groups/{youtube.public_id}/members/new").text
        assert members_of(cast, weighted)[-1].weight == 3

    @pytest.mark.parametrize(
        ("typed", "field", "sentence"),
        [
            ({"name": ""}, "name", "Write something here"),
            ({"email": "nowhere"}, "email", "is not an email address"),
            ({"weight": "0"}, "weight", "from 1 to 1,000"),
            ({"amount": "-1"}, "amount", "cannot be negative"),
            ({"amount": "99.00"}, "amount", "more than the price"),
            ({"joined_on": "1999-01-01"}, "joined_on", "Choose a date from"),
        ],
    )
    @pytest.mark.only_sqlite
    def test_what_makes_no_sense_is_said_beside_its_field(
        self, cast: Cast, olga: Browser, typed: dict[str, str], field: str, sentence: str
    ) -> None:
        group = cast.group("Phone", "8.97", split=SplitKind.WEIGHTS)
        sent = {"name": "Mia", "email": "mia@example.org"} | typed
        answer = send(olga, f"/groups/{group.public_id}/members/new", "known", **sent)

        assert answer.status_code == 422
        assert sentence in answer.text.split(f'id="{field}-error-1"')[1].split("</p>")[0]
        assert "mia@example.org" in answer.text or field == "email"

    def test_somebody_new_of_a_known_name_is_a_question(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        page = f"/groups/{youtube.public_id}/members/new"
        asked = send(olga, page, "known", name="BEN")
        answered = apply(olga, page, "known", name="BEN", is_another="y")

        assert asked.status_code == 422
        assert "You know Ben already. Is this another person of that name?" in asked.text
        assert 'name="is_another"' in asked.text
        assert answered.status_code == 303
        assert len(members_of(cast, youtube)) == 3

    def test_an_address_tells_namesakes_apart(self, olga: Browser, youtube: Group) -> None:
        page = f"/groups/{youtube.public_id}/members/new"

        assert send(olga, page, "known", name="Ben", email="b2@example.org").status_code == 200

    def test_an_address_for_a_known_name_without_one_is_a_question(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        kim = cast.join(cast.group("Phone", "6.00"), "Kim", email=None)
        page, typed = f"/groups/{youtube.public_id}/members/new", {"name": "Kim", "email": "kim@example.org"}

        asked = send(olga, page, "known", **typed)
        assert asked.status_code == 422
        assert "You know Kim already, without an address. Is this another person of that name?" in asked.text
        chosen = fill(asked.text, "known")
        assert chosen["known"] == contact_named(cast, "Kim").public_id

        apply(olga, page, "known", known=chosen["known"], name="Kim", email="kim@example.org")
        assert contact_named(cast, "Kim").id == kim.contact_id
        of_kim = select(Address.value).where(Address.contact_id == kim.contact_id)
        [address] = cast.read(lambda session: list(session.scalars(of_kim)))
        assert address == "kim@example.org"

    def test_somebody_else_of_the_name_is_added_beside(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        cast.join(cast.group("Phone", "6.00"), "Kim", email=None)
        page = f"/groups/{youtube.public_id}/members/new"
        known = contact_named(cast, "Kim").public_id

        typed = {"known": known, "name": "Kim", "email": "kim@example.org"}
        assert apply(olga, page, "known", None, tell=True, is_another="y", **typed).status_code == 303

        query = select(Contact).where(Contact.name == "Kim")
        assert len(cast.read(lambda session: list(session.scalars(query)))) == 2

    def test_two_people_may_share_a_mailbox_after_a_question(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        page = f"/groups/{youtube.public_id}/members/new"
        asked = send(olga, page, "known", name="Mia", email="ben@example.org")
        answered = apply(olga, page, "known", name="Mia", email="ben@example.org", shares_mailbox="y")

        assert asked.status_code == 422
        assert "Do two people share this mailbox?" in asked.text
        assert 'name="shares_mailbox"' in asked.text
        assert answered.status_code == 303
        assert len(members_of(cast, youtube)) == 3


class TestChanging:
    def test_terms_change_for_the_periods_to_come(self, cast: Cast, olga: Browser, youtube: Group) -> None:
        ben = members_of(cast, youtube)[-1]
        answer = apply(olga, f"/members/{ben.public_id}", "amount", amount="4.00")

        assert answer.status_code == 303
        assert members_of(cast, youtube)[-1].fixed_minor == 400
        assert cast.payment_of(ben, 2).amount_minor == 449

    def test_an_emptied_amount_is_taken_back(self, cast: Cast, olga: Browser) -> None:
        group = cast.group("Phone", "8.97")
        ben = cast.join(group, "Ben", fixed=money("2.00"))
        apply(olga, f"/members/{ben.public_id}", "amount", amount="")

        assert members_of(cast, group)[-1].fixed_minor is None

    def test_leaving_before_joining_is_refused_beside_the_field(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        ben = members_of(cast, youtube)[-1]
        page = f"/members/{ben.public_id}"
        answer = send(olga, page, "left_on", f"{page}/leave", left_on="2025-12-31")

        assert answer.status_code == 422
        assert "Nobody can leave before joining" in answer.text.split('id="left_on-error-1"')[1]

    def test_who_leaves_keeps_what_they_owe(self, cast: Cast, olga: Browser, youtube: Group) -> None:
        ben = members_of(cast, youtube)[-1]
        page = f"/members/{ben.public_id}"
        apply(olga, page, "left_on", f"{page}/leave", left_on="2026-03-10")

        assert members_of(cast, youtube)[-1].left_on == date(2026, 3, 10)
        assert cast.payment_of(ben, 2).amount_minor == 449
        assert "10 Mar 2026" in olga.get(f"/groups/{youtube.public_id}/members").text


class TestTelling:
    def test_looking_shows_who_would_be_told_and_sends_nothing(
        self, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        cast.join(youtube, "Mia", email=None)
        text = olga.get(f"/groups/{youtube.public_id}/tell").text

        assert "ben@example.org" in text
        assert "no address" in text
        assert cast.messages(notice="welcome") == []

    def test_those_ticked_are_told_once(self, cast: Cast, olga: Browser, youtube: Group) -> None:
        cast.join(youtube, "Mia")
        page = f"/groups/{youtube.public_id}/tell"
        ben = members_of(cast, youtube)[1]
        answer = send(olga, page, "member", member=[ben.public_id])

        assert answer.status_code == 303
        assert [one.contact_id for one in cast.messages(notice="welcome")] == [ben.contact_id]
        assert olga.get(page).text.count("checked") == 1  # only mia is left to be told

    def test_nobody_ticked_is_a_sentence(self, cast: Cast, olga: Browser, youtube: Group) -> None:
        page = f"/groups/{youtube.public_id}/tell"
        answer = press(olga, page, page)

        assert answer.status_code == 303
        assert "Tick who is to be told." in olga.get(page).text
        assert cast.messages(notice="welcome") == []


class TestStrangers:
    def test_another_workspaces_admin_can_neither_see_nor_change_a_member(
        self, app: Flask, runtime: Runtime, cast: Cast, youtube: Group
    ) -> None:
        zed, ben = stranger(app, runtime), members_of(cast, youtube)[-1]
        before = events(cast)

        assert zed.get(f"/members/{ben.public_id}").status_code == 404
        assert press(zed, "/profile", f"/members/{ben.public_id}").status_code == 404
        assert press(zed, "/profile", f"/members/{ben.public_id}/leave").status_code == 404
        assert events(cast) == before

    def test_somebody_of_another_workspace_cannot_be_made_a_member(
        self, app: Flask, runtime: Runtime, cast: Cast, olga: Browser, youtube: Group
    ) -> None:
        stranger(app, runtime)
        zed = contact_named(cast, "Zed")
        answer = send(olga, f"/groups/{youtube.public_id}/members/new", "known", known=zed.public_id)

        assert answer.status_code == 422
        assert len(members_of(cast, youtube)) == 2
