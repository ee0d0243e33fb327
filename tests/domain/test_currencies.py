"""The currency table: what it knows, what it leaves out, how codes are read."""

import pytest

from substrack.domain.currencies import EXPONENTS, UnknownCurrency, currency_code, exponent_of


@pytest.mark.parametrize(
    ("code", "exponent"),
    [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("ISK", 0), ("KWD", 3), ("TND", 3), ("UYW", 4)],
)
def test_exponents_follow_iso_4217(code: str, exponent: int) -> None:
    assert exponent_of(code) == exponent


def test_codes_are_read_in_any_case_and_with_spaces() -> None:
    assert currency_code(" eur ") == "EUR"
    assert exponent_of("jpy\n") == 0


@pytest.mark.parametrize("code", ["", "EURO", "XAU", "XXX", "XTS", "CLF", "BGN", "DEM", "€", "ＥＵＲ"])
def test_what_nobody_pays_in_is_refused(code: str) -> None:
    with pytest.raises(UnknownCurrency) as refused:
        exponent_of(code)
    assert (refused.value.field, refused.value.code) == ("currency", code)
    assert str(refused.value) == (
        f"“{code}” is not a currency. Use an ISO 4217 code such as EUR, USD or JPY."
    )


def test_a_long_code_is_said_back_shortened() -> None:
    with pytest.raises(UnknownCurrency, match=f"^“{'x' * 20}” is"):
        currency_code("x" * 21)


def test_every_code_is_three_capitals() -> None:
    assert len(EXPONENTS) > 150
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in EXPONENTS)
