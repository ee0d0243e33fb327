"""`contact export` and `contact erase` on the command line."""

import json
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import create_engine, text

from substrack.cli.personal import standing_words
from substrack.queries.erasing import Standing
from substrack.services.contact_rows import UnknownContact
from tests.cli.conftest import House

pytestmark = pytest.mark.only_sqlite

LATER = "2026-03-05T12:00:00Z"


@pytest.fixture
def ben(house: House) -> str:
    """Let Ben owe a month, and give his id."""
    house.join(house.group(price="9.00"), "Ben")
    house.do("tick", now=LATER)
    return str(house.payment("Ben")["contact"])


def test_an_export_is_json_of_all_that_is_known(house: House, ben: str) -> None:
    data = house.do("contact", "export", ben, now=LATER)
    assert (data["person"], data["exported_at"]) == (ben, "2026-03-05T12:00:00+00:00")
    assert data["addresses"][0]["value"] == "ben@example.org"
    assert [one["group"] for one in data["members"]] == ["YouTube Premium"]
    assert data["payments"][0]["amount_minor"] == 450
    assert json.dumps(data)


def test_an_export_to_a_file_is_a_zip_for_its_owner_only(house: House, ben: str, tmp_path: Path) -> None:
    wanted = tmp_path / "ben.zip"
    house.do("contact", "export", ben, "--output", str(wanted), now=LATER)
    with ZipFile(wanted) as archive:
        assert json.loads(archive.read("data.json"))["person"] == ben
    assert wanted.stat().st_mode & 0o077 == 0


def test_a_file_that_can_not_be_written_is_a_sentence(house: House, ben: str, tmp_path: Path) -> None:
    said = house.refused("contact", "export", ben, "--output", str(tmp_path / "none" / "x.zip"), now=LATER)
    assert said.startswith("--output: The file can't be written")
    assert _exports_noted(house) == 0


def test_an_export_is_noted_once_it_is_there(house: House, ben: str, tmp_path: Path) -> None:
    house.do("contact", "export", ben, now=LATER)
    house.do("contact", "export", ben, "--output", str(tmp_path / "x.zip"), now=LATER)
    assert _exports_noted(house) == 2


def test_a_file_that_could_not_be_noted_is_not_left(
    house: House, ben: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object, **_named: object) -> None:
        raise UnknownContact

    monkeypatch.setattr("substrack.cli.personal.note_handed_out", fail)
    house.refused("contact", "export", ben, "--output", str(tmp_path / "x.zip"), now=LATER)
    assert not (tmp_path / "x.zip").exists()


def _exports_noted(house: House) -> int:
    engine = create_engine(house.env["SUBSTRACK_DATABASE_URL"])
    with engine.connect() as connection:
        noted = connection.execute(text("SELECT count(*) FROM events WHERE verb = 'export'")).scalar_one()
    engine.dispose()
    return int(noted)


def test_nobody_unknown_is_exported(house: House, ben: str) -> None:
    assert ben
    assert house.refused("contact", "export", "abcabcabcabc") == "There is no such person."


def test_an_erasure_says_what_is_open_and_is_rehearsed_without_a_trace(house: House, ben: str) -> None:
    said = house.refused("contact", "erase", ben, now=LATER)
    assert said.startswith("--anyway: This person is not settled: 2 open payments of theirs. Settle it first")
    tried = house.do("contact", "erase", ben, "--dry-run", now=LATER)
    assert (tried["erased"], tried["forgiven"], tried["needs_anyway"]) == (False, 2, True)
    assert tried["open"] == ["2 open payments of theirs"]
    assert house.do("contact", "export", ben, now=LATER)["contacts"][0]["name"] == "Ben"


def test_an_erasure_is_noted_beside_the_backups(house: House, ben: str) -> None:
    done = house.do("contact", "erase", ben, "--anyway", "--yes", now=LATER)
    assert (done["forgiven"], done["noted"]) == (2, True)
    noted = Path(house.env["SUBSTRACK_DATA_DIR"], "backups", "erasures.jsonl").read_text()
    assert ben in noted
    assert "ben@example.org" not in noted
    assert house.refused("contact", "show", ben) == "There is no such person."


def test_who_was_erased_is_added_again_only_on_purpose(house: House, ben: str) -> None:
    house.do("contact", "erase", ben, "--anyway", "--yes", now=LATER)
    group = house.do("group", "list")[0]["id"]
    add = ("member", "add", "--group", group, "--name", "Ben", "--email", "ben@example.org")
    said = house.refused(*add, now=LATER)
    assert said.endswith("Do they want to be written to again? If so, add --wanted-again.")
    house.do(*add, "--wanted-again", now=LATER)


def test_where_nobody_can_be_asked_nobody_is_erased_without_yes(house: House, ben: str) -> None:
    said = house.refused("contact", "erase", ben, "--anyway", now=LATER)
    assert said.startswith("Erasing is for good, and nobody can be asked here: give --yes")
    assert house.do("contact", "show", ben)["name"] == "Ben"


@pytest.mark.parametrize(("answer", "is_erased"), [("n", False), ("y", True)])
def test_on_a_terminal_nobody_is_erased_unasked(
    house: House, ben: str, monkeypatch: pytest.MonkeyPatch, answer: str, is_erased: bool
) -> None:
    monkeypatch.setattr("substrack.cli.personal.is_asked", lambda: True)

    said = house.run("contact", "erase", ben, "--anyway", now=LATER, stdin=f"{answer}\n")

    assert f"Erase {ben} for good?" in said.stderr
    shown = house.run("contact", "show", ben, now=LATER)
    assert (shown.exit_code == 1) is is_erased


def test_only_what_is_open_is_named() -> None:
    nobody = Standing(0, (), 0, (), 0, (), (), is_last_owner=False, is_admin=False)
    some = replace(nobody, open=3, owed_to=1, groups=("Netflix", "YouTube"))
    said = "3 open payments of theirs, 1 payment owed to them, 2 groups that pay them"
    assert standing_words(some) == said.split(", ")
    assert standing_words(nobody) == []
