"""Claims about the yardstick of the books: whatever one row says wrong, it notices."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.services.claims import claim_payments
from substrack.services.payments import confirm_payment
from tests.support.books import check_books
from tests.support.cast import Cast, at

NOW = at("2026-02-09")

WRONG = {
    "more received than was allocated": "UPDATE payments SET received_minor = 1 WHERE status = 'pending'",
    "claimed without a claim": "UPDATE payments SET status = 'member_confirmed' WHERE status = 'pending'",
    "an open item of a claim that is none": "UPDATE attempts SET state = 'withdrawn' WHERE state = 'open'",
    "a claim that no item is left of": "UPDATE attempt_items SET state = 'withdrawn' WHERE state = 'open'",
    "shares that do not add up": "UPDATE periods SET total_minor = total_minor + 1",
    "a payment of a void period": "UPDATE periods SET voided_at = '2026-02-09 11:00:00'",
    "a payment that time forgot": "UPDATE payments SET next_action_at = NULL WHERE status = 'pending'",
    "a change without an event": "UPDATE payments SET version = version + 1",
    "a gap in the history": "UPDATE events SET before = json_set(before, '$.amount', 9) WHERE verb='claim'",
    "a void receipt that settles": "UPDATE receipts SET voided_at = '2026-02-09 11:00:00', void_reason = 'x'",
    "more requests before than in all": "UPDATE payments SET requests_before = requests_sent + 1",
    "admins told before its round": "UPDATE payments SET exhausted_at = '2026-01-01 11:00:00'",
    "asked again too soon": "UPDATE groups SET repeat_every_days = 9",
}


@pytest.fixture
def books(cast: Cast) -> Cast:
    """Open books with a payment of each kind: claimed, confirmed, asked for twice, the payer's own."""
    group = cast.group(grace_days=0)
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.join(group, "Cleo")
    for days in (8, 5, 2):
        cast.tick(NOW - timedelta(days=days))
        cast.send(NOW - timedelta(days=days))
    cast.do(confirm_payment, cast.payment_of(ben).id, by=cast.olga, now=NOW)
    by, claimed = Actor.contact(mia.contact_id), [cast.payment_of(mia).id]
    cast.do(claim_payments, mia.contact_id, claimed, by=by, now=NOW)
    cast.read(check_books)
    return cast


@pytest.mark.only_sqlite
def test_the_yardstick_notices_each_row_that_is_wrong(books: Cast) -> None:
    assert [name for name, statement in WRONG.items() if not is_noticed(books, statement)] == []


def is_noticed(books: Cast, statement: str) -> bool:
    """Make something wrong for a moment, and hear what the yardstick says."""
    with Session(books.runtime.write_engine) as session:
        changed = session.connection().execute(text(statement))
        assert changed.rowcount, f"nothing to be made wrong by {statement}"
        try:
            check_books(session)
        except AssertionError:
            return True
        return False
