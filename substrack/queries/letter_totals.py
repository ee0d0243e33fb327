"""What is open beyond the payments a letter lists: a part of a debt must not read as if it were all of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from substrack.domain.bills import OpenInAll
from substrack.domain.cycles import local_date
from substrack.domain.money import Money
from substrack.domain.payments import ASKABLE
from substrack.queries.leaving import has_left
from substrack.queries.letter_facts import Reading
from substrack.queries.letter_items import Owed
from substrack.store import Payment


def is_asked(row: Owed, now: datetime) -> bool:
    """Nobody is asked for what is closed, claimed, voided or snoozed, nor after they have left."""
    return may_be_asked(row.payment, row.gone_on, local_date(now, row.group.time_zone))


def may_be_asked(payment: Payment, gone_on: date | None, today: date) -> bool:
    """Say so of a payment whose person is in the group no more from a day on, on a day of its group's."""
    is_snoozed = payment.snoozed_until is not None and payment.snoozed_until > today
    is_askable = payment.voided_at is None and payment.status in ASKABLE
    return is_askable and not is_snoozed and not has_left(gone_on, today)


def load_open_in_all(reading: Reading, listed: Sequence[Owed]) -> tuple[OpenInAll, ...]:
    """Add up what one person owes the payers of the payments listed, where that is more than is listed.

    One sum per payer and currency, in the order of the list; the payments listed are all one person's.
    """
    payers = {(row.payment.payer_id, row.payment.currency): row.item.payer.name for row in listed}
    unlisted = _unlisted(reading, listed)
    more = {(payment.payer_id, payment.currency) for payment in unlisted}
    sums = {key: Money(0, key[1]) for key in payers if key in more}
    for payment in (*(row.payment for row in listed), *unlisted):
        key = (payment.payer_id, payment.currency)
        if key in sums:
            sums[key] += Money(payment.amount_minor - payment.received_minor, payment.currency)
    return tuple(OpenInAll(payers[key], total) for key, total in sums.items())


def _unlisted(reading: Reading, listed: Sequence[Owed]) -> list[Payment]:
    keys = {row.payment.id for row in listed}
    return [
        payment
        for payment, gone_on, time_zone in reading.shared.open_of(listed[0].payment.contact_id)
        if payment.id not in keys and may_be_asked(payment, gone_on, local_date(reading.now, time_zone))
    ]
