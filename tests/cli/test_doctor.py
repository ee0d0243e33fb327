"""`doctor --data` as an operator types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from substrack.bootstrap import Runtime
from substrack.cli.doctor_data import summary
from substrack.doctor.books import put_right
from substrack.queries.faults import Fault
from substrack.services.repaired import Repaired
from tests.cli.conftest import House

OPENED = "2026-01-31T10:30:00+01:00"
RAISED = "UPDATE payments SET amount_minor = amount_minor + 1 WHERE status = 'pending'"
FINGERPRINT = "SELECT secret_fingerprint FROM installation"
NEW_KEY = "quite-another-key-of-enough-characters-4711"
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
@pytest.mark.parametrize(
    "flags", [("--fix",), ("--data", "--yes"), ("--data", "--dry-run"), ("--data", "--fix", "--json")]
)
def test_flags_that_go_without_each_other_are_wrong_usage(bare: House, flags: tuple[str, ...]) -> None:
    assert bare.run("doctor", *flags).exit_code == 2


NO_OPENING = "UPDATE groups SET next_open_at = NULL"


@pytest.mark.only_sqlite
def test_who_breaks_off_hears_what_was_done_and_stays(spoilt: House) -> None:
    write(spoilt, NO_OPENING)
    result = spoilt.run("doctor", "--data", "--fix", now=OPENED, stdin="y\n")
    assert result.exit_code == 1
    assert "Broken off; 1 repair was made and stays." in result.stderr
    assert write(spoilt, HOW_MUCH) == 900


@pytest.mark.only_sqlite
def test_a_program_that_is_broken_off_hears_what_was_done(
    spoilt: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(spoilt, NO_OPENING)

    def put_right_or_leave(runtime: Runtime, fault: Fault, shown: Repaired) -> None:
        if fault.subject == "group":
            raise KeyboardInterrupt
        put_right(runtime, fault, shown)

    monkeypatch.setattr("substrack.cli.doctor_data.put_right", put_right_or_leave)
    result = spoilt.run("doctor", "--data", "--fix", "--yes", "--json", now=OPENED)
    assert result.exit_code == 1
    assert [row["fixed"] for row in json.loads(result.stdout)] == [True, False]


@pytest.mark.only_sqlite
def test_a_look_makes_no_key(spoilt: House) -> None:
    key = Path(spoilt.env["SUBSTRACK_DATA_DIR"]) / "secret-key"
    key.unlink()
    assert f"{key} is missing" in spoilt.refused("doctor", "--data", now=OPENED)
    assert not key.exists()


@pytest.mark.only_sqlite
def test_a_look_makes_no_database(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    house = House(
        {
            "SUBSTRACK_DATABASE_URL": f"sqlite:///{path}",
            "SUBSTRACK_DATA_DIR": str(tmp_path),
            "SUBSTRACK_SECRET_KEYS": NEW_KEY,
        }
    )
    assert f"{path} is not there" in house.refused("doctor", "--data")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.only_sqlite
def test_a_look_puts_no_new_key_in_use(spoilt: House) -> None:
    old = (Path(spoilt.env["SUBSTRACK_DATA_DIR"]) / "secret-key").read_text()
    before = write(spoilt, FINGERPRINT)
    spoilt.env["SUBSTRACK_SECRET_KEYS"] = f"{NEW_KEY},{old}"
    spoilt.run("doctor", "--data", now=OPENED)
    assert write(spoilt, FINGERPRINT) == before
    spoilt.env["SUBSTRACK_SECRET_KEYS"] = NEW_KEY
    assert "not the keys that signed" in spoilt.refused("doctor", "--data", now=OPENED)


@pytest.mark.parametrize(
    ("found", "left", "is_changed", "sentence"),
    [
        (0, 0, False, "Nothing is wrong with the books."),
        (1, 1, False, "1 fault found."),
        (1000, 1000, False, "1,000 or more faults found."),
        (2, 0, True, "Nothing is left wrong; 2 faults found."),
        (3, 1, True, "1 fault is left. Run `doctor --data` to see it."),
        (1000, 1000, True, "1,000 or more faults are left. Run `doctor --data` to see them."),
    ],
)
def test_the_last_line_counts(found: int, left: int, is_changed: bool, sentence: str) -> None:
    assert summary(found, left, is_changed=is_changed) == sentence


@pytest.mark.only_sqlite
@pytest.mark.parametrize("keeps", [0, 4 * 4096])
def test_books_in_a_damaged_file_are_to_be_restored(house: House, keeps: int) -> None:
    path = Path(house.env["SUBSTRACK_DATABASE_URL"].removeprefix("sqlite:///"))
    with path.open("r+b") as file:
        file.seek(keeps)
        file.write(b"\xff" * (path.stat().st_size - keeps))

    said = house.refused("doctor", "--data")

    assert "Keep a copy of the file as it is, move it away" in said
    assert "SUBSTRACK_DATABASE_URL" not in said
