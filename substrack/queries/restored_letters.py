"""What a member is told of shares that were taken back and count again, as they stand when it is sent."""

from __future__ import annotations

from collections.abc import Sequence

from substrack.domain.letters import CountsAgain, Decided
from substrack.domain.money import Money
from substrack.domain.payments import ASKABLE, Status
from substrack.queries.letter_facts import Facts, Reading, about, items_of
from substrack.queries.letter_items import Owed


def counts_again(reading: Reading) -> Facts | None:
    """Tell what is to be paid again, waits for a check again or is settled again; None when all is void anew.

    What is waived by now has an answer of its own, or nobody left to read of it.
    """
    rows = [
        row
        for row in reading.payments()
        if row.payment.voided_at is None and row.payment.status is not Status.WAIVED
    ]
    if not rows:
        return None
    to_pay = [row for row in rows if row.payment.status in ASKABLE]
    claimed = [row for row in rows if row.payment.status is Status.MEMBER_CONFIRMED]
    settled = [row for row in rows if row not in to_pay and row not in claimed]
    content = Decided(
        items_of(to_pay),
        None,
        reading.how_to_pay(to_pay),
        claimed=items_of(claimed),
        again=CountsAgain(items_of(settled), _used(reading, rows)),
    )
    return about(rows, content)


def _used(reading: Reading, rows: Sequence[Owed]) -> Money | None:
    """Say what of the money that was given back to these payments, all of one currency, is still theirs."""
    came_minor = sum(row.payment.received_minor for row in rows)
    minor = min(came_minor, reading.message.payload["counts_again"]["used_minor"])
    return Money(minor, rows[0].payment.currency) if minor else None
