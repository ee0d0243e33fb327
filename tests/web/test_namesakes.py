"""Claims about people of one name: wherever two stand in one list, something tells them apart."""

from __future__ import annotations

import re

import pytest

from substrack.bootstrap import Runtime
from substrack.store import Member
from tests.support.cast import Cast
from tests.web.admin import group_of
from tests.web.forms import counted, send
from tests.web.scenes import claim
from tests.web.support import NOW, Browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def anns(cast: Cast) -> tuple[Member, Member, Member]:
    """Three Anns share YouTube Premium; two have a mailbox each, and all of them owe."""
    group = cast.group("YouTube Premium", "12.00")
    cast.join(group, "Ben")
    first, second = (cast.join(group, "Ann", email=f"{box}@example.org") for box in ("ann", "ann.two"))
    third = cast.join(group, "ann", email=None)
    for _period in range(2):
        cast.tick(NOW)
    return first, second, third


@pytest.fixture
def places(cast: Cast, anns: tuple[Member, ...]) -> dict[str, str]:
    other = cast.group("Spotify")
    return {"group": group_of(cast, "YouTube Premium").public_id, "other": other.public_id}


CALLED = ("Ann (ann@example.org)", "Ann (ann.two@example.org)", "ann (YouTube Premium)")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/people",
        "/money-in",
        "/ask",
        "/messages",
        "/messages/preview",
        "/groups/{group}",
        "/groups/{group}/members",
        "/groups/{other}/members/new",
        "/groups/{group}/tell",
        "/groups/{group}/ask",
        "/groups/{group}/edit",
        "/groups/new",
    ],
)
def test_namesakes_are_told_apart(olga: Browser, places: dict[str, str], path: str) -> None:
    shown = olga.get(path.format(**places)).text

    for called in CALLED:
        assert called in shown
    assert "Ben (" not in shown


def test_namesakes_are_told_apart_in_review(
    olga: Browser, cast: Cast, anns: tuple[Member, Member, Member]
) -> None:
    for ann in anns:
        claim(cast, ann)

    shown = olga.get("/review").text

    assert re.findall(r'<h2 id="claim-\w+">(.*?)</h2>', shown) == list(CALLED)


def test_who_is_alone_in_a_list_is_not_explained(olga: Browser, anns: tuple[Member, ...]) -> None:
    shown = olga.get("/people?q=Ben").text

    assert ">Ben</a>" in shown


def test_who_has_nothing_of_their_own_gets_a_number(cast: Cast, olga: Browser) -> None:
    for _one in range(2):
        send(olga, "/people", "name", name="Zoe")

    shown = olga.get("/people").text

    assert ">Zoe (1)</a>" in shown
    assert ">Zoe (2)</a>" in shown


def test_telling_apart_takes_two_statements_however_many_there_are(
    olga: Browser, runtime: Runtime, cast: Cast, anns: tuple[Member, ...]
) -> None:
    with counted(runtime) as few:
        olga.get("/people")
    for number in range(5):
        cast.join(group_of(cast, "YouTube Premium"), "Ann", email=f"ann.{number}@example.org")
    with counted(runtime) as many:
        olga.get("/people")

    assert len(many) == len(few)
