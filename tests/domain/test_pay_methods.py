"""Ways to pay: links that lead where they say, IBANs without typing errors, words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substrack.domain.errors import Refused
from substrack.domain.ibans import IbanRefused, check_iban, iban_in_fours
from substrack.domain.pay_methods import (
    PayKind,
    PayLinkRefused,
    PayMethod,
    UnknownPayKind,
    UnknownPlaceholder,
    check_link,
    fill,
    pay_method,
)
from substrack.domain.pay_recognition import recognise
from substrack.domain.upi import VpaRefused
from substrack.domain.wording import TextMissing, TextTooLong

IBANS = [
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "NL91ABNA0417164300",
    "FR1420041010050500013M02606",
    "NO9386011117947",
    "CH9300762011623852957",
    "MT84MALT011000012345MTLCAST001S",
    "PL61109010140000071219812874",
]


@pytest.mark.parametrize(
    ("entered", "kept"),
    [
        ("https://paypal.me/olga/{amount}{currency}", "https://paypal.me/olga/{amount}{currency}"),
        (" paypal.me/olga ", "https://paypal.me/olga"),
        ("revolut.me", "https://revolut.me"),
        ("http://192.168.1.5:8080/pay?r={reference}", "http://192.168.1.5:8080/pay?r={reference}"),
        ("upi://pay?pa=olga@bank&am={amount}", "upi://pay?pa=olga@bank&am={amount}"),
        ("HTTPS://Example.org/p", "HTTPS://Example.org/p"),
        ("https://example.org/ольга#{reference}", "https://example.org/ольга#{reference}"),
        ("https://example.org/" + "x" * 1980, "https://example.org/" + "x" * 1980),
    ],
)
def test_payment_links_are_kept(entered: str, kept: str) -> None:
    assert check_link(entered) == kept


@pytest.mark.parametrize(
    "link",
    [
        "",
        " ",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "javascript://example.org/%0aalert(1)",
        "java\tscript:alert(1)",
        "data:text/html,hello",
        "vbscript:x",
        "file:///etc/passwd",
        "mailto:olga@example.org",
        "//example.org/pay",
        "/pay",
        "https:example.org",
        "https:///pay",
        "https://",
        "https://paypal.me@evil.example/olga",
        "https://olga:secret@example.org/",
        "https://example.org\\@evil.example/",
        "https://exa mple.org/",
        "https://example.org/\npay",
        "https://example.org/\u202epay",
        "https://example.org/\x00",
        "https://раypal.me/olga",
        "https://[::1",
        "https://example.org:port/",
        "https://{reference}.example.org/",
        "https://example.org/'onclick=",
        'https://example.org/"><script>',
        "https://example.org/" + "x" * 2000,
        "localhost",
    ],
)
def test_links_that_could_mislead_are_refused(link: str) -> None:
    with pytest.raises(PayLinkRefused) as refused:
        check_link(link)
    assert refused.value.field == "pay_link"


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ("", "Give a link of at most 2,000 characters."),
        (
            "https://exa mple.org/",
            "A link has no spaces, quotes or control characters; copy it from the address bar.",
        ),
        ("https://[::1", "This is not a complete link; copy it from the address bar."),
        ("ftp://example.org/", "A payment link starts with https:// (or http://, or upi://)."),
        (
            "https://paypal.me@evil.example/olga",
            "A payment link has no “@” before its host; that hides where it leads.",
        ),
        ("https://", "A payment link needs a host in plain letters, such as paypal.me."),
        (
            "https://example.org/{name}",
            "“{name}” cannot be filled in; use {amount}, {currency}, {reference} in the link.",
        ),
    ],
)
def test_a_refused_link_is_refused_with_the_reason(link: str, sentence: str) -> None:
    with pytest.raises(PayLinkRefused) as refused:
        check_link(link)
    assert str(refused.value) == sentence


def test_what_is_not_entered_is_refused_like_what_is_empty() -> None:
    with pytest.raises(PayLinkRefused, match=r"^Give a link of at most"):
        pay_method("link", {})
    with pytest.raises(IbanRefused) as refused:
        pay_method("iban", {"holder": "Olga"})
    assert refused.value.iban == ""


def test_braces_around_a_placeholder_are_said_back_without_it() -> None:
    with pytest.raises(UnknownPlaceholder) as refused:
        check_link("https://example.org/{{amount}}")
    assert refused.value.found == "{}"


def test_a_long_placeholder_is_said_back_shortened() -> None:
    placeholder = "{" + "x" * 40 + "}"
    with pytest.raises(UnknownPlaceholder, match=f"“{placeholder[:40]}” cannot") as refused:
        check_link(f"https://example.org/{placeholder}")
    assert refused.value.found == placeholder


@pytest.mark.parametrize(
    "part", ["{name}", "{}", "{amount", "amount}", "{{amount}}", "{Amount}", "{amount.minor}"]
)
def test_other_placeholders_are_refused(part: str) -> None:
    with pytest.raises(UnknownPlaceholder, match=r"\{amount\}, \{currency\}, \{reference\}"):
        check_link(f"https://example.org/{part}")


@given(st.text(max_size=30))
def test_a_refused_or_kept_link_is_never_a_script(text: str) -> None:
    try:
        kept = check_link(text)
    except PayLinkRefused:
        return
    assert kept.lower().startswith(("https://", "http://", "upi://"))


def test_a_link_is_filled_with_encoded_values() -> None:
    link = "https://example.org/{amount}?c={currency}&r={reference}&again={amount}"
    filled = fill(link, amount="17.99", currency="EUR", reference="K7/ &{amount}")
    assert filled == "https://example.org/17.99?c=EUR&r=K7%2F%20%26%7Bamount%7D&again=17.99"


def test_other_braces_in_a_link_are_encoded_as_they_stand() -> None:
    assert fill("https://example.org/{name}", amount="1", currency="EUR", reference="K7") == (
        "https://example.org/%7Bname%7D"
    )


@pytest.mark.parametrize("iban", IBANS)
def test_ibans_are_read_in_any_spelling(iban: str) -> None:
    assert check_iban(f" {iban_in_fours(iban).lower()} ") == iban
    assert check_iban(iban.replace("0", "0-", 1)) == iban


NO_IBAN = "An IBAN starts with two letters and two digits, such as DE89 3704 0044 …."


@pytest.mark.parametrize(
    ("iban", "reason"),
    [
        ("", NO_IBAN),
        ("370400440532013000", NO_IBAN),
        ("DE8937040044053201300Ä", NO_IBAN),
        ("DE８９370400440532013000", NO_IBAN),
        ("ZZ89370400440532013000", "“ZZ” is no country with IBANs; check the first two letters."),
        (
            "DE8937040044053201300",
            "An IBAN of DE has 22 characters, this one has 21; check it again.",
        ),
        ("DE88370400440532013000", "This IBAN has a typing error: its check digits do not fit."),
    ],
)
def test_ibans_with_errors_are_refused_with_the_reason(iban: str, reason: str) -> None:
    with pytest.raises(IbanRefused) as refused:
        check_iban(iban)
    assert str(refused.value) == reason
    assert (refused.value.field, refused.value.iban) == ("iban", iban)


def test_a_refused_iban_is_kept_as_understood_and_shortened() -> None:
    with pytest.raises(IbanRefused) as refused:
        check_iban("de 89-" + "1" * 60)
    assert refused.value.iban == "DE89" + "1" * 36


@given(st.sampled_from(IBANS), st.integers(2, 33), st.sampled_from("0123456789"))
def test_one_wrong_digit_in_an_iban_is_always_found(iban: str, position: int, digit: str) -> None:
    position = 4 + position % (len(iban) - 4)
    if iban[position].isdigit() and iban[position] != digit:
        with pytest.raises(IbanRefused, match="typing error"):
            check_iban(iban[:position] + digit + iban[position + 1 :])


def test_each_kind_keeps_its_checked_fields() -> None:
    link = pay_method("link", {"url": "paypal.me/olga", "other": "x"}, " PayPal ")
    assert link == PayMethod(PayKind.LINK, {"url": "https://paypal.me/olga"}, "PayPal")
    account = pay_method("iban", {"iban": "de89 3704 0044 0532 0130 00", "holder": "Olga"}, "")
    assert account == PayMethod(PayKind.IBAN, {"iban": IBANS[0], "holder": "Olga"}, None)
    phone = pay_method("upi", {"vpa": " olga.s@okbank "})
    assert phone == PayMethod(PayKind.UPI, {"vpa": "olga.s@okbank", "holder": ""}, None)
    named = pay_method("upi", {"vpa": "olga@okbank", "holder": " Olga "}, "x" * 60)
    assert named == PayMethod(PayKind.UPI, {"vpa": "olga@okbank", "holder": "Olga"}, "x" * 60)
    words = pay_method("text", {"text": "Cash on Sunday\r\nor later"})
    assert words == PayMethod(PayKind.TEXT, {"text": "Cash on Sunday\nor later"}, None)


@pytest.mark.parametrize(
    ("kind", "fields", "error", "field"),
    [
        ("cheque", {}, UnknownPayKind, "kind"),
        ("link", {}, PayLinkRefused, "pay_link"),
        ("iban", {"iban": IBANS[0]}, TextMissing, "holder"),
        ("iban", {"holder": "Olga"}, IbanRefused, "iban"),
        ("iban", {"iban": IBANS[0], "holder": "x" * 71}, TextTooLong, "holder"),
        ("upi", {}, VpaRefused, "vpa"),
        ("upi", {"vpa": "olga@example.org"}, VpaRefused, "vpa"),
        ("upi", {"vpa": "olga@okbank", "holder": "x" * 71}, TextTooLong, "holder"),
        ("text", {"text": "x" * 2001}, TextTooLong, "text"),
        ("text", {}, TextMissing, "text"),
    ],
)
def test_what_is_missing_or_wrong_is_refused_beside_its_field(
    kind: str, fields: dict[str, str], error: type[Refused], field: str
) -> None:
    with pytest.raises(error) as refused:
        pay_method(kind, fields)
    assert refused.value.field == field


def test_a_label_of_more_than_sixty_characters_is_refused() -> None:
    with pytest.raises(TextTooLong) as refused:
        pay_method("text", {"text": "Cash"}, "x" * 61)
    assert refused.value.field == "label"


def test_an_unknown_kind_and_a_wrong_upi_id_are_refused_with_what_is_right() -> None:
    with pytest.raises(UnknownPayKind, match=r"^Choose how to pay: link, iban, upi or text\.$") as refused:
        pay_method("cheque", {})
    assert refused.value.kind == "cheque"
    with pytest.raises(VpaRefused, match=r"^A UPI ID looks like olga@okbank; copy it from your UPI app\.$"):
        pay_method("upi", {"vpa": "olga"})


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("DE89 3704 0044 0532 0130 00", PayKind.IBAN),
        ("paypal.me/olga", PayKind.LINK),
        ("upi://pay?pa=olga@okbank", PayKind.LINK),
        ("olga@okbank", PayKind.UPI),
        ("9876543210@ybl", PayKind.UPI),
        ("olga@example.org", PayKind.TEXT),
        ("Cash.", PayKind.TEXT),
    ],
)
def test_a_way_to_pay_is_recognised_by_how_it_is_written(typed: str, kind: PayKind) -> None:
    assert recognise(typed) is kind
