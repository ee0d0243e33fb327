"""Claims about double taps on forms that make something: it is made once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from werkzeug.test import TestResponse

from substrack.store import Contact, Group, Member
from tests.support.cast import Cast
from tests.web.admin import events, group_of
from tests.web.forms import fill, send
from tests.web.scenes import youtube_of
from tests.web.support import Browser, TurnableClock


def tap_twice(
    who: Browser, page: str, holding: str, to: str | None = None, **typed: Any
) -> list[TestResponse]:
    form = fill(who.get(page).text, holding) | typed
    return [who.client.post(to or page, data=form) for _tap in range(2)]


def count(cast: Cast, table: type[Contact] | type[Group] | type[Member]) -> int:
    return cast.read(lambda session: session.scalar(select(func.count()).select_from(table)) or 0)


def test_a_group_is_set_up_once(olga: Browser, cast: Cast) -> None:
    first, second = tap_twice(olga, "/groups/new", "price", name="Netflix", price="10", people="Ann, Bob")

    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert (count(cast, Group), count(cast, Member)) == (1, 3)


def test_the_same_again_on_purpose_is_another_group(olga: Browser, cast: Cast) -> None:
    for _time in range(2):
        send(olga, "/groups/new", "price", name="Netflix", price="10")

    assert count(cast, Group) == 2


def test_a_form_that_one_went_back_to_makes_what_it_says_now(olga: Browser, cast: Cast) -> None:
    form = fill(olga.get("/groups/new").text, "price") | {"name": "Netflix", "price": "10"}

    olga.client.post("/groups/new", data=form)
    olga.client.post("/groups/new", data=form | {"name": "Spotify"})

    assert count(cast, Group) == 2


def test_a_member_without_an_address_joins_once(olga: Browser, cast: Cast) -> None:
    youtube_of(cast, "Ben")
    page, before = f"/groups/{group_of(cast, 'YouTube Premium').public_id}", count(cast, Contact)

    join = f"{page}/members/new"
    shown = send(olga, join, "email", name="Kim", email="")
    applied = fill(shown.text, "seen")
    answers = [olga.client.post(join, data=applied) for _tap in range(2)]

    assert [answer.location for answer in answers] == [page, page]
    assert count(cast, Contact) == before + 1


def test_a_person_is_added_once(olga: Browser, cast: Cast) -> None:
    before = count(cast, Contact)

    first, second = tap_twice(olga, "/people", "name", name="Kim")

    assert first.location == second.location
    assert count(cast, Contact) == before + 1


def test_an_admin_is_invited_once(olga: Browser, cast: Cast) -> None:
    tap_twice(olga, "/admins", "email", name="Ada", email="ada@example.org")

    assert len(cast.messages(notice="invite")) == 1


def test_what_was_refused_is_made_by_the_next_press(olga: Browser, cast: Cast) -> None:
    form = fill(olga.get("/groups/new").text, "price") | {"name": "Netflix", "price": "10"}
    before = events(cast)

    refused = olga.client.post("/groups/new", data=form | {"price": "ten"})

    assert (refused.status_code, events(cast)) == (422, before)
    assert olga.client.post("/groups/new", data=form).status_code == 303


def test_a_reset_is_mailed_once_in_five_minutes(zed: Browser, cast: Cast, clock: TurnableClock) -> None:
    for minutes in (0, 1, 4, 1):
        clock.turn(timedelta(minutes=minutes))
        zed.post("/reset", email="olga@example.org")

    assert len(cast.messages(notice="reset")) == 2
