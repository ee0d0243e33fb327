"""With `--dry-run` a command shows what it would do, and leaves every table as it was; on both databases."""

from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from tests.cli.conftest import House

LATER = "2026-03-05T12:00:00Z"


@pytest.fixture
def names(house: House) -> dict[str, str]:
    """Name what there is: two periods of 9.00 between olga and ben, one of them void, and 1.00 that came."""
    group = house.group(price="9.00")
    member = house.join(group, "Ben")
    house.do("tick", now=LATER)
    _first, second = (one["id"] for one in house.do("period", "list"))
    payment = house.payment("Ben", sequence=1)
    money = ("receipt", "add", "--contact", payment["contact"], "--amount", "1.00")
    receipt = house.do(*money, now=LATER)["id"]
    house.do("period", "void", second, "--reason", "free month", now=LATER)
    voided = next(one["id"] for one in house.do("period", "list", "--all") if one["voided_at"])
    live = next(one["id"] for one in house.do("period", "list"))
    names = {"group": group, "member": member, "person": payment["contact"], "payment": payment["id"]}
    return names | {"receipt": receipt, "live": live, "voided": voided}


@pytest.mark.parametrize(
    "arguments",
    [
        ("member", "tell", "--group", "{group}"),
        ("contact", "edit", "{person}", "--name", "Benno", "--email", "benno@example.org"),
        ("period", "edit", "{live}", "--total", "12", "--reason", "dearer"),
        ("period", "void", "{live}", "--reason", "free month"),
        ("period", "restore", "{voided}"),
        ("period", "open", "--group", "{group}"),
        ("receipt", "add", "--contact", "{person}", "--amount", "2"),
        ("receipt", "void", "{receipt}", "--reason", "bounced"),
        ("payment", "claim", "{payment}"),
        ("payment", "confirm", "{payment}"),
        ("payment", "waive", "{payment}", "--reason", "birthday"),
        ("payment", "adjust", "{payment}", "--amount", "3", "--reason", "agreed"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_dry_run_leaves_every_table_as_it_was(
    house: House, names: dict[str, str], arguments: tuple[str, ...]
) -> None:
    before, spoken = _rows(house), tuple(one.format(**names) for one in arguments)
    shown = house.do(*spoken, "--dry-run", now=LATER)
    assert _rows(house) == before
    done = house.do(*spoken, now=LATER)
    assert _rows(house) != before
    assert _lasting(shown) == _lasting(done)


def _lasting(shown: Any) -> Any:
    """Leave out the ids and references of what is made, which are drawn anew each time."""
    return {key: value for key, value in shown.items() if key not in ("id", "voided_at")}


def _rows(house: House) -> dict[str, list[str]]:
    engine = create_engine(house.env["SUBSTRACK_DATABASE_URL"])
    try:
        with engine.connect() as connection:
            return {
                name: sorted(map(str, connection.execute(text(f'SELECT * FROM "{name}"'))))
                for name in inspect(connection).get_table_names()
            }
    finally:
        engine.dispose()
