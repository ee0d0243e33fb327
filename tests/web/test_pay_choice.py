"""Claims about ticks on the member's page: sums, links and codes are for what is ticked; looking is free."""

from __future__ import annotations

import re
from datetime import date

import pytest
from flask import Flask

from substrack.bootstrap import Runtime
from substrack.domain.pay_methods import pay_method
from substrack.store import Payment
from tests.support.cast import Cast, make_cast
from tests.web.paying import NOW, Page, everything, page_of
from tests.web.support import TurnableClock

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

WAYS = (
    pay_method("link", {"url": "https://paypal.me/olga"}),
    pay_method("iban", {"iban": "DE89370400440532013000", "holder": "Olga O."}),
)


@pytest.fixture
def cast(runtime: Runtime, clock: TurnableClock) -> Cast:
    clock.now = NOW
    return make_cast(runtime)


@pytest.fixture
def owed(cast: Cast) -> list[Payment]:
    """Let Ben owe 6.00 € for one thing and 2.50 € for another, both to be paid in the same ways."""
    members = [
        cast.join(cast.group(name, price, pay_methods=WAYS), "Ben")
        for name, price in (("YouTube Premium", "12.00"), ("Mullvad", "5.00"))
    ]
    cast.tick(NOW)
    return [cast.payment_of(member) for member in members]


@pytest.fixture
def page(app: Flask, runtime: Runtime, cast: Cast, owed: list[Payment]) -> Page:
    return page_of(app, runtime, cast, owed[0].contact_id)


def address(page: Page, *named: str) -> str:
    return page.url + "?" + "&".join(f"payment={one}" for one in named)


def ticked(shown: str) -> int:
    return len(re.findall(r'name="payment" value="\w+" checked', shown))


def test_sums_links_and_codes_are_for_what_the_address_names(page: Page, owed: list[Payment]) -> None:
    whole = page.show().text
    shown = page.browser.get(address(page, owed[1].public_id)).text

    assert "https://paypal.me/olga/8.50EUR" in whole
    assert "https://paypal.me/olga/2.50EUR" in shown
    assert 'data-copy="2.50"' in shown
    assert f'data-copy="{owed[1].reference}"' in shown
    assert "Code for your bank’s app: 2.50\xa0€ to Olga O." in shown
    assert re.search(r'Total to Olga <small>1 of 2 ticked</small></span> <span class="money">2.50', shown)
    assert "Olga asks you for 8.50\xa0€" in shown
    assert (ticked(whole), ticked(shown)) == (2, 1)


@pytest.mark.only_sqlite
def test_looking_at_a_choice_changes_nothing(page: Page, owed: list[Payment], runtime: Runtime) -> None:
    before = everything(runtime)

    page.browser.get(address(page, owed[0].public_id))
    page.press("show", owed[1])

    assert everything(runtime) == before


@pytest.mark.only_sqlite
def test_without_scripts_a_press_leads_to_what_is_ticked(page: Page, owed: list[Payment]) -> None:
    page.url += "?language=de"

    answer = page.press("show", owed[1], note="stays with us")

    assert answer.status_code == 303
    assert answer.location == f"{page.url}&payment={owed[1].public_id}"
    assert "2,50\xa0€" in page.browser.get(answer.location).text
    assert page.press("show").status_code == 422


@pytest.mark.only_sqlite
def test_an_address_that_names_nothing_shows_no_way_to_pay(page: Page) -> None:
    shown = page.browser.get(address(page, "")).text

    assert ticked(shown) == 0
    assert "Nothing is ticked" in shown
    assert "paypal.me" not in shown


def test_an_address_of_what_is_open_no_more_shows_everything(page: Page, owed: list[Payment]) -> None:
    page.press("claim", owed[1])

    shown = page.browser.get(address(page, owed[1].public_id)).text

    assert ticked(shown) == 1
    assert "https://paypal.me/olga/6.00EUR" in shown


def test_nobody_sees_another_persons_payment_by_its_name(page: Page, cast: Cast) -> None:
    strom = cast.join(cast.group("Strom", "20.00"), "Mia")
    cast.tick(NOW)

    shown = page.browser.get(address(page, cast.payment_of(strom).public_id)).text

    assert "Strom" not in shown
    assert "https://paypal.me/olga/8.50EUR" in shown


@pytest.mark.only_sqlite
def test_a_refused_press_keeps_the_sums_of_what_was_ticked(page: Page, owed: list[Payment]) -> None:
    answer = page.press("claim", owed[1], amount="much")

    assert answer.status_code == 422
    assert ticked(answer.text) == 1
    assert "https://paypal.me/olga/2.50EUR" in answer.text


@pytest.mark.only_sqlite
def test_after_a_press_everything_that_is_left_is_ticked_again(page: Page, owed: list[Payment]) -> None:
    chosen = address(page, owed[1].public_id)

    answer = page.browser.client.post(chosen, data={"act": "claim", "payment": owed[1].public_id})

    assert answer.location == f"{page.url}?said=paid"
    assert ticked(page.show().text) == 1


@pytest.mark.only_sqlite
@pytest.mark.parametrize(
    ("currency", "price", "sums"),
    [
        ("JPY", "5000", ("5000", "JP¥2,500")),
        ("KWD", "9.876", ("9.876", "KWD4.938")),
        ("INR", "300000.00", ("300000.00", "₹150,000.00")),
    ],
)
def test_sums_of_other_currencies_follow_to_their_last_digit(
    page: Page, cast: Cast, owed: list[Payment], currency: str, price: str, sums: tuple[str, str]
) -> None:
    way = pay_method("link", {"url": "https://pay.example/{amount}{currency}"})
    group = cast.group("Far away", price, currency=currency, starts_on=date(2026, 1, 1), pay_methods=(way,))
    member = cast.join(group, "Ben")
    cast.tick(NOW)
    cast.tick(NOW)
    both = [cast.payment_of(member, sequence) for sequence in (1, 2)]
    page.url += "?language=en_GB"

    one = page.browser.get(page.url + f"&payment={both[0].public_id}").text
    all_of_it = page.browser.get(page.url + "".join(f"&payment={each.public_id}" for each in both)).text

    assert f"https://pay.example/{sums[0]}{currency}" in all_of_it
    assert sums[1] in re.sub(r"\s", "\xa0", one)
    assert owed[0].reference not in one[one.index("How to pay") :]
