"""Claims about choosing a person in a crowd: no list of thousands; whoever is meant is found by typing."""

from __future__ import annotations

import pytest

from substrack.bootstrap import Runtime
from substrack.store import Group
from tests.support.cast import Cast
from tests.web.admin import contact_named, group_of
from tests.web.crowds import crowd
from tests.web.forms import counted, fill, press, send
from tests.web.support import Browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

MANY = 150
"""More people than a list of a form takes, in three pages of members."""


@pytest.fixture
def club(cast: Cast) -> Group:
    return crowd(cast, MANY)


@pytest.fixture
def url(club: Group) -> str:
    return f"/groups/{club.public_id}"


def options(page: str, name: str) -> int:
    """Count what a select offers."""
    select = page.split(f'name="{name}"')[1].partition("</select>")[0]
    return select.count("<option")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/groups/new", "payer"),
        ("{url}/edit", "payer"),
        ("{url}/members/new", "known"),
        ("/messages", "person"),
        ("/messages/preview", "person"),
    ],
)
def test_no_form_lists_a_crowd(olga: Browser, url: str, path: str, name: str) -> None:
    assert options(olga.get(path.format(url=url)).text, name) <= 3


@pytest.mark.only_sqlite
def test_few_are_listed_and_nothing_needs_to_be_typed(olga: Browser, cast: Cast) -> None:
    cast.join(cast.group("Spotify"), "Ben")

    shown = olga.get("/groups/new").text

    assert options(shown, "payer") == 2
    assert "payer_typed" not in shown


class TestTyping:
    TYPED = {"name": "Boat", "price": "10", "starts_on": "2026-03-05"}

    @pytest.mark.parametrize("typed", ["Guest 0007", " guest 0007", "st 0007"])
    def test_who_is_typed_is_the_payer(self, olga: Browser, cast: Cast, club: Group, typed: str) -> None:
        answer = send(olga, "/groups/new", "price", payer_typed=typed, **self.TYPED)

        assert answer.status_code == 303
        assert group_of(cast, "Boat").payer_id == contact_named(cast, "Guest 0007").id

    def test_an_address_says_it_best(self, olga: Browser, cast: Cast, club: Group) -> None:
        joined = cast.join(cast.group("Spotify"), "Guest 0007", email="seven@example.org")

        send(olga, "/groups/new", "price", payer_typed="Seven@example.org", **self.TYPED)

        assert group_of(cast, "Boat").payer_id == joined.contact_id

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ("Guest", "Several people fit “Guest”: Guest 0001, Guest 0002"),
            ("Nobody", "Nobody you know is called “Nobody”"),
        ],
    )
    def test_what_says_not_who_is_meant_is_refused_beside_it(
        self, olga: Browser, club: Group, typed: str, said: str
    ) -> None:
        answer = send(olga, "/groups/new", "price", payer_typed=typed, **self.TYPED)

        assert answer.status_code == 422
        beside = answer.text.split('name="payer_typed"')[1].partition("</div>")[0]
        assert said in beside

    def test_who_was_typed_is_picked_from_then_on(self, olga: Browser, cast: Cast, club: Group) -> None:
        form = fill(olga.get("/groups/new").text, "price") | self.TYPED | {"payer_typed": "Guest 0007"}

        shown = olga.client.post("/groups/new/preview", data=form).text

        seven = contact_named(cast, "Guest 0007").public_id
        assert f'<option selected value="{seven}">Guest 0007</option>' in shown
        assert fill(shown, "price")["payer_typed"] == ""

    def test_somebody_known_joins_another_group(self, olga: Browser, cast: Cast, club: Group) -> None:
        boat = cast.group("Boat")
        page = f"/groups/{boat.public_id}/members/new"

        shown = send(olga, page, "known", known_typed="Guest 0007").text
        answer = olga.client.post(page, data=fill(shown, "seen"))

        assert answer.status_code == 303
        assert ">Guest 0007</a>" in olga.get(f"/groups/{boat.public_id}/members").text

    def test_messages_of_somebody_are_found_by_a_piece_of_the_name(self, olga: Browser, url: str) -> None:
        shown = olga.get("/messages?q=nobody").text

        assert "No such messages" in shown
        assert 'value="nobody"' in shown


class TestTellingACrowd:
    def test_a_page_shows_some_and_finds_the_others(self, olga: Browser, url: str) -> None:
        first, last = olga.get(f"{url}/tell").text, olga.get(f"{url}/tell?page=3").text

        assert first.count('name="member"') == last.count('name="member"') == 50
        assert f'href="{url}/tell?page=2"' in first
        assert olga.get(f"{url}/tell?q=0007").text.count('name="member"') == 1

    def test_statements_do_not_grow_with_the_group(
        self, olga: Browser, runtime: Runtime, cast: Cast, url: str
    ) -> None:
        cast.join(small := cast.group("Spotify"), "Ben")
        with counted(runtime) as few:
            olga.get(f"/groups/{small.public_id}/tell")
        with counted(runtime) as many:
            olga.get(f"{url}/tell")

        assert len(many) == len(few)

    def test_one_press_tells_everybody_on_all_pages_who_was_not_told(
        self, olga: Browser, cast: Cast, club: Group, url: str
    ) -> None:
        for name in ("Ann", "Zoe"):
            cast.join(club, name)

        answer = send(olga, f"{url}/tell", "member", whom="all")

        assert answer.location == url
        assert len(cast.messages(notice="welcome")) == 2
        assert "Everybody" not in olga.get(url).text

    def test_only_members_of_the_group_are_told(self, olga: Browser, cast: Cast, url: str) -> None:
        ann = cast.join(cast.group("Spotify"), "Ann")

        press(olga, f"{url}/tell", f"{url}/tell", member=ann.public_id)

        assert cast.messages(notice="welcome") == []
