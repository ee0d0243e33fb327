"""`doctor --data` as an operator types it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from tests.cli.conftest import House

OPENED = "2026-01-31T10:30:00+01:00"
RAISED = "UPDATE payments SET amount_minor = amount_minor + 1 WHERE status = 'pending'"
HOW_MUCH = "SELECT amount_minor FROM payments WHERE status = 'pending'"


@pytest.fixture
def spoilt(house: House) -> House:
    """Give a house in which somebody changed an amount by hand."""
    house.join(house.group(), "Ann")
    house.do("tick", now=OPENED)
    write(house, RAISED)
    return house


def write(house: House, statement: str) -> Any:
    engine = sa.create_engine(house.env["SUBSTRACK_DATABASE_URL"])
    with engine.begin() as connection:
        result = connection.execute(sa.text(statement))
        found = result.scalar() if result.returns_rows else None
    engine.dispose()
    return found


def test_books_that_are_right_end_in_zero(house: House) -> None:
    result = house.run("doctor", "--data", now=OPENED)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing is wrong with the books." in result.stderr


def test_faults_are_shown_and_nothing_is_changed(spoilt: House) -> None:
    result = spoilt.run("doctor", "--data", "--json", now=OPENED)
    assert result.exit_code == 1
    rows = json.loads(result.stdout)
    assert [(row["kind"], row["has_fix"], row["fixed"]) for row in rows] == [
        ("payment_changed", True, False),
        ("period_sum", True, False),
    ]
    assert rows[0]["facts"]["row"]["amount"] == "9.01"
    assert write(spoilt, HOW_MUCH) == 901


@pytest.mark.only_sqlite
@pytest.mark.parametrize(
    ("more", "answer", "left", "status"),
    [
        (("--dry-run",), "", 901, 1),
        ((), "n\n", 901, 1),
        ((), "y\n", 900, 0),
        (("--yes",), "", 900, 0),
    ],
    ids=["dry run", "no", "yes", "yes to all"],
)
def test_a_repair_shows_before_and_after_and_asks(
    spoilt: House, more: tuple[str, ...], answer: str, left: int, status: int
) -> None:
    result = spoilt.run("doctor", "--data", "--fix", *more, now=OPENED, stdin=answer)

    assert result.exit_code == status, result.output
    assert "before  amount 9.01\n  after   amount 9.00" in result.stdout
    assert ("right? [y/N]" in result.stderr) == (not more)
    assert write(spoilt, HOW_MUCH) == left


def test_all_is_put_right_for_a_program(spoilt: House) -> None:
    rows = spoilt.do("doctor", "--data", "--fix", "--yes", now=OPENED)
    assert [row["fixed"] for row in rows] == [True, False]
    assert rows[1]["advice"] == "It is right by now; nothing was changed."
    assert spoilt.do("doctor", "--data", now=OPENED) == []


@pytest.mark.only_sqlite
def test_who_says_nothing_changes_nothing(spoilt: House) -> None:
    result = spoilt.run("doctor", "--data", "--fix", now=OPENED)
    assert result.exit_code == 1
    assert write(spoilt, HOW_MUCH) == 901


@pytest.mark.only_sqlite
@pytest.mark.parametrize("flags", [("--fix",), ("--data", "--yes"), ("--data", "--dry-run")])
def test_flags_that_go_without_each_other_are_wrong_usage(bare: House, flags: tuple[str, ...]) -> None:
    assert bare.run("doctor", *flags).exit_code == 2
