"""Claims about what a member writes on their page when its share is no longer open: it never vanishes."""

from __future__ import annotations

import pytest

from substrack.domain.actors import Actor
from substrack.services.claims import claim_payments
from substrack.services.payments import waive_payment
from substrack.store import Member, Payment
from tests.support.cast import Cast
from tests.web.paying import Page
from tests.web.support import NOW

WORDS = "Look at <September>, please"
KEPT = "Look at &lt;September&gt;, please</textarea>"
REFUSED = "This is no longer open"


@pytest.fixture
def march(cast: Cast, ben: Member) -> Payment:
    return cast.payment_of(ben, 2)


def _claim(cast: Cast, *payments: Payment) -> None:
    contact = payments[0].contact_id
    cast.do(claim_payments, contact, [one.id for one in payments], by=Actor.contact(contact), now=NOW)


def test_words_about_what_was_claimed_meanwhile_are_refused_and_kept(
    page: Page, cast: Cast, owed: Payment, march: Payment
) -> None:
    _claim(cast, owed, march)

    answer = page.press("object", owed, text=WORDS)

    assert answer.status_code == 422
    assert REFUSED in answer.text
    assert KEPT in answer.text
    assert "objection" not in cast.notices_to(cast.olga_contact)


@pytest.mark.only_sqlite
def test_words_are_kept_in_the_form_while_something_else_is_open(
    page: Page, cast: Cast, owed: Payment, march: Payment
) -> None:
    cast.do(waive_payment, owed.id, reason="Birthday", by=cast.olga, now=NOW)

    answer = page.press("object", owed, text=WORDS)

    assert answer.status_code == 422
    form = answer.text.partition('<details class="fold" open>')[2].partition("</details>")[0]
    assert REFUSED in form
    assert KEPT in form
    assert march.public_id in form


@pytest.mark.only_sqlite
def test_not_yet_for_what_was_claimed_meanwhile_says_so(
    page: Page, cast: Cast, owed: Payment, march: Payment
) -> None:
    _claim(cast, owed, march)

    answer = page.press("snooze", owed, until="days")

    assert answer.status_code == 422
    assert REFUSED in answer.text


@pytest.mark.only_sqlite
@pytest.mark.parametrize(("act", "fields"), [("snooze", {"until": "days"}), ("object", {"text": WORDS})])
def test_a_press_for_several_of_which_one_is_claimed_does_nothing_in_part(
    page: Page, cast: Cast, owed: Payment, march: Payment, act: str, fields: dict[str, str]
) -> None:
    _claim(cast, owed)

    answer = page.press(act, owed, march, **fields)

    assert answer.status_code == 422
    assert "Part of this is no longer open" in answer.text
    assert cast.payments(id=march.id)[0].snoozed_until is None
    assert page.press(act, march, **fields).status_code == 303
