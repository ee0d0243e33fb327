"""Claims about the top of the member's page: why a thing is open again, until it is claimed or decided."""

from __future__ import annotations

import pytest

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.domain.claims import RejectReason
from substrack.domain.payments import ReopenCause
from substrack.services.claim_decisions import reject_claim
from substrack.services.claims import claim_payments
from substrack.services.objections import answer_objection
from substrack.services.payments import adjust_payment, confirm_payment, reject_payment, reopen_payment
from substrack.services.receipts import record_receipt
from substrack.services.undo import undo_decision
from substrack.store import Member, Payment
from tests.support.cast import Cast, at, make_cast, money
from tests.web.paying import NOW, Page, attempts
from tests.web.support import TurnableClock

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def cast(runtime: Runtime, clock: TurnableClock) -> Cast:
    clock.now = NOW
    return make_cast(runtime)


@pytest.fixture
def ben(cast: Cast) -> Member:
    """Ben, who owes 2.99."""
    member = cast.join(cast.group("YouTube Premium", "5.98"), "Ben")
    cast.tick(NOW)
    return member


def top_of(page: Page) -> str:
    """Read what stands above the heading."""
    shown = page.show().text
    return shown[shown.index('class="pay-top"') : shown.index("<h1>")]


def claim(cast: Cast, *payments: Payment) -> None:
    person = payments[0].contact_id
    keys = [payment.id for payment in payments]
    cast.do(claim_payments, person, keys, by=Actor.contact(person), now=NOW)


def reject(cast: Cast, payment: Payment, reason: str = "Nothing <came>") -> None:
    cast.do(reject_payment, payment.id, reason=reason, by=cast.olga, now=NOW)


def test_why_a_claim_was_rejected_and_what_to_do_stands_at_the_top(
    page: Page, cast: Cast, owed: Payment
) -> None:
    assert "Not confirmed" not in top_of(page)
    claim(cast, owed)
    reject(cast, owed)

    top = top_of(page)
    assert "<strong>Not confirmed</strong><br>YouTube Premium, February 2026" in top
    assert "Nothing &lt;came&gt;" in top
    assert "press “I’ve paid” again" in top


def test_it_goes_when_the_member_claims_again_even_if_they_take_it_back(
    page: Page, cast: Cast, owed: Payment
) -> None:
    claim(cast, owed)
    reject(cast, owed)

    page.press("claim", owed)
    assert "Not confirmed" not in top_of(page)
    page.press("withdraw", owed)
    assert "Not confirmed" not in top_of(page)


def test_credit_that_settles_a_part_does_not_hide_it(page: Page, cast: Cast, owed: Payment) -> None:
    claim(cast, owed)
    cast.do(
        record_receipt,
        cast.workspace_id,
        contact_id=owed.contact_id,
        payer_id=owed.payer_id,
        amount=money("1.00"),
        payment_ids=[],
        by=cast.olga,
        now=NOW,
    )
    reject(cast, owed)

    [payment] = cast.payments(id=owed.id)
    assert payment.received_minor == 100
    assert "Nothing &lt;came&gt;" in top_of(page)


@pytest.mark.only_sqlite
def test_another_decision_replaces_it(page: Page, cast: Cast, owed: Payment) -> None:
    claim(cast, owed)
    reject(cast, owed)

    cast.do(adjust_payment, owed.id, amount=money("2.00"), reason="Half", by=cast.olga, now=NOW)

    assert "Not confirmed" not in top_of(page)


@pytest.mark.only_sqlite
def test_putting_it_off_does_not_hide_it(page: Page, cast: Cast, owed: Payment) -> None:
    claim(cast, owed)
    reject(cast, owed)

    page.press("snooze", owed, until="days")

    assert "Not confirmed" in top_of(page)


@pytest.mark.only_sqlite
def test_an_undone_rejection_is_not_told(page: Page, cast: Cast, owed: Payment) -> None:
    claim(cast, owed)
    outcome = cast.do(reject_payment, owed.id, reason="Oops", by=cast.olga, now=NOW)

    cast.do(undo_decision, outcome.correlation_id, by=cast.olga, now=NOW)

    assert "Oops" not in top_of(page)


def test_a_picked_reason_is_read_in_the_language_of_the_page(page: Page, cast: Cast, owed: Payment) -> None:
    claim(cast, owed)
    reject(cast, owed, RejectReason.NOT_RECEIVED.value)
    assert "The money has not arrived." in top_of(page)

    page.url += "?language=de"
    assert "Das Geld ist nicht angekommen." in top_of(page)


def test_one_decision_about_several_things_is_told_once(page: Page, cast: Cast, owed: Payment) -> None:
    others = [cast.join(cast.group(name, "5.00"), "Ben") for name in ("Mullvad", "Strom")]
    cast.tick(NOW)
    claim(cast, owed, *(cast.payment_of(each) for each in others))
    (attempt,) = attempts(cast)

    cast.do(reject_claim, attempt.id, reason="Nothing came", by=cast.olga, now=NOW)

    assert top_of(page).count("Nothing came") == 1
    assert "<strong>Not confirmed</strong><br>3 shares" in top_of(page)


def test_what_came_of_it_and_what_is_left_stands_at_the_top_and_in_the_bill(
    page: Page, cast: Cast, owed: Payment
) -> None:
    cast.do(confirm_payment, owed.id, amount=money("2.00"), by=cast.olga, now=NOW)

    top = top_of(page)
    assert "Olga received 2.00\xa0€ of 2.99\xa0€, 0.99\xa0€ left" in top
    shown = page.show().text
    assert "left of 2.99\xa0€" in shown
    assert "<h1>Olga asks you for 0.99\xa0€</h1>" in shown


@pytest.mark.only_sqlite
@pytest.mark.parametrize(
    ("because", "why"),
    [
        (ReopenCause.NEVER_CAME, "The money that was noted for it has not come."),
        (ReopenCause.SOMETHING_ELSE, "The money that was noted for it was for something else."),
    ],
)
def test_what_is_open_again_says_why(
    page: Page, cast: Cast, owed: Payment, because: ReopenCause, why: str
) -> None:
    cast.do(confirm_payment, owed.id, by=cast.olga, now=NOW)
    cast.do(reopen_payment, owed.id, because=because, by=cast.olga, now=NOW)

    assert "<strong>Open again</strong><br>YouTube Premium, February 2026" in top_of(page)
    assert why in top_of(page)


@pytest.mark.only_sqlite
def test_what_is_settled_has_no_verdict(page: Page, cast: Cast, owed: Payment) -> None:
    claim(cast, owed)
    reject(cast, owed)
    cast.do(confirm_payment, owed.id, by=cast.olga, now=NOW)

    assert "Not confirmed" not in top_of(page)


class TestTheHeading:
    """It says what is asked, as it stands between the two."""

    def heading(self, page: Page) -> str:
        shown = page.show().text
        return shown.partition("<h1>")[2].partition("</h1>")[0].replace("\xa0", " ")

    def test_who_has_been_asked_is_asked(self, page: Page, owed: Payment) -> None:
        page.press("snooze", owed, until="days")
        assert self.heading(page) == "Olga asks you for 2.99 €"

    def test_who_was_rejected_is_asked_again(self, page: Page, cast: Cast, owed: Payment) -> None:
        claim(cast, owed)
        reject(cast, owed)
        assert self.heading(page) == "Olga asks you for 2.99 € again"

    def test_who_wrote_is_not_told_to_pay(self, page: Page, owed: Payment) -> None:
        page.press("object", owed, text="Not mine")
        assert self.heading(page) == "You wrote to Olga about 2.99 €"

    def test_what_is_overdue_is_called_so(self, page: Page, cast: Cast, owed: Payment) -> None:
        for day in ("2026-02-05", "2026-02-20"):
            cast.tick(at(day))
            cast.send(at(day, 12))
        assert cast.payments(id=owed.id)[0].status == "overdue"
        assert self.heading(page) == "2.99 € to Olga is overdue"

    def test_who_got_an_answer_wished_for_no_delay(self, page: Page, cast: Cast, owed: Payment) -> None:
        page.press("object", owed, text="Not mine")
        note = cast.payments(id=owed.id)[0].objection
        cast.do(answer_objection, note, text="But it is", by=cast.olga, now=NOW)

        shown = page.show().text
        assert self.heading(page) == "Olga asks you for 2.99 €"
        assert "All right" not in shown
        assert "You are asked again on 4 February 2026 at the earliest." in shown
