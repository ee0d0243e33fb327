"""Claims about a confirm with the wrong sum: what really came is booked instead; on both databases."""

from datetime import timedelta

import pytest

from substrack.domain.notices import Notice
from substrack.domain.payments import Status
from substrack.services.ledger import DecidedAlready
from substrack.services.payments import confirm_payment
from substrack.services.periods import open_next_period
from substrack.services.rebooking import SameSum, book_another_sum
from substrack.services.receipts import NothingReceived
from substrack.store import Member, Payment, Receipt
from tests.support.books import check_books
from tests.support.cast import Cast, at, make_stranger, money

NOW = at("2026-02-02")
LATER = NOW + timedelta(days=1)


@pytest.fixture
def ben(cast: Cast) -> Member:
    """Ben, who owes 4.00 for each of two open periods."""
    group = cast.group(price="8.00")
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    cast.do(open_next_period, group.id, by=cast.olga, now=NOW)
    return ben


def confirmed(cast: Cast, ben: Member, amount: str) -> Payment:
    cast.do(
        confirm_payment, cast.payment_of(ben).id, amount=money(amount), method="cash", by=cast.olga, now=NOW
    )
    cast.send(NOW + timedelta(minutes=1))
    return cast.payment_of(ben)


def book(cast: Cast, payment: Payment, amount: str, **terms: object) -> Receipt:
    chosen = {"by": cast.olga, "now": LATER}
    receipt: Receipt = cast.do(book_another_sum, payment.id, amount=money(amount), **chosen | terms)
    return receipt


def test_less_came_than_was_booked(cast: Cast, ben: Member) -> None:
    receipt = book(cast, confirmed(cast, ben, "4.00"), "3.00")

    payment = cast.payment_of(ben)
    assert (payment.status, payment.received_minor) == (Status.PENDING, 300)
    assert (receipt.amount_minor, receipt.method, receipt.received_on) == (300, "cash", NOW.date())
    kinds = [one.notice for one in cast.messages(contact_id=ben.contact_id) if one.notice != Notice.WELCOME]
    assert kinds == [Notice.RECEIVED, Notice.REJECTED, Notice.PART_RECEIVED]
    taken_back = cast.messages(notice=Notice.REJECTED)[0]
    assert "> Another sum came" in cast.text_of(taken_back, LATER)
    cast.read(check_books)


def test_it_settles_what_was_pointed_at_before_what_is_older(cast: Cast, ben: Member) -> None:
    confirmed(cast, ben, "8.00")
    second = cast.payment_of(ben, 2)
    assert second.status is Status.CONFIRMED

    book(cast, second, "5.00")

    assert [cast.payment_of(ben, k).received_minor for k in (1, 2)] == [100, 400]
    cast.read(check_books)


def test_more_came_than_was_booked(cast: Cast, ben: Member) -> None:
    book(cast, confirmed(cast, ben, "4.00"), "9.00")
    assert [cast.payment_of(ben, k).status for k in (1, 2)] == [Status.CONFIRMED] * 2
    cast.read(check_books)


def test_what_is_no_other_sum_or_too_late_is_refused_and_changes_nothing(cast: Cast, ben: Member) -> None:
    payment = confirmed(cast, ben, "4.00")
    for amount, refused in (("4.00", SameSum), ("0.00", NothingReceived)):
        with pytest.raises(refused):
            book(cast, payment, amount)
    with pytest.raises(DecidedAlready):
        book(cast, payment, "3.00", version=payment.version - 1)
    with pytest.raises(Exception, match="no such"):
        book(cast, payment, "3.00", by=make_stranger(cast.runtime).olga)
    assert cast.payment_of(ben).received_minor == 400
    book(cast, payment, "3.00")
    with pytest.raises(DecidedAlready):
        book(cast, payment, "3.00", version=payment.version)
