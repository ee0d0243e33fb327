"""`move-database` as an operator types it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import House
from tests.support.databases import Databases, Kind

OPENED = "2026-01-31T10:30:00+01:00"
OTHER: dict[Kind, Kind] = {"sqlite": "postgresql", "postgresql": "sqlite"}


@pytest.fixture
def elsewhere(house: House, databases: Databases, database_kind: Kind) -> Iterator[House]:
    """Give an empty database, to be used with the same data directory."""
    house.join(house.group(), "Ann")
    house.do("tick", now=OPENED)
    with databases.lend(OTHER[database_kind], migrated=False) as url:
        yield House(house.env | {"SUBSTRACK_DATABASE_URL": url})


def url_of(house: House) -> str:
    return house.env["SUBSTRACK_DATABASE_URL"]


def test_a_house_moves_and_the_old_one_says_where_to(house: House, elsewhere: House) -> None:
    before = house.do("payment", "list")

    moved = house.do("move-database", "-", stdin=f"{url_of(elsewhere)}\n")

    assert moved["moved"]
    assert moved["tables"]["payments"] == {"here": 2, "there": 2}
    assert moved["ledger"]["there"]["EUR"]["amounts"] == "17.99"
    assert moved["ledger"]["there"] == moved["ledger"]["here"]
    assert elsewhere.do("payment", "list") == before
    assert "set SUBSTRACK_DATABASE_URL to it" in house.refused("payment", "list")
    assert house.do("move-database", "--take-back") == {"taken_back": True}
    assert house.do("payment", "list") == before


@pytest.mark.only_sqlite
def test_people_see_both_sides_and_what_to_do_next(house: House, elsewhere: House, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"{url_of(elsewhere)}\n")

    tried = house.run("move-database", "--url-file", str(tmp_path / "url"), "--dry-run").stdout
    moved = house.run("move-database", "--url-file", str(tmp_path / "url"))

    assert "payments        2          2\n" in tried
    assert "EUR       amounts      17.99  17.99\n" in tried
    assert "Nothing was changed." in tried
    assert tried.split("All of it")[0] == moved.stdout.split("The books are at")[0]
    assert f"the secret key as well: {tmp_path / 'secret-key'}" in moved.stderr


@pytest.mark.only_sqlite
def test_a_password_is_told_to_be_seen_and_never_repeated(house: House, elsewhere: House) -> None:
    url = url_of(elsewhere).replace("postgres:@", "postgres:hunter2@")
    assert "hunter2" in url

    moved = house.run("move-database", url)

    assert "stood in the list of processes" in moved.stderr
    assert "hunter2" not in moved.output
    assert "hunter2" not in house.refused("payment", "list")


@pytest.mark.only_sqlite
@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("sqlite:///other.db", "--url-file", "url"),
        ("sqlite:///other.db", "--take-back"),
    ],
)
def test_exactly_one_place_is_named(house: House, arguments: tuple[str, ...]) -> None:
    assert house.run("move-database", *arguments).exit_code == 2


@pytest.mark.only_sqlite
def test_refusals_are_a_sentence(house: House, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name, says in (("nothing", "is not there"), (".", "can't be read"), ("empty", "is empty")):
        assert says in house.refused("move-database", "--url-file", str(tmp_path / name))
    assert "are in already" in house.refused("move-database", url_of(house))


@pytest.mark.only_sqlite
def test_who_takes_books_back_is_told_of_the_other_ones(house: House, elsewhere: House) -> None:
    house.do("move-database", "-", stdin=f"{url_of(elsewhere)}\n")

    assert "It is an old one, which its books left on" in elsewhere.refused("move-database", url_of(house))
    taken = house.run("move-database", "--take-back")

    assert taken.stdout == "The books live here again.\n"
    assert "stay alive as well" in taken.stderr
    assert "is not in here" in taken.stderr
