"""Money: exact, of one currency, and read only where one reading is possible."""

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substrack.domain.currencies import EXPONENTS, UnknownCurrency
from substrack.domain.money import (
    MAX_MINOR,
    AmbiguousAmount,
    AmountRefused,
    AmountTooLarge,
    CurrencyMismatch,
    Money,
    NegativeAmount,
    NotAnAmount,
    OtherCurrency,
    TooManyDecimals,
    parse_amount,
    round_half_up,
)


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("12.50", "EUR", 1250),
        ("12,50", "EUR", 1250),
        ("12,5", "EUR", 1250),
        ("12", "EUR", 1200),
        (",5", "EUR", 50),
        ("0", "EUR", 0),
        ("007", "EUR", 700),
        ("1,234.56", "EUR", 123456),
        ("1.234,56", "EUR", 123456),
        ("1 234,56", "EUR", 123456),
        ("1\u202f234,56\u00a0€", "EUR", 123456),
        ("1'234.50", "CHF", 123450),
        ("1’234.50", "CHF", 123450),
        ("1 234", "EUR", 123400),
        ("1,234,567", "EUR", 123456700),
        ("1.234.567,8", "EUR", 123456780),
        ("1,234", "JPY", 1234),
        ("1.234", "JPY", 1234),
        ("1234", "JPY", 1234),
        ("1.234", "KWD", 1234),
        ("1234,567", "KWD", 1234567),
        ("0,123", "KWD", 123),
        ("1 234,567", "KWD", 1234567),
        ("1.5", "KWD", 1500),
        ("1.2345", "UYW", 12345),
        ("0" * 37 + "1.5", "EUR", 150),
        ("10000000000.00", "EUR", MAX_MINOR),
    ],
)
def test_amounts_are_read_as_people_type_them(typed: str, currency: str, minor: int) -> None:
    assert parse_amount(typed, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        ("€12.50", "EUR"),
        ("12.50 €", "EUR"),
        ("EUR 12.50", "EUR"),
        ("12,50eur", "EUR"),
        ("$ 12.50", "USD"),
        ("US$12.50", "USD"),
        ("12,50 zł", "PLN"),
        ("12,50 kr.", "SEK"),
        ("Fr. 12.50", "CHF"),
    ],
)
def test_the_sign_or_code_of_the_currency_may_stand_beside(typed: str, currency: str) -> None:
    assert parse_amount(typed, currency) == Money(1250, currency)


@pytest.mark.parametrize(
    ("typed", "currency", "error"),
    [
        ("1.234", "EUR", AmbiguousAmount),
        ("1,234", "EUR", AmbiguousAmount),
        ("999.000", "USD", AmbiguousAmount),
        ("1,234", "KWD", AmbiguousAmount),
        ("12.345", "UYU", AmbiguousAmount),
        ("1234.567", "EUR", TooManyDecimals),
        ("0.123", "EUR", TooManyDecimals),
        ("1,234.567", "EUR", TooManyDecimals),
        ("12.3456", "EUR", TooManyDecimals),
        ("12.5", "JPY", TooManyDecimals),
        ("1,234.00", "JPY", TooManyDecimals),
        ("1.2345", "KWD", TooManyDecimals),
        ("-1", "EUR", NegativeAmount),
        ("−1", "EUR", NegativeAmount),
        ("€-1", "EUR", NegativeAmount),
        ("10000000000.01", "EUR", AmountTooLarge),
        ("9" * 39, "EUR", AmountTooLarge),
        ("12 USD", "EUR", OtherCurrency),
        ("€12", "USD", OtherCurrency),
        ("", "EUR", NotAnAmount),
        ("  ", "EUR", NotAnAmount),
        (".", "EUR", NotAnAmount),
        ("12.", "EUR", NotAnAmount),
        ("--1", "EUR", NotAnAmount),
        ("-€-1", "EUR", NotAnAmount),
        ("twelve", "EUR", NotAnAmount),
        ("12 apples", "EUR", NotAnAmount),
        ("12 eurx", "EUR", NotAnAmount),
        ("0" * 38 + "1.5", "EUR", NotAnAmount),
        ("1e5", "EUR", NotAnAmount),
        ("0x10", "EUR", NotAnAmount),
        ("1_000", "EUR", NotAnAmount),
        ("NaN", "EUR", NotAnAmount),
        ("١٢", "EUR", NotAnAmount),
        ("１２", "EUR", NotAnAmount),
        ("1,23,456", "EUR", NotAnAmount),
        ("1.234,567,890", "EUR", NotAnAmount),
        ("1 2", "EUR", NotAnAmount),
        ("12,34,5", "EUR", NotAnAmount),
        ("1\n2", "EUR", NotAnAmount),
        ("9" * 5000, "EUR", NotAnAmount),
    ],
)
def test_what_has_no_single_reading_is_refused(typed: str, currency: str, error: type[AmountRefused]) -> None:
    with pytest.raises(AmountRefused) as refused:
        parse_amount(typed, currency)
    assert type(refused.value) is error
    assert refused.value.field == "amount"


@pytest.mark.parametrize(
    ("typed", "currency", "sentence"),
    [
        ("twelve", "EUR", "Write an amount such as 12.50."),
        ("1,23.4", "EUR", "Write an amount such as 12.50."),
        ("1,23,456", "KWD", "Write an amount such as 12.500."),
        ("twelve", "JPY", "Write an amount such as 1250."),
        ("twelve", "UYW", "Write an amount such as 12.5000."),
        ("12 apples", "KWD", "Write only the amount, such as 12.500."),
        ("12 USD", "EUR", "This amount is in EUR; write it without “USD”, such as 12.50."),
        ("€12", "USD", "This amount is in USD; write it without “€”, such as 12.50."),
        ("-1", "EUR", "An amount cannot be negative; leave out the minus."),
        ("12.5", "JPY", "JPY has no decimals; write it such as 1250."),
        ("12.3456", "EUR", "EUR has at most 2 decimals; write it such as 12.50."),
        ("1.2345", "KWD", "KWD has at most 3 decimals; write it such as 12.500."),
        ("10000000000.01", "EUR", "The amount is too large; the most is 10000000000.00 EUR."),
        ("1.234", "EUR", "“1.234” can be read in two ways; write 1234 or 1.23."),
        ("1,234", "KWD", "“1,234” can be read in two ways; write 1234 or 1.234."),
    ],
)
def test_a_refusal_says_how_to_write_it(typed: str, currency: str, sentence: str) -> None:
    with pytest.raises(AmountRefused) as refused:
        parse_amount(typed, currency)
    assert str(refused.value) == sentence
    assert refused.value.typed == typed


def test_a_refusal_keeps_the_beginning_of_what_was_typed() -> None:
    with pytest.raises(NotAnAmount) as refused:
        parse_amount("1" * 40 + "2", "EUR")
    assert refused.value.typed == "1" * 40


def test_a_negative_amount_is_read_only_where_it_is_allowed() -> None:
    assert parse_amount("-12,50", "EUR", allow_negative=True) == Money(-1250, "EUR")


@given(minor=st.integers(-MAX_MINOR, MAX_MINOR), currency=st.sampled_from(sorted(EXPONENTS)))
def test_the_plain_form_is_read_back_unchanged(minor: int, currency: str) -> None:
    amount = Money(minor, currency)
    assert parse_amount(amount.major(), currency, allow_negative=True) == amount


@given(st.text(alphabet="0123456789., '-€$EURkr\n٣", max_size=12), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_any_text_is_an_amount_or_a_refusal(typed: str, currency: str) -> None:
    with suppress(AmountRefused):
        assert 0 <= parse_amount(typed, currency).minor <= MAX_MINOR


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1799, "EUR", "17.99"),
        (5, "EUR", "0.05"),
        (-5, "EUR", "-0.05"),
        (0, "EUR", "0.00"),
        (1234, "JPY", "1234"),
        (1234, "KWD", "1.234"),
    ],
)
def test_the_plain_form_shows_every_decimal(minor: int, currency: str, text: str) -> None:
    assert Money(minor, currency).major() == text


def test_one_currency_adds_and_compares() -> None:
    assert Money(1, "EUR") + Money(2, "EUR") - Money(5, "EUR") == -Money(2, "EUR")
    assert Money(1, "EUR") < Money(2, "EUR") <= Money(2, "EUR")
    assert Money(2, "EUR") > Money(1, "EUR") >= Money(1, "EUR")
    assert not Money(2, "EUR") < Money(2, "EUR")
    assert not Money(2, "EUR") > Money(2, "EUR")
    assert max(Money(1, "eur"), Money(3, "EUR")) == Money(3, "EUR")


def test_two_currencies_do_not_mix() -> None:
    euro, dollar = Money(1, "EUR"), Money(1, "USD")
    assert euro != dollar
    with pytest.raises(CurrencyMismatch) as refused:
        _ = euro + dollar
    assert str(refused.value) == "EUR and USD cannot be added or compared; keep one currency."
    with pytest.raises(CurrencyMismatch):
        _ = euro - dollar
    with pytest.raises(CurrencyMismatch):
        _ = euro < dollar


def test_money_is_made_of_whole_units_of_a_known_currency() -> None:
    with pytest.raises(TypeError, match=r"^minor units are an int, not float$"):
        Money(1.5, "EUR")  # type: ignore[arg-type]
    with pytest.raises(UnknownCurrency):
        Money(1, "XXX")


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**6))
def test_rounding_is_to_the_nearest_and_ties_go_up(numerator: int, denominator: int) -> None:
    distance = round_half_up(numerator, denominator) - Fraction(numerator, denominator)
    assert Fraction(-1, 2) < distance <= Fraction(1, 2)


def test_a_denominator_below_one_is_a_bug() -> None:
    with pytest.raises(ValueError, match=r"^the denominator must be positive$"):
        round_half_up(1, 0)
