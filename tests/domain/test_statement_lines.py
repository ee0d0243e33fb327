"""The sum in a line of an account statement is read when only one stands there."""

import pytest

from substrack.domain.money import parse_amount
from substrack.domain.statement_lines import amount_in


@pytest.mark.parametrize(
    ("line", "amount"),
    [
        ("07.12.2026 SEPA-Gutschrift Strom+YouTube: yj77xn NMMNR5 Dez. 62,40 EUR", "62.40"),
        ("YJ77XN 62.40", "62.40"),
        ("EUR62,40 YJ77XN", "62.40"),
        ("+1.234,56 € YJ77XN", "1234.56"),
        ("YJ77XN 1'234.50", "1234.50"),
        ("07.12. 3,10 YJ77XN", "3.10"),
        ("YJ77XN 3.10 EUR", "3.10"),
        ("07.12 06.12 YJ77XN 12,00", "12.00"),
        ("YJ77XN 62,40.", "62.40"),
    ],
)
def test_the_one_sum_is_read(line: str, amount: str) -> None:
    found = amount_in(line, "EUR")

    assert found is not None
    assert found.major() == amount


@pytest.mark.parametrize(
    "line",
    [
        "YJ77XN",
        "YJ77XN 62",
        "YJ77XN 62,4",
        "YJ77XN 62,40 EUR 5,00 EUR",
        "YJ77XN -62,40 EUR",
        "YJ77XN 62,40- EUR",
        "YJ77XN 62,40 USD",
        "YJ77XN 1 234,56 EUR",
        "07.12. YJ77XN",
        "07.12 YJ77XN",
        "07.12.2026 YJ77XN",
        "YJ77XN 0,00 EUR",
        "DE89 3704 0044 0532 0130 00",
        "",
    ],
)
def test_nothing_else_is_taken_for_one(line: str) -> None:
    assert amount_in(line, "EUR") is None


def test_decimals_are_those_of_the_currency() -> None:
    assert amount_in("YJ77XN 1.234 KWD", "KWD") == parse_amount("1.234", "KWD")
    assert amount_in("YJ77XN 1.23 KWD", "KWD") is None
    assert amount_in("YJ77XN 1.234 JPY", "JPY") is None
