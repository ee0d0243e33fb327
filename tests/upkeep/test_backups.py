"""A backup holds everything, is whole or absent, and loads into either database alike."""

from __future__ import annotations

import stat
from contextlib import ExitStack
from pathlib import Path
from zipfile import ZipFile

import pytest

from substrack.bootstrap import schema_transaction, secret_keys, upgrade_schema
from substrack.upkeep import shapes
from substrack.upkeep.archive import reading, verify
from substrack.upkeep.backups import Backup, BackupFailed, BackupStopped, make_backup, read_table
from substrack.upkeep.loading import load_rows
from substrack.upkeep.manifest import NAME, Manifest, NotABackup
from tests.support.cast import Cast
from tests.support.databases import KINDS, Databases, Kind
from tests.upkeep.scenes import BACKED_UP, back_up, empty_host, live_a_little, opened, rows_of


@pytest.fixture
def backup(cast: Cast, tmp_path: Path) -> Backup:
    """Give a backup of two months with something in every corner."""
    live_a_little(cast)
    return back_up(cast.runtime, tmp_path / "kept")


@pytest.mark.parametrize("into", KINDS)
def test_what_one_database_held_the_other_holds_to_the_letter(
    backup: Backup, databases: Databases, into: Kind, tmp_path: Path
) -> None:
    with empty_host(databases, into) as url:
        load(url, backup)
        with opened(url, tmp_path) as copy:
            again = back_up(copy, tmp_path / "again")

    assert again.manifest.tables == backup.manifest.tables
    assert again.manifest.ledger == backup.manifest.ledger


def test_every_row_of_every_table_is_counted(cast: Cast, backup: Backup) -> None:
    counted = {name: count for name, count in rows_of(cast.runtime).items() if name != "alembic_version"}

    assert backup.manifest.rows == counted
    assert counted["attachments"] == counted["user_sessions"] == 1
    assert backup.manifest.ledger["payments.amount_minor"]["EUR"] > 0


def test_its_file_is_for_its_owner_only_and_nothing_lies_beside(backup: Backup) -> None:
    assert stat.S_IMODE(backup.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(backup.path.parent.stat().st_mode) == 0o700
    assert [path.name for path in backup.path.parent.iterdir()] == ["substrack-20260303T110000Z-by-hand.zip"]


def test_a_second_one_of_the_same_second_replaces_nothing(cast: Cast, backup: Backup) -> None:
    second = back_up(cast.runtime, backup.path.parent)

    assert second.path.name == "substrack-20260303T110000Z-by-hand-2.zip"
    assert second.path.read_bytes() == backup.path.read_bytes()


@pytest.mark.only_postgresql
def test_pages_see_one_moment_after_a_backup_as_before_it(cast: Cast, tmp_path: Path) -> None:
    def levels() -> set[str | None]:
        with ExitStack() as stack:
            pooled = [stack.enter_context(cast.runtime.read_engine.connect()) for _connection in range(3)]
            return {
                connection.exec_driver_sql("SHOW transaction_isolation").scalar() for connection in pooled
            }

    assert levels() == {"repeatable read"}

    back_up(cast.runtime, tmp_path / "kept")

    assert levels() == {"repeatable read"}


def test_the_secret_key_is_not_in_it(cast: Cast, backup: Backup) -> None:
    (key,) = secret_keys(cast.runtime.settings)
    with ZipFile(backup.path) as archive:
        contents = b"".join(archive.read(name) for name in archive.namelist())

    assert key.encode() not in contents
    assert backup.manifest.key_fingerprint is not None


def test_a_place_that_cannot_be_written_is_a_sentence(cast: Cast, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(BackupFailed, match="can't be written into"):
        back_up(cast.runtime, tmp_path / "file" / "backups")


def test_one_that_is_given_up_leaves_nothing_behind(cast: Cast, tmp_path: Path) -> None:
    live_a_little(cast)
    answers = iter([False, False, True])

    with pytest.raises(BackupStopped):
        make_backup(
            cast.runtime.read_engine,
            tmp_path / "kept",
            reason="daily",
            now=BACKED_UP,
            stop=lambda: next(answers),
        )

    assert list((tmp_path / "kept").iterdir()) == []


def test_rows_are_read_a_few_at_a_time(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    live_a_little(cast)
    monkeypatch.setattr(shapes, "AT_ONCE", 4)
    with cast.runtime.read_engine.connect() as connection:
        (events,) = (one for one in shapes.load_shapes(connection) if one.table == "events")
        sizes = [len(rows) for rows in read_table(connection, events)]

    assert len(sizes) > 2
    assert set(sizes[:-1]) == {4}


@pytest.mark.only_sqlite
class TestDamage:
    def test_one_that_was_cut_off(self, backup: Backup) -> None:
        whole = backup.path.read_bytes()
        backup.path.write_bytes(whole[: len(whole) // 2])

        with pytest.raises(NotABackup, match="cut off"):
            verify(backup.path)

    def test_a_byte_that_changed_on_the_disk(self, backup: Backup) -> None:
        with ZipFile(backup.path) as archive:
            place = archive.getinfo("tables/payments.jsonl").header_offset + 200
        content = bytearray(backup.path.read_bytes())
        content[place] ^= 0xFF
        backup.path.write_bytes(content)

        with pytest.raises(NotABackup, match="damaged"):
            verify(backup.path)

    @pytest.mark.parametrize(
        ("part", "old", "new"),
        [
            ("tables/payments.jsonl", b'"EUR"', b'"USD"'),
            (NAME, b'"rows": 2', b'"rows": 3'),
            (NAME, b'"sha256": "', b'"sha256": "0'),
            (NAME, b'"EUR": ', b'"EUR": 1'),
        ],
    )
    def test_parts_that_do_not_go_together(self, backup: Backup, part: str, old: bytes, new: bytes) -> None:
        rewrite(backup.path, part, old, new)

        with pytest.raises(NotABackup, match="damaged"):
            verify(backup.path)

    def test_a_format_of_the_future(self, backup: Backup) -> None:
        rewrite(backup.path, NAME, b'"format_version": 1', b'"format_version": 2')

        with pytest.raises(NotABackup, match="newer"):
            verify(backup.path)

    @pytest.mark.parametrize("content", [b"", b"notes of somebody", b"PK\x03\x04"])
    def test_a_file_that_is_something_else(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "file.zip"
        path.write_bytes(content)

        with pytest.raises(NotABackup, match="no backup"):
            verify(path)

    def test_another_zip(self, tmp_path: Path) -> None:
        with ZipFile(tmp_path / "photos.zip", "w") as archive:
            archive.writestr("photo.jpeg", b"x")

        with pytest.raises(NotABackup, match=r"no manifest\.json"):
            verify(tmp_path / "photos.zip")


def load(url: str, backup: Backup) -> Manifest:
    """Load a backup and nothing more: what a restore ends and holds is left out."""
    with reading(backup.path) as (archive, manifest), schema_transaction(url) as connection:
        upgrade_schema(connection, manifest.revision)
        load_rows(connection, archive, manifest)
    return manifest


def rewrite(path: Path, part: str, old: bytes, new: bytes) -> None:
    """Change a part of a backup as a text editor would: the ZIP stays a good one."""
    with ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert old in contents[part]
    contents[part] = contents[part].replace(old, new, 1)
    with ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
