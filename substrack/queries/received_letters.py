"""What a member is told of money that came, or was there: where it went, and what is left by now.

The answer waits out an undo, and for a mail server; what was taken back or settled meanwhile is not told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.letters import Received, ReceivedItem
from substrack.domain.money import Money
from substrack.domain.payments import ASKABLE
from substrack.queries.letter_facts import Facts, Reading, about, person
from substrack.queries.letter_items import Owed, load_owed
from substrack.queries.pay_credit import load_credits
from substrack.queries.unallocated import unallocated_minor
from substrack.store import Allocation, Receipt


def received(reading: Reading) -> Facts | None:
    """Tell what came and what is left by now; nothing of money that was taken back since."""
    payload = reading.message.payload
    named = {item["payment_id"]: item for item in payload["items"]}
    receipt = _receipt_of(reading)
    is_void = receipt is not None and receipt.voided_at is not None
    parts = _parts_of(reading.session, receipt)
    told = [
        (row, item)
        for row in load_owed(reading.session, named)
        if (item := _received_item(reading, row, named[row.payment.id], parts)) is not None
    ]
    came = None if is_void else _money(payload["receipt_minor"], payload["currency"])
    credit = None if is_void else _money(_credit_left(reading, receipt), payload["currency"])
    if not told:
        return _kept_as_credit(reading, came, credit if not named else None)
    owed = [row for row, _item in told]
    content = Received(
        items=tuple(item for _row, item in told),
        receipt=came,
        credit=credit,
        how_to_pay=reading.how_to_pay(owed),
        credit_left=_left_of_credit(reading, owed) if came is None else (),
    )
    return about(owed, content)


def _received_item(
    reading: Reading, row: Owed, told: Mapping[str, int], parts: Mapping[int, int]
) -> ReceivedItem | None:
    """Say what a payment got and what is left of it by now; None when it is no longer so.

    `parts` is what of the receipt settles which payment by now: another may have taken its place. A letter
    that is only previewed, or was queued before letters named their receipt, says what it was told.
    """
    payment, currency = row.payment, row.payment.currency
    got_minor, credit_minor = told["received_minor"], told.get("credit_minor", _all_or_none(reading, told))
    if "receipt_id" not in reading.message.payload:
        left = Money(told["left_minor"], currency)
        return ReceivedItem(row.item, Money(got_minor, currency), left, Money(credit_minor, currency))
    part_minor = parts.get(payment.id, 0)
    from_receipt = min(got_minor - credit_minor, part_minor)
    credit_minor = min(credit_minor, payment.received_minor - part_minor)
    got_minor = from_receipt + credit_minor
    is_open = payment.status in ASKABLE and payment.voided_at is None
    left = row.item.left if is_open else Money(0, currency)
    is_gone = not got_minor if told["received_minor"] else left.minor > 0 == told["left_minor"]
    if is_gone or payment.voided_at is not None:
        return None
    return ReceivedItem(row.item, Money(got_minor, currency), left, Money(credit_minor, currency))


def _parts_of(session: Session, receipt: Receipt | None) -> dict[int, int]:
    """Load what of a receipt settles which payment by now, in minor units."""
    if receipt is None:
        return {}
    live = (Allocation.receipt_id == receipt.id, Allocation.voided_at.is_(None))
    found = session.execute(select(Allocation.payment_id, Allocation.amount_minor).where(*live))
    return {row.payment_id: row.amount_minor for row in found}


def _all_or_none(reading: Reading, told: Mapping[str, int]) -> int:
    """Say what came from credit where letters did not tell yet: all of it when nothing else came."""
    return 0 if reading.message.payload["receipt_minor"] else told["received_minor"]


def _receipt_of(reading: Reading) -> Receipt | None:
    receipt_id = reading.message.payload.get("receipt_id")
    return None if receipt_id is None else reading.session.get(Receipt, receipt_id)


def _credit_left(reading: Reading, receipt: Receipt | None) -> int:
    """Say what of a receipt was left over, as far as it still is."""
    told = int(reading.message.payload["credit_minor"])
    if receipt is None or not told:
        return told
    return min(told, unallocated_minor(reading.session, receipt.id))


def _left_of_credit(reading: Reading, owed: Sequence[Owed]) -> tuple[Money, ...]:
    """Add up what is left now of a member's credit with those whom this is owed to, by currency."""
    accounts = {(row.payment.payer_id, row.payment.currency) for row in owed}
    left: Counter[str] = Counter()
    for one in load_credits(reading.session, owed[0].payment.contact_id):
        if (one.payer_id, one.amount.currency) in accounts:
            left[one.amount.currency] += one.amount.minor
    return tuple(Money(minor, currency) for currency, minor in sorted(left.items()))


def _money(minor: int, currency: str | None) -> Money | None:
    return Money(minor, currency) if minor and currency else None


def _kept_as_credit(reading: Reading, came: Money | None, credit: Money | None) -> Facts | None:
    """Say that money came which settles nothing, or nothing of what it did any more."""
    payer_id = reading.message.payload.get("payer_id")
    if payer_id is None or came is None:
        return None
    payer = person(reading, payer_id)
    return Facts(Received(items=(), receipt=came, credit=credit, payer=payer), (payer,))
