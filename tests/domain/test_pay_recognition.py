"""Claims about words with a way to pay in them."""

import pytest

from substrack.domain.pay_recognition import has_way_to_pay


@pytest.mark.parametrize(
    "sentence",
    [
        "New account: DE89 3704 0044 0532 0130 00, thanks!",
        "IBAN DE89370400440532013000",
        "iban nl91-abna-0417-1643-00",
        "DE89\u200b3704\u200b0044\u200b0532\u200b0130\u200b00",
        "Account \uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
        "From today: paypal.me/zed",
        "See https://pay.example.",
        "upi://pay?pa=zed@okbank",
        "Send it to zed@okbank.",
        "PayPal: zed+money@example.org",
    ],
)
def test_accounts_addresses_and_links_are_ways_to_pay(sentence: str) -> None:
    assert has_way_to_pay(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "Please pay by the 5th, thanks!",
        "From 2026-03-05 on it costs 1,234.50 instead of 999.90 EUR.",
        "Netflix raised its price, e.g. for plan A12; see you at 10:00.",
        "Сдаём до 5 марта 2026 года, и/или наличными.",
    ],
)
def test_plain_words_are_none(sentence: str) -> None:
    assert not has_way_to_pay(sentence)
