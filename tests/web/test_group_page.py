"""Claims about the page of a group: what comes next, its other pages, and crowds."""

from __future__ import annotations

import re
from datetime import date

import pytest
from flask import Flask

from substrack.bootstrap import Runtime
from substrack.domain.shares import SplitKind
from substrack.queries.group_page import load_matrix
from substrack.queries.group_periods import MANY, load_periods
from substrack.queries.period_cells import BY_URGENCY, load_cells
from substrack.services.members import leave_group
from substrack.services.payments import confirm_payment, waive_payment
from substrack.services.prices import set_price
from substrack.store import Member
from tests.support.cast import Cast, money
from tests.web.admin import group_of, period, stranger
from tests.web.crowds import crowd
from tests.web.forms import counted, fill, press, send
from tests.web.scenes import claim, join_again, payment_now, status_of, youtube_of
from tests.web.support import NOW, Browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

ENOUGH = 120_000
"""The most bytes a page may have."""


@pytest.fixture
def url(cast: Cast, members: dict[str, Member]) -> str:
    return f"/groups/{group_of(cast, 'YouTube Premium').public_id}"


class TestNextStep:
    def test_one_press_confirms_all_that_waits_in_the_period_shown_and_one_undoes_it(
        self, olga: Browser, cast: Cast, members: dict[str, Member], url: str
    ) -> None:
        for member in members.values():
            claim(cast, member, 2)
        shown = olga.get(url).text
        assert "Ben and Mia said they paid 5.98\xa0€" in shown

        answer = olga.client.post(
            "/review", data=fill(shown, "claim") | {"claim": _claims(shown), "act": "confirm"}
        )

        assert (answer.status_code, answer.location) == (303, url)
        assert {status_of(cast, member, 2) for member in members.values()} == {"confirmed"}
        after = olga.get(url).text
        assert "said they paid" not in after
        undo = after[after.index("/decisions/") :].partition('"')[0]
        also = after.split('name="also" value="')[1].partition('"')[0]
        press(olga, url, undo, next=url, also=also)
        assert {status_of(cast, member, 2) for member in members.values()} == {"member_confirmed"}

    def test_what_waits_in_a_period_that_is_not_shown_is_looked_at_first(
        self, olga: Browser, cast: Cast, members: dict[str, Member], url: str
    ) -> None:
        claim(cast, members["Ben"], 1)

        latest, older = olga.get(url).text, olga.get(f"{url}?before=2").text

        assert "1 to check</a>" in latest
        assert 'value="confirm"' not in latest
        assert 'value="confirm"' in older

    def test_claims_of_other_groups_are_not_confirmed_along(
        self, olga: Browser, cast: Cast, members: dict[str, Member], url: str
    ) -> None:
        phone = cast.group("Phone", "10.00")
        mine = join_again(cast, phone, "Zoe")
        claim(cast, mine, 1)

        assert 'value="confirm"' not in olga.get(url).text

    def test_a_missing_bill_comes_before_asking(self, olga: Browser, cast: Cast) -> None:
        pitch = cast.group("Pitch", split=SplitKind.VARIABLE)
        cast.join(pitch, "Ben")
        cast.tick(NOW)

        shown = olga.get(f"/groups/{pitch.public_id}").text

        assert f'/periods/{period(cast, pitch, 1).public_id}#bill"' in shown
        assert "Enter the bill of February 2026" in shown

    def test_a_group_without_periods_opens_its_first_by_hand(self, olga: Browser, cast: Cast) -> None:
        group = cast.group(starts_on=date(2026, 5, 1))
        cast.join(group, "Ben")
        page = f"/groups/{group.public_id}"

        shown = olga.get(page).text
        assert "Shared with Ben." in shown
        assert shown.count(f'action="{page}/periods"') == 1
        assert press(olga, page, f"{page}/periods").status_code == 303
        assert "May 2026" in olga.get(page).text


@pytest.mark.only_sqlite
def test_a_price_that_begins_later_is_said_beside_todays(
    olga: Browser, cast: Cast, members: dict[str, Member], url: str
) -> None:
    group, april = group_of(cast, "YouTube Premium"), date(2026, 4, 1)
    cast.do(set_price, group.id, amount=money("31.00"), from_on=april, by=cast.olga, now=NOW)

    for page in (url, "/groups"):
        shown = " ".join(re.sub("<[^>]+>", "", olga.get(page).text).replace("\xa0", " ").split())
        assert "8.97 € (31.00 € from 1 Apr" in shown


class TestPeriods:
    def test_the_period_shown_can_be_left_in_both_directions(
        self, olga: Browser, url: str, members: dict[str, Member]
    ) -> None:
        latest, older = olga.get(url).text, olga.get(f"{url}?before=2").text

        assert f'{url}?before=2" aria-label="Earlier period"' in latest
        assert "Later period" not in latest
        assert f'{url}?before=3" aria-label="Later period"' in older
        assert "Earlier period" not in older

    def test_every_state_is_said_in_a_word(
        self, olga: Browser, cast: Cast, members: dict[str, Member], url: str
    ) -> None:
        claim(cast, members["Mia"], 2)
        cells = olga.get(url).text.split("<tbody>")[1].split("</tbody>")[0]

        for word in ("Open", "To check", "own share"):
            assert f"{word}</span>" in cells

    def test_sums_are_those_of_the_books(
        self, olga: Browser, cast: Cast, members: dict[str, Member], url: str
    ) -> None:
        paid = cast.payment_of(members["Ben"], 2)
        cast.do(confirm_payment, paid.id, by=cast.olga, now=NOW)

        for page in (url, f"/periods/{period(cast, group_of(cast, 'YouTube Premium'), 2).public_id}"):
            shown = olga.get(page).text
            assert "1 of 2" in shown
            assert "2.99\xa0€" in shown


class TestOtherPages:
    def test_members_terms_and_journal_are_one_tap_away(self, olga: Browser, url: str) -> None:
        shown = olga.get(url).text
        group = url.removeprefix("/groups/")

        for path in (f"{url}/members", f"{url}/terms", f"/journal?group={group}"):
            assert f'href="{path}"' in shown
            assert olga.get(path).status_code == 200

    def test_the_former_address_of_the_journal_still_leads_there(self, olga: Browser, url: str) -> None:
        answer = olga.get(f"{url}/journal")

        assert answer.location == f"/journal?group={url.removeprefix('/groups/')}"

    def test_terms_tell_price_how_to_pay_and_how_it_asks(self, olga: Browser, url: str) -> None:
        shown = olga.get(f"{url}/terms").text

        for told in ("8.97\xa0€", "members are told to ask Olga", "is asked 3 days later", "8 times at most"):
            assert told in shown

    def test_those_who_left_are_on_a_page_of_their_own(
        self, olga: Browser, cast: Cast, members: dict[str, Member], url: str
    ) -> None:
        cast.do(leave_group, members["Mia"].id, left_on=date(2026, 2, 15), by=cast.olga, now=NOW)

        there, left = olga.get(f"{url}/members").text, olga.get(f"{url}/members?left=1").text

        assert (">Ben</a>" in there, ">Mia</a>" in there) == (True, False)
        assert (">Ben</a>" in left, ">Mia</a>" in left) == (False, True)

    def test_who_left_stays_in_the_table_while_a_period_shown_names_them(
        self, olga: Browser, cast: Cast, members: dict[str, Member], url: str
    ) -> None:
        cast.do(leave_group, members["Mia"].id, left_on=date(2026, 2, 15), by=cast.olga, now=NOW)

        assert ">Mia</a>" in olga.get(url).text

    def test_strangers_see_none_of_them(self, app: Flask, runtime: Runtime, url: str) -> None:
        zed = stranger(app, runtime)

        for path in (f"{url}/members", f"{url}/terms", f"{url}/journal"):
            assert zed.get(path).status_code == 404


class TestSearch:
    @pytest.mark.parametrize("typed", ["zoë", "ZOË", " zo "])
    def test_a_piece_of_a_name_finds_it_in_any_case(
        self, olga: Browser, cast: Cast, members: dict[str, Member], url: str, typed: str
    ) -> None:
        cast.join(group_of(cast, "YouTube Premium"), "Zoë", email=None)

        shown = olga.client.get(f"{url}/members", query_string={"q": typed}).text

        assert ">Zoë</a>" in shown
        assert ">Ben</a>" not in shown

    def test_signs_of_patterns_are_searched_for_as_they_stand(self, olga: Browser, url: str) -> None:
        shown = olga.get(f"{url}/members?q=%25").text

        assert "Nobody found" in shown

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("odd", ["page=0", "page=-1", "page=x", "page=99999999999", "before=x", "q="])
    def test_odd_addresses_show_the_page_all_the_same(self, olga: Browser, url: str, odd: str) -> None:
        for path in (url, f"{url}/members"):
            assert olga.get(f"{path}?{odd}").status_code == 200


def test_the_table_gives_a_phone_the_list_that_a_statement_of_its_own_would(cast: Cast) -> None:
    group = cast.group("Club", "80.00")
    members = [cast.join(group, name) for name in ("Ben", "Mia", "Ann", "Cleo")]
    members.append(cast.join(group, "Ann", email="ann.two@example.org"))
    cast.tick(NOW)
    cast.tick(NOW)
    claim(cast, members[2], 2)
    confirmed, waived = (cast.payment_of(member, 2).id for member in members[:2])
    cast.do(confirm_payment, confirmed, received_on=date(2026, 1, 31), by=cast.olga, now=NOW)
    cast.do(waive_payment, waived, reason="Birthday", by=cast.olga, now=NOW)

    periods = cast.read(lambda session: load_periods(session, group.id)).columns
    matrix = cast.read(lambda session: load_matrix(session, group.id, periods, payer_id=group.payer_id))
    listed = cast.read(lambda session: load_cells(session, periods[0]))

    assert matrix.latest() == listed
    assert [cell.name.partition(" (")[0] for cell in listed.cells] == [
        "Ann",
        "Cleo",
        "Ann",
        "Ben",
        "Mia",
        "Olga",
    ]
    assert len({cell.name for cell in listed.cells}) == 6


class TestCrowds:
    def test_two_thousand_take_a_statement_a_status_more_at_most_and_no_more_room(
        self, runtime: Runtime, olga: Browser, cast: Cast, members: dict[str, Member], url: str
    ) -> None:
        club = crowd(cast, 2000)
        spring = f"/periods/{period(cast, club, 2).public_id}"
        small = f"/periods/{period(cast, group_of(cast, 'YouTube Premium'), 2).public_id}"
        for few_path, many_path in (
            (url, f"/groups/{club.public_id}"),
            (f"{url}/members", f"/groups/{club.public_id}/members"),
            (small, spring),
        ):
            with counted(runtime) as few:
                olga.get(few_path)
            with counted(runtime) as many:
                shown = olga.get(many_path).text
            for_statuses = len(BY_URGENCY) if many_path.startswith("/groups/") else 0
            assert len(many) <= len(few) + for_statuses, many_path
            assert len(many) <= 21, many_path
            assert len(shown.encode()) < ENOUGH, many_path
            assert "Guest 0040" in shown
            assert "Guest 0080" not in shown

    def test_very_many_are_added_up_on_the_page_of_their_period_and_listed_whole(
        self, olga: Browser, cast: Cast
    ) -> None:
        club = crowd(cast, MANY + 30)
        latest = period(cast, club, 2)
        paid = cast.payments(period_id=latest.id, kind="dues")[0]
        cast.do(confirm_payment, paid.id, by=cast.olga, now=NOW)
        [own] = cast.payments(period_id=latest.id, kind="own")

        first, last = (
            olga.get(f"/groups/{club.public_id}").text,
            olga.get(f"/groups/{club.public_id}?page=21").text,
        )
        due = [re.findall(r'<li><a href="/payments/(\w+)"', shown) for shown in (first, last)]

        assert f'/periods/{latest.public_id}">Add it all up</a>' in first
        assert f"of {MANY + 30} paid" not in first
        assert f"1 of {MANY + 30}" in olga.get(f"/periods/{latest.public_id}").text
        assert [len(one) for one in due] == [50, 31]
        assert due[1][-2:] == [paid.public_id, own.public_id]

    def test_sums_are_of_everybody_and_the_rest_is_on_later_pages(self, olga: Browser, cast: Cast) -> None:
        club = crowd(cast, 120)
        page = f"/groups/{club.public_id}"
        ben = next(one for one in cast.payments(group_id=club.id) if one.kind == "dues")
        cast.do(confirm_payment, ben.id, by=cast.olga, now=NOW)

        first, second = olga.get(f"{page}?before=2").text, olga.get(f"{page}?before=2&page=2").text

        assert payment_now(cast, ben).status == "confirmed"
        for shown in (first, second):
            assert "1 of 120 paid" in shown
            assert "119.00\xa0€" in shown.split("<tfoot>")[1]
        assert "Guest 0070" in second
        assert "Guest 0070" not in first
        assert "Guest 0110" in olga.get(f"{page}?q=guest+0110").text


def _claims(shown: str) -> list[str]:
    return [part.partition('"')[0] for part in shown.split('name="claim" value="')[1:]]


@pytest.mark.only_sqlite
def test_a_decision_on_a_page_that_was_shown_again_leads_to_a_page_that_opens(
    olga: Browser, cast: Cast
) -> None:
    claim(cast, youtube_of(cast, "Ben")["Ben"], 1, 2)
    here = f"/groups/{group_of(cast, 'YouTube Premium').public_id}"
    shown = send(olga, here, "ends_on", f"{here}/end", ends_on="garbage")
    assert shown.status_code == 422

    confirm = fill(shown.text, "claim") | {"act": "confirm"}
    answer = olga.client.post("/review", data=confirm)

    assert (answer.status_code, answer.location) == (303, here)
