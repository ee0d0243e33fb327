"""Claims about requests that pages foretell: each knows the collection days of workspace and people."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.domain.shares import SplitKind
from substrack.queries.groups import load_terms
from substrack.services.addresses import unsubscribe
from substrack.services.collection_day import set_contact_collection_day, set_workspace_collection_day
from substrack.services.group_edits import edit_group
from substrack.services.groups import end_group, pause_group, resume_group
from substrack.services.members import leave_group
from substrack.services.payments import confirm_payment
from substrack.store import Address, Group, Member
from tests.support.cast import START, Cast, at
from tests.web.forms import fill, send
from tests.web.paying import page_of
from tests.web.support import NOW, Browser, TurnableClock

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

TYPED = {"name": "Netflix", "price": "20.00", "starts_on": "2026-03-05"}


@pytest.fixture
def youtube(cast: Cast) -> Group:
    return cast.group("YouTube", "12.00")


@pytest.fixture
def ben(cast: Cast, youtube: Group) -> Member:
    return cast.join(youtube, "Ben")


def collect_on(cast: Cast, day: int | None, member: Member | None = None) -> None:
    """Set the collection day of the workspace, or of one person."""
    if member is None:
        cast.do(set_workspace_collection_day, cast.workspace_id, day, by=cast.olga, now=NOW)
    else:
        cast.do(set_contact_collection_day, member.contact_id, day, by=cast.olga, now=NOW)


def foretold(who: Browser, page: str = "/groups/new", **typed: Any) -> str:
    """Read what the form of a group foretells."""
    form = fill(who.get(page).text, "price") | typed
    answer = who.client.post(f"{page}/preview", data=form, headers={"X-Part": "forecast"})
    return answer.text.replace("\xa0", " ")


def settle(cast: Cast) -> None:
    """Let everything that is open be paid."""
    for payment in cast.payments():
        if payment.status == "pending":
            cast.do(confirm_payment, payment.id, by=cast.olga, now=NOW)


class TestANewGroup:
    @pytest.mark.parametrize(
        ("day", "foretells"),
        [
            (None, "goes out on 8 March 2026."),
            (15, "goes out on 15 March 2026, the collection day."),
            (1, "goes out on 1 April 2026, the collection day."),
        ],
    )
    def test_new_people_are_asked_on_the_workspaces_day(
        self, cast: Cast, olga: Browser, day: int | None, foretells: str
    ) -> None:
        collect_on(cast, day)

        assert f"The first request {foretells}" in foretold(olga, **TYPED, people="Ann <ann@example.org>")

    @pytest.mark.parametrize("typed", ["Ben <ben@example.org>", "Ben", "BEN <Ben@Example.org>"])
    def test_who_is_known_has_their_own_day(self, cast: Cast, olga: Browser, ben: Member, typed: str) -> None:
        collect_on(cast, 20, ben)

        seen = foretold(olga, **TYPED, people=f"Ann <ann@example.org>, {typed}")

        assert "The first request goes out on 8 March 2026." in seen
        assert re.search(r"March 2026\. ben.*?: on 20 March 2026, the collection day\.", seen, re.IGNORECASE)

    def test_a_namesake_elsewhere_is_somebody_new(self, cast: Cast, olga: Browser, ben: Member) -> None:
        collect_on(cast, 20, ben)

        assert "on 20 March" not in foretold(olga, **TYPED, people="Ben <other@example.org>")

    def test_whom_nothing_reaches_is_not_promised_a_request(self, olga: Browser) -> None:
        seen = foretold(olga, **TYPED, people="Ann")

        assert "The first request" not in seen
        assert "No request reaches Ann: ask them yourself." in seen

    def test_who_unsubscribed_is_not_promised_one_either(
        self, cast: Cast, olga: Browser, ben: Member
    ) -> None:
        query = select(Address.id).where(Address.contact_id == ben.contact_id)
        cast.do(unsubscribe, cast.read(lambda session: session.scalars(query).one()), by=cast.olga, now=NOW)

        assert "No request reaches Ben" in foretold(olga, **TYPED, people="Ben")

    def test_what_has_begun_is_collected_from_today(self, cast: Cast, olga: Browser) -> None:
        collect_on(cast, 28)
        typed = TYPED | {"starts_on": "2026-02-01", "people": "Ann <ann@example.org>"}

        assert "goes out on 28 March 2026, the collection day." in foretold(olga, **typed)

    @pytest.mark.parametrize(
        ("typed", "name"),
        [
            ("Ann <ann@example.org>, ann <Ann@example.org>", "ann"),
            ("Ben, Ben", "Ben"),
            ("Ben, ben@example.org", "Ben"),
        ],
    )
    def test_who_is_listed_twice_is_told_so_before_anything_is_made(
        self, cast: Cast, olga: Browser, ben: Member, typed: str, name: str
    ) -> None:
        said = f"{name} is listed twice; keep one of the two."

        assert said in foretold(olga, **TYPED, people=typed)
        assert said in send(olga, "/groups/new", "price", **(TYPED | {"people": typed})).text

    def test_two_new_people_may_have_one_name(self, cast: Cast, olga: Browser) -> None:
        assert "2 people pay" in foretold(olga, **TYPED, people="Ann, Ann")

    def test_the_payer_typed_by_mailbox_is_left_out_like_by_name(self, cast: Cast, olga: Browser) -> None:
        typed = TYPED | {"people": "Olga <olga@example.org>, Ann <ann@example.org>"}

        assert "Ann (ann@example.org) pays 10.00 € every month." in foretold(olga, **typed)
        assert send(olga, "/groups/new", "price", **typed).status_code == 303


@pytest.mark.parametrize("page", ["/groups/new", "/people"])
def test_the_field_of_a_name_takes_what_is_kept(olga: Browser, page: str) -> None:
    field = re.search(r'<input[^>]* name="name"[^>]*>', olga.get(page).text)

    assert field is not None
    assert 'maxlength="100"' in field[0]


def test_the_hint_of_a_price_says_whether_another_currency_may_be_chosen(
    cast: Cast, olga: Browser, youtube: Group, ben: Member
) -> None:
    edit = f"/groups/{youtube.public_id}/edit"

    either = "In EUR for all together; another currency can be chosen below."
    assert either in olga.get("/groups/new").text
    assert either in olga.get(edit).text
    cast.tick(NOW)
    assert "In EUR, for all together." in olga.get(edit).text


class TestAGroup:
    def test_its_form_knows_the_days_of_its_members(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member
    ) -> None:
        collect_on(cast, 20, ben)

        seen = foretold(olga, f"/groups/{youtube.public_id}/edit")

        assert "The first request goes out on 20 March 2026, the collection day." in seen

    def test_its_page_says_whom_it_asks_next(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member
    ) -> None:
        cast.join(youtube, "Mia")
        cast.tick(NOW)
        shown = olga.get(f"/groups/{youtube.public_id}").text
        collect_on(cast, 10, ben)
        later = olga.get(f"/groups/{youtube.public_id}").text

        assert "The next request goes to Ben and Mia in 3 days, 4 Mar 2026." in shown
        assert "The next request goes to Mia in 3 days, 4 Mar 2026." in later
        assert "asks Mia in 3 days, 4 Mar 2026" in olga.get("/").text

    @pytest.mark.parametrize(
        ("day", "foretells"),
        [(None, "goes out on 4 April 2026."), (9, "goes out on 9 April 2026, the collection day.")],
    )
    def test_its_page_foretells_the_next_period_when_all_is_in(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member, day: int | None, foretells: str
    ) -> None:
        cast.tick(NOW)
        settle(cast)
        collect_on(cast, day)

        assert f"The first request {foretells}" in olga.get(f"/groups/{youtube.public_id}").text

    def test_its_page_promises_no_request_where_the_price_is_nothing(self, cast: Cast, olga: Browser) -> None:
        free = cast.group("Free trial", "0.00")
        cast.join(free, "Ann")
        cast.tick(NOW)

        shown = olga.get(f"/groups/{free.public_id}").text

        assert "There is nothing to ask for" in shown
        assert "The first request" not in shown

    def test_the_first_of_several_days_counts_and_that_of_a_leaver_does_not(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member
    ) -> None:
        mia, zoe = cast.join(youtube, "Mia"), cast.join(youtube, "Zoe")
        cast.tick(NOW)
        settle(cast)
        for member, day in ((ben, 20), (mia, 12), (zoe, 2)):
            collect_on(cast, day, member)
        cast.do(leave_group, zoe.id, left_on=NOW.date(), by=cast.olga, now=NOW)

        shown = olga.get(f"/groups/{youtube.public_id}").text

        assert "The first request goes out on 12 April 2026, the collection day." in shown

    def test_one_that_rests_or_waits_for_its_bill_foretells_none(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member
    ) -> None:
        cast.tick(NOW)
        settle(cast)
        cast.do(pause_group, youtube.id, by=cast.olga, now=NOW)
        phone = cast.group("Phone", split=SplitKind.VARIABLE)
        cast.join(phone, "Mia")

        for group in (youtube, phone):
            assert "The first request" not in olga.get(f"/groups/{group.public_id}").text

    def test_its_rules_name_the_collection_day(self, cast: Cast, olga: Browser, youtube: Group) -> None:
        collect_on(cast, 15)

        assert (
            "on your collection day, day 15 of the month."
            in olga.get(f"/groups/{youtube.public_id}/terms").text
        )


class TestAGroupThatRested:
    """Netflix, from 15 January on, of which nothing opened before it was paused."""

    @pytest.fixture
    def netflix(self, cast: Cast) -> Group:
        group = cast.group("Netflix", "12.00", starts_on=date(2026, 1, 15))
        cast.join(group, "Ben")
        cast.do(pause_group, group.id, by=cast.olga, now=START)
        return group

    def resume(self, cast: Cast, group: Group) -> None:
        cast.do(resume_group, group.id, by=cast.olga, now=NOW)

    def opens_on(self, cast: Cast, group: Group) -> date:
        opens_at = cast.read(lambda session: session.get_one(Group, group.id)).next_open_at
        assert opens_at is not None
        return opens_at.date()

    @pytest.mark.parametrize(
        ("typed", "words", "day"),
        [
            ({}, "The next period is March 2026, due on 15 March 2026.", 15),
            ({"due_days": "5"}, "it opens on 15 March 2026 and is due on 20 March 2026.", 15),
            ({"every": "2"}, "The next period is 15 Mar\u2009–\u200914 May 2026, due on 15 March 2026.", 15),
            ({"billing_day": "20"}, "The next period is March 2026, due on 20 March 2026.", 20),
        ],
    )
    def test_an_edit_is_foretold_as_it_will_be(
        self, cast: Cast, olga: Browser, netflix: Group, typed: dict[str, str], words: str, day: int
    ) -> None:
        self.resume(cast, netflix)
        page = f"/groups/{netflix.public_id}/edit"

        shown = foretold(olga, page, **typed)
        answer = send(olga, page, "price", **typed)
        if answer.status_code == 200:
            olga.client.post(page, data=fill(answer.text, "seen"))

        assert words in shown
        assert "begun already" not in shown
        assert self.opens_on(cast, netflix) == date(2026, 3, day)

    def test_so_is_a_rhythm_that_is_changed_back(self, cast: Cast, olga: Browser, netflix: Group) -> None:
        self.resume(cast, netflix)
        terms = cast.read(lambda session: load_terms(session, netflix.id))
        cast.do(edit_group, netflix.id, replace(terms, billing_day=20), by=cast.olga, now=NOW)

        shown = foretold(olga, f"/groups/{netflix.public_id}/edit", billing_day="15")

        assert "The next period is March 2026, due on 15 March 2026." in shown

    def test_nothing_opens_at_once_while_it_rests(self, olga: Browser, netflix: Group) -> None:
        shown = foretold(olga, f"/groups/{netflix.public_id}/edit")

        assert "The next period is March 2026, due on 15 March 2026." in shown
        assert "begun already" not in shown

    def test_an_end_that_is_taken_back_bills_nothing_of_the_time_between(
        self, cast: Cast, olga: Browser, clock: TurnableClock, youtube: Group, ben: Member
    ) -> None:
        cast.tick(at("2026-02-01"))
        cast.do(end_group, youtube.id, ends_on=date(2026, 2, 10), by=cast.olga, now=at("2026-02-02"))
        clock.turn(timedelta(days=20))
        shown = foretold(olga, f"/groups/{youtube.public_id}/edit", ends_on="")

        assert "The next period is April 2026, due on 1 April 2026." in shown


class TestAChange:
    def test_what_is_simulated_says_when_it_is_first_asked_for(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member
    ) -> None:
        cast.tick(NOW)
        page = f"/groups/{youtube.public_id}/prices"
        by_grace = send(olga, page, "from_on", page, amount="15.00").text
        collect_on(cast, 15)
        collected = send(olga, page, "from_on", page, amount="15.00").text

        assert "The first request goes out on 4 April 2026." in by_grace
        assert "The first request goes out on 15 April 2026, the collection day." in collected

    def test_in_a_group_that_rests_nothing_is_promised(
        self, cast: Cast, olga: Browser, youtube: Group, ben: Member
    ) -> None:
        cast.tick(NOW)
        cast.do(pause_group, youtube.id, by=cast.olga, now=NOW)
        page = f"/groups/{youtube.public_id}/prices"

        assert "The first request" not in send(olga, page, "from_on", page, amount="15.00").text


def test_the_members_page_says_on_which_day_they_are_asked(
    app: Flask, runtime: Runtime, cast: Cast, ben: Member
) -> None:
    cast.tick(NOW)
    page = page_of(app, runtime, cast, ben.contact_id)
    before = page.show().text
    collect_on(cast, 15, ben)

    assert "in 31 days, 1 Apr 2026" in before
    assert "you are asked on" not in before
    assert "in 31 days, 1 Apr 2026; you are asked on 15 Apr 2026" in page.show().text
