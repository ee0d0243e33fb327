"""An upgrade of books makes a backup first, says where, and does nothing when that fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from substrack.store.schema import find_revision, newest_revision
from substrack.upkeep.archive import verify
from tests.cli.conftest import House
from tests.support.databases import Databases, Kind
from tests.upgrades.states import load_state, lost_since, reading_engine, states

LAST = [state for state in states() if state.stem != newest_revision()][-1]
"""The newest state that is older than this version."""


@pytest.fixture
def old(databases: Databases, database_kind: Kind, tmp_path: Path) -> Iterator[House]:
    """Give the books of a former revision."""
    with databases.lend(database_kind, migrated=False) as url:
        load_state(LAST, url)
        yield House({"SUBSTRACK_DATABASE_URL": url, "SUBSTRACK_DATA_DIR": str(tmp_path / "data")})


def revision_of(house: House) -> str | None:
    with reading_engine(house.env["SUBSTRACK_DATABASE_URL"]) as engine, engine.connect() as connection:
        return find_revision(connection)


def backups_of(house: House) -> list[Path]:
    """List the backups; a list of erasures may lie beside them."""
    return sorted(Path(house.env["SUBSTRACK_DATA_DIR"]).glob("backups/*.zip"))


def test_the_books_as_they_were_lie_in_a_backup_that_restores(
    old: House, databases: Databases, database_kind: Kind, tmp_path: Path
) -> None:
    said = old.run("migrate").stdout

    (path,) = backups_of(old)
    assert f"The database as it was before lies in {path}." in said
    assert revision_of(old) == newest_revision()
    kept = verify(path)
    assert (kept.revision, kept.reason) == (LAST.stem, f"before-{newest_revision()}")
    with databases.lend(database_kind, migrated=False) as url:
        other = House({"SUBSTRACK_DATABASE_URL": url, "SUBSTRACK_DATA_DIR": str(tmp_path / "other")})
        assert other.do("restore", str(path), "--new-key")["restored"]
        grown = {"events": kept.rows["events"] + 1}
        assert [line for line in lost_since(kept, url) if not line.startswith(tuple(grown))] == []


@pytest.mark.only_sqlite
@pytest.mark.parametrize("way", ["flag", "setting"])
def test_whoever_wants_none_gets_none(old: House, way: str) -> None:
    if way == "setting":
        old.env["SUBSTRACK_BACKUPS"] = "false"
    old.run("migrate", *(["--no-backup"] if way == "flag" else []))

    assert revision_of(old) == newest_revision()
    assert backups_of(old) == []


@pytest.mark.only_sqlite
def test_nothing_is_upgraded_when_the_backup_fails(old: House, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    old.env["SUBSTRACK_BACKUP_DIR"] = str(tmp_path / "file" / "backups")

    assert old.refused("migrate").startswith("Nothing was upgraded, because the backup before it failed.")
    assert revision_of(old) == LAST.stem


@pytest.mark.only_sqlite
def test_a_new_database_needs_no_backup(databases: Databases, tmp_path: Path) -> None:
    with databases.lend("sqlite", migrated=False) as url:
        new = House({"SUBSTRACK_DATABASE_URL": url, "SUBSTRACK_DATA_DIR": str(tmp_path)})

        assert new.run("migrate").stdout == "The database is up to date.\n"
        assert new.run("migrate").stdout == "The database is up to date.\n"
        assert backups_of(new) == []
