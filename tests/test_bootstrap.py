"""What a process needs before it starts: keys that several share, and settings that make sense."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from substrack.bootstrap import make_runtime, migrate, secret_keys
from substrack.settings import LogFormat, LogLevel, Settings, WrongSetting, load_settings
from substrack.store import Workspace
from substrack.store.engines import LOCK_SECONDS


def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    for attempt in range(30):
        data_dir = tmp_path / str(attempt)
        data_dir.mkdir()
        with ThreadPoolExecutor(4) as starters:
            keys = list(starters.map(secret_keys, [Settings(data_dir=data_dir)] * 4, timeout=30))
        assert len({key for [key] in keys}) == 1
        assert [path.name for path in data_dir.iterdir()] == ["secret-key"]


def test_processes_that_start_together_agree_on_a_new_database(settings: Settings) -> None:
    with ThreadPoolExecutor(4) as starters:
        runtimes = list(starters.map(lambda _: make_runtime(settings), range(4), timeout=60))
    for runtime in runtimes:
        runtime.close()


@pytest.mark.only_sqlite
def test_emptying_the_log_waits_for_nobody_who_reads(settings: Settings) -> None:
    """Nobody could write meanwhile; it is emptied another time."""
    runtime = make_runtime(settings)
    log = Path(f"{runtime.write_engine.url.database}-wal")
    with runtime.transaction() as session:
        session.add(Workspace(name="Home", time_zone="UTC", created_at=runtime.now()))
    with runtime.reading() as reader:
        reader.scalars(select(Workspace)).all()
        began = time.monotonic()
        runtime.empty_log()
        assert time.monotonic() - began < LOCK_SECONDS / 4
        assert log.stat().st_size

    runtime.empty_log()
    assert not log.stat().st_size
    runtime.close()


def test_key_that_is_no_text_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_bytes(b"\xff" * 40)
    with pytest.raises(WrongSetting, match="no usable key"):
        secret_keys(Settings(data_dir=tmp_path))


def test_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "substrack.db").write_text("these are the notes of somebody" * 100)
    with pytest.raises(WrongSetting, match="can't be used"):
        migrate(f"sqlite:///{tmp_path / 'substrack.db'}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "http://x:abc"),
        ("BASE_URL", "https://ex.org:99999"),
        ("BASE_URL", "https://user:secret@ex.org"),
        ("BASE_URL", "http://a b"),
        ("BASE_URL", "ftp://ex.org"),
        ("SMTP_URL", "smtp://host:abc"),
        ("SMTP_URL", "smtp://host:99999"),
        ("SMTP_URL", "mail.example.org"),
        ("MAIL_FROM", "Olga <olga@example.org>"),
        ("SECRET_KEYS", "short"),
        ("SECRET_KEYS", "changeme" * 8),
        ("SECRET_KEYS", ","),
        ("PORT", "70000"),
        ("NOW", "2026-01-01T00:00:00"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "LOUD"),
        ("METRICS_TOKEN", "fifteen-letters"),
        ("HEARTBEAT_URL", "hc-ping.com/x"),
        ("HEARTBEAT_URL", "file:///etc/passwd"),
    ],
)
def test_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(WrongSetting, match=f"SUBSTRACK_{name}"):
        load_settings({f"SUBSTRACK_{name}": value})


def test_a_wrong_secret_is_not_repeated() -> None:
    for name, value in (("METRICS_TOKEN", "tell-nobody"), ("HEARTBEAT_URL", "tell-nobody")):
        with pytest.raises(WrongSetting) as refused:
            load_settings({f"SUBSTRACK_{name}": value})
        assert "tell-nobody" not in str(refused.value)


def test_how_to_log_is_said_in_any_case() -> None:
    settings = load_settings({"SUBSTRACK_LOG_FORMAT": "JSON", "SUBSTRACK_LOG_LEVEL": "debug"})
    assert (settings.log_format, settings.log_level) == (LogFormat.JSON, LogLevel.DEBUG)


def test_a_setting_in_small_letters_does_not_silently_count_for_nothing() -> None:
    with pytest.raises(WrongSetting, match="in capitals: SUBSTRACK_PORT"):
        load_settings({"substrack_port": "9000"})


def test_misspelt_setting_is_named_and_others_are_let_be() -> None:
    with pytest.raises(WrongSetting, match="SUBSTRACK_SMTP_URL is"):
        load_settings({"SUBSTRACK_SMPT_URL": "smtp://localhost"})
    load_settings({"SUBSTRACK_REQUIRE_BROWSER": "1"})


def test_only_its_owner_reads_a_database_in_a_directory_that_everybody_may_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    migrate(f"sqlite:///{tmp_path / 'new.db'}")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("new.db*")} == {0o600}
