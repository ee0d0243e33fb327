"""Claims about the letters that tell of a void: how many statements they take, and what they say of money."""

import pytest

from substrack.services.ledger import Decision
from substrack.services.payments import confirm_payment
from substrack.services.periods import open_next_period
from substrack.services.receipts import apply_credit_now
from substrack.services.telling_void import TakenOff, tell_void
from substrack.services.voiding import void_period
from tests.support.cast import Cast, at
from tests.support.statements import statements

VOIDED_AT = at("2026-02-06")


def test_letters_about_a_void_take_as_many_statements_for_many_as_for_few(cast: Cast) -> None:
    group = cast.group()
    for name in "abcdefghi":
        cast.join(group, name)
    cast.tick(at("2026-02-01"))
    payments = cast.payments(kind="dues")
    few, many = ([TakenOff(payment, False, 100) for payment in some] for some in (payments[:2], payments[2:]))

    def count(taken: list[TakenOff]) -> int:
        with cast.runtime.transaction() as session, statements(cast.runtime) as seen:
            tell_void(session, cast.workspace_id, taken, Decision(cast.olga, VOIDED_AT, "a free month"))
        return len(seen)

    assert count(few) == count(many)
    assert len(cast.messages(notice="waived")) == len(payments)


@pytest.mark.parametrize(("price", "told"), [("20.00", ""), ("14.00", "3.00")])
def test_a_letter_about_a_void_that_waited_names_no_credit_that_is_spent(
    cast: Cast, price: str, told: str
) -> None:
    group = cast.group("Gym", "20.00")
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    payment = cast.payment_of(ben)
    cast.do(confirm_payment, payment.id, by=cast.olga, now=at("2026-02-02"))
    cast.do(void_period, payment.period_id, reason="closed", by=cast.olga, now=VOIDED_AT)
    [letter] = cast.messages(notice="waived")
    assert "10.00 € that had come for it is your credit." in cast.text_of(letter, VOIDED_AT)

    other = cast.group("Choir", price)
    cast.join(other, "Ben")
    cast.do(open_next_period, other.id, by=cast.olga, now=VOIDED_AT)
    cast.do(apply_credit_now, ben.contact_id, cast.olga_contact, by=cast.olga, now=VOIDED_AT)

    text = cast.text_of(letter, VOIDED_AT)
    assert "nothing is owed for it" in text
    assert "10.00 € that had come" not in text
    assert (f"{told} € that had come for it is your credit." in text) is bool(told)
