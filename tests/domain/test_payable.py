"""Sums that come along: in PayPal.Me and UPI links, and in codes that a bank's app scans."""

import pytest

from substrack.domain.epc import epc_text
from substrack.domain.money import Money
from substrack.domain.paypal import with_sum
from substrack.domain.upi import upi_link

GERMAN = "DE02 1203 0000 0000 2020 51"
SUM = Money(897, "EUR")


@pytest.mark.parametrize(
    ("link", "paid_by"),
    [
        ("https://paypal.me/olga", "https://paypal.me/olga/8.97EUR"),
        ("https://www.paypal.me/olga/", "https://www.paypal.me/olga/8.97EUR"),
        ("https://PayPal.Me/olga?locale.x=de_DE", "https://PayPal.Me/olga/8.97EUR?locale.x=de_DE"),
        ("https://www.paypal.com/paypalme/olga", "https://www.paypal.com/paypalme/olga/8.97EUR"),
        ("https://paypal.me/olgaX", "https://paypal.me/olgaX/8.97EUR"),
        ("https://paypal.me/{reference}", "https://paypal.me/{reference}"),
        ("https://paypal.me/olga/5", "https://paypal.me/olga/5"),
        ("https://paypal.me/", "https://paypal.me/"),
        ("https://paypal.com/signin", "https://paypal.com/signin"),
        ("https://paypal.me.evil.example/olga", "https://paypal.me.evil.example/olga"),
        ("https://pay.example/olga", "https://pay.example/olga"),
    ],
)
def test_a_paypal_me_link_takes_the_sum_and_no_other_link_does(link: str, paid_by: str) -> None:
    assert with_sum(link, SUM) == paid_by


@pytest.mark.parametrize(
    ("amount", "end"),
    [
        (Money(600, "JPY"), "/600JPY"),
        (Money(150_000, "HUF"), "/1500HUF"),
        (Money(150_050, "HUF"), ""),
        (Money(89_700, "INR"), ""),
        (Money(1, "EUR"), "/0.01EUR"),
        (Money(0, "EUR"), ""),
    ],
)
def test_paypal_gets_only_sums_that_it_takes(amount: Money, end: str) -> None:
    assert with_sum("https://paypal.me/olga", amount) == f"https://paypal.me/olga{end}"


def test_a_upi_link_names_payee_sum_and_reference() -> None:
    link = upi_link("olga@okbank", name="Olga & Co", amount=Money(89_700, "INR"), note="K7M2PQ X4TB9R")
    assert link == "upi://pay?pa=olga@okbank&pn=Olga%20%26%20Co&am=897.00&cu=INR&tn=K7M2PQ%20X4TB9R"


def test_upi_pays_rupees_only_and_half_a_note_is_left_out() -> None:
    assert upi_link("olga@okbank", name="Olga", amount=SUM, note="") is None
    long = upi_link("olga@okbank", name="Olga", amount=Money(100, "INR"), note="K7M2PQ " * 12)
    assert long == "upi://pay?pa=olga@okbank&pn=Olga&am=1.00&cu=INR"


def test_a_upi_note_of_eighty_characters_still_comes_along() -> None:
    links = [
        upi_link("olga@okbank", name="Olga", amount=Money(100, "INR"), note="K" * length)
        for length in (80, 81)
    ]
    assert [link is not None and "&tn=" in link for link in links] == [True, False]


def test_a_code_fills_in_a_transfer_line_by_line() -> None:
    text = epc_text(name="Olga  Sömmer", iban=GERMAN, amount=SUM, references=("K7M2PQ", "X4TB9R"))
    assert text is not None
    assert text.split("\n") == [
        *("BCD", "002", "1", "SCT", "", "Olga Sömmer", "DE02120300000000202051", "EUR8.97", "", ""),
        "K7M2PQ X4TB9R",
    ]


@pytest.mark.parametrize(
    ("iban", "amount"),
    [
        (GERMAN, Money(897, "CHF")),
        (GERMAN, Money(0, "EUR")),
        (GERMAN, Money(100_000_000_000, "EUR")),
        ("DE03 1203 0000 0000 2020 51", SUM),
        ("AE07 0331 2345 6789 0123 456", SUM),
        ("CH93 0076 2011 6238 5295 7", SUM),
    ],
    ids=["not euro", "nothing", "too much", "mistyped", "outside SEPA", "wants a BIC"],
)
def test_what_a_banks_app_would_turn_down_gets_no_code(iban: str, amount: Money) -> None:
    assert epc_text(name="Olga", iban=iban, amount=amount, references=("K7M2PQ",)) is None


@pytest.mark.parametrize("minor", [1, 99_999_999_999])
def test_the_smallest_and_the_largest_sum_of_a_transfer_get_a_code(minor: int) -> None:
    text = epc_text(name="Olga", iban=GERMAN, amount=Money(minor, "EUR"), references=())
    assert text is not None
    assert text.split("\n")[7:] == [f"EUR{Money(minor, 'EUR').major()}"]


def test_a_reference_stands_in_the_code_to_its_last_letter() -> None:
    text = epc_text(name="Olga", iban=GERMAN, amount=SUM, references=("K7W2FX",))
    assert text is not None
    assert text.endswith("\nK7W2FX")


def test_a_long_name_is_cut_between_words_and_a_missing_one_gets_no_code() -> None:
    text = epc_text(name="O" * 69 + " Sömmer", iban=GERMAN, amount=SUM, references=())
    assert text is not None
    assert text.split("\n")[5] == "O" * 69
    assert epc_text(name=" ", iban=GERMAN, amount=SUM, references=()) is None


def test_a_code_has_at_most_331_bytes() -> None:
    def bytes_with(reference: str) -> int | None:
        text = epc_text(name="😀" * 70, iban=GERMAN, amount=SUM, references=(reference,))
        return None if text is None else len(text.encode())

    assert [bytes_with("K7"), bytes_with("K7M")] == [331, None]


@pytest.mark.parametrize(("length", "kept"), [(140, 140), (141, 0)])
def test_a_reference_fits_into_140_characters_or_is_left_out(length: int, kept: int) -> None:
    text = epc_text(name="Olga", iban=GERMAN, amount=SUM, references=("K" * length,))
    assert text is not None
    assert text.count("K") == kept


def test_references_are_never_cut() -> None:
    many = [f"REF{n:03}" for n in range(40)]
    text = epc_text(name="Olga", iban=GERMAN, amount=SUM, references=many)
    assert text is not None
    assert text.split("\n")[-1].split() == many[:20]
