"""Claims about files that stay: what is promised to be there is on the disk, name and all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from substrack.bootstrap import secret_keys
from substrack.files import keep_whole, make_private_dir
from substrack.settings import Settings

Synced = list[tuple[Path, set[str]]]


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Synced:
    """Note what is brought to the disk, and which names the directory had then."""
    found: Synced = []
    sync = os.fsync

    def note(handle: int) -> None:
        place = Path(f"/proc/self/fd/{handle}").readlink()
        found.append((place, {path.name for path in tmp_path.iterdir()}))
        sync(handle)

    monkeypatch.setattr(os, "fsync", note)
    return found


def test_a_file_gets_its_name_when_it_is_on_the_disk_and_the_name_goes_there_too(
    tmp_path: Path, synced: Synced
) -> None:
    keep_whole(tmp_path / "mail.eml", b"Dear Ben")
    (part, before), (directory, after) = synced
    assert (part.parent, before) == (tmp_path, {part.name})
    assert (directory, after) == (tmp_path, {"mail.eml"})


def test_a_new_key_stays_before_it_signs_anything(tmp_path: Path, synced: Synced) -> None:
    secret_keys(Settings(data_dir=tmp_path))
    assert synced[-1] == (tmp_path, {"secret-key"})


def test_a_file_that_finds_no_room_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    keep_whole(tmp_path / "mail.eml", b"Dear Ben")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        keep_whole(tmp_path / "mail.eml", b"Dear Mia")
    assert [path.name for path in tmp_path.iterdir()] == ["mail.eml"]
    assert (tmp_path / "mail.eml").read_bytes() == b"Dear Ben"


def test_no_directory_that_is_made_can_be_looked_into_by_others(tmp_path: Path) -> None:
    make_private_dir(tmp_path / "instance" / "demo")
    made = (tmp_path / "instance", tmp_path / "instance" / "demo")
    assert [path.stat().st_mode & 0o777 for path in made] == [0o700, 0o700]
