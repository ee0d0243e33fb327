"""What each kind of setting may say, and the sentence that a wrong one is answered with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from substrack.domain.terms import EARLIEST, LATEST
from substrack.setting_values import FIRST_YEAR, LAST_YEAR, SecretStr
from substrack.settings import LogFormat, LogLevel, Settings, WrongSetting, load_settings

KEY = "k3yW1thAllKindsOfLetters" * 2


def read(**written: str) -> Settings:
    return load_settings({f"SUBSTRACK_{name.upper()}": value for name, value in written.items()})


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("port", "1", 1),
        ("port", " 65535 ", 65535),
        ("trusted_proxies", "0", 0),
        ("backups", "off", False),
        ("backups", "No", False),
        ("local_sign_in", "TRUE", True),
        ("telegram_webhook", "1", True),
        ("log_format", "JSON", LogFormat.JSON),
        ("log_level", "warning", LogLevel.WARNING),
        ("data_dir", "/srv/books", Path("/srv/books")),
        ("backup_dir", "copies", Path("copies")),
        ("oidc_label", "x" * 40, "x" * 40),
        ("base_url", "https://example.org/subs/", "https://example.org/subs"),
        ("base_url", " HTTPS://Example.org:/Subs\n", "https://example.org/Subs"),
        ("smtp_url", "smtp://localhost?insecure=1 ", "smtp://localhost?insecure=1"),
        ("oidc_issuer", "", ""),
        ("heartbeat_url", "https://hc-ping.com/x\n", SecretStr("https://hc-ping.com/x")),
        ("now", "2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("secret_keys", f"{KEY}, {KEY}x", (SecretStr(KEY), SecretStr(KEY + "x"))),
        ("smtp_password", "a b", SecretStr("a b")),
    ],
)
def test_what_is_written_is_read_as_it_is_meant(name: str, written: str, meant: object) -> None:
    assert getattr(read(**{name: written}), name) == meant


@pytest.mark.parametrize(
    ("name", "written", "says"),
    [
        ("port", "0", "must be a whole number from 1 to 65535"),
        ("port", "65536", "must be a whole number from 1 to 65535"),
        ("port", "many", "must be a whole number from 1 to 65535"),
        ("port", "80.5", "must be a whole number from 1 to 65535"),
        ("port", "٣", "must be a whole number from 1 to 65535"),
        ("trusted_proxies", "-1", "must be a whole number from 0 to 10"),
        ("lease_seconds", "9" * 5000, "must be a whole number from 1 to 3600"),
        ("backups", "perhaps", "must be true or false"),
        ("log_format", "xml", "must be text or json"),
        ("log_level", "loud", "must be DEBUG or INFO or WARNING or ERROR"),
        ("oidc_label", "x" * 41, "must have at most 40 characters"),
        ("metrics_token", "short", "needs at least 16 characters of randomness"),
        ("now", "yesterday", "must be a date and time like 2026-03-01T10:00:00Z"),
        ("now", "2026-03-01T10:00:00", "needs a zone, like 2026-03-01T10:00:00Z"),
        ("now", "1999-12-31T23:00:00Z", "must be in the years 2000 to 2999"),
        ("now", "9999-12-31T23:59:59-10:00", "must be in the years 2000 to 2999"),
        ("base_url", "subs.example.org", "must look like https://subs.example.org or"),
        ("base_url", "https://subs.example.org/#", "must look like https://subs.example.org or"),
        ("base_url", "https://subs.example.org/?", "must look like https://subs.example.org or"),
        ("base_url", "https://subs.exam\tple.org", "must look like https://subs.example.org or"),
        ("smtp_url", "smtp://h.example.org?insecure=yes", "may end in ?insecure=1, and in nothing else"),
        ("smtp_url", "smtp://u:pass#word@h.example.org", "must look like smtp://"),
        ("heartbeat_url", "hc-ping.com/x", "must look like https://hc-ping.com/"),
        ("heartbeat_url", "https://hc-ping.com/a b", "must look like https://hc-ping.com/"),
    ],
)
def test_what_can_not_be_meant_is_refused_by_name(name: str, written: str, says: str) -> None:
    with pytest.raises(WrongSetting) as refused:
        read(**{name: written})
    assert str(refused.value).startswith(f"SUBSTRACK_{name.upper()}: {says}")


@pytest.mark.parametrize("written", [" https://subs.example.org", "HTTPS://subs.example.org"])
def test_https_is_https_however_it_is_written(written: str) -> None:
    assert read(base_url=written).is_https


def test_a_webhook_that_telegram_would_not_call_is_refused() -> None:
    with pytest.raises(WrongSetting, match="SUBSTRACK_TELEGRAM_WEBHOOK: Telegram only calls"):
        read(telegram_webhook="yes", base_url="http://subs.example.org")
    assert read(telegram_webhook="yes", base_url="https://subs.example.org").telegram_webhook
    assert read(
        telegram_webhook="yes", base_url="http://subs.example.org", telegram_api_url="http://bots.lan"
    ).telegram_webhook


def test_a_clock_is_set_to_years_that_groups_may_begin_in() -> None:
    assert (EARLIEST.year, LATEST.year) == (FIRST_YEAR, LAST_YEAR)


def test_what_is_left_empty_is_not_set() -> None:
    assert read(port="", smtp_password="", backups="").port == 8000


@given(st.text(min_size=1))
def test_a_secret_is_shown_to_those_only_who_ask_for_it(hidden: str) -> None:
    kept = SecretStr(hidden)
    assert kept.get_secret_value() == hidden
    assert {str(kept), f"{kept}"} == {"**********"}
    assert repr(kept) == repr(SecretStr("something else"))


def test_no_secret_stands_in_what_a_process_shows_of_its_settings() -> None:
    shown = repr(read(secret_keys=KEY, smtp_password="hush-hush", telegram_token="123:hush-hush"))
    assert KEY not in shown
    assert "hush" not in shown


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(WrongSetting) as refused:
        read(metrics_token="hush-hush")
    assert "hush" not in str(refused.value)


def test_changed_settings_are_checked_again_and_none_changes_in_place() -> None:
    settings = read()
    with pytest.raises(WrongSetting, match="SUBSTRACK_PORT"):
        evolve(settings, port=0)
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]
