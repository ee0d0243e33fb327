"""Claims about codes of authenticator apps, by the vectors of RFC 6238, appendix B (SHA-1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from substrack.domain.one_time_codes import code_at, enrolment_uri, step_of, write_secret

SECRET = write_secret(b"12345678901234567890")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert code_at(SECRET, seconds // 30) == code[-6:]


@pytest.mark.parametrize(("off", "is_right"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_phone_may_be_half_a_minute_off(off: int, is_right: bool) -> None:
    at_phone = NOON + timedelta(seconds=off)
    code = code_at(SECRET, int(at_phone.timestamp()) // 30)

    found = step_of(SECRET, code, now=NOON)
    assert found == (int(at_phone.timestamp()) // 30 if is_right else None)


def test_a_secret_of_any_length_is_written_without_padding_and_read() -> None:
    assert write_secret(b"1") == "GE"
    assert write_secret(b"\0\0\0\0\x17") == "AAAAAAAX"
    assert code_at(write_secret(b"1234567890123456"), 1111111109 // 30) == "383666"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "１２３４５６", "\u0661" * 6])
def test_what_is_no_code_is_wrong(typed: str) -> None:
    assert step_of(SECRET, typed, now=NOON) is None


def test_apps_read_who_it_is_for_and_the_secret() -> None:
    uri = enrolment_uri("ABC234", account="olga+x/y@example.org", issuer="Our Subs")

    assert uri == "otpauth://totp/Our%20Subs%3Aolga%2Bx%2Fy%40example.org?secret=ABC234&issuer=Our%20Subs"
