"""The erased and what is owed: whoever was erased owes nothing more and is owed nothing more.

A decision that would have them owe is refused. Where it is only a part of what an admin does, it is done and
what would be owed is forgiven in the same breath, as erasing them forgave what was open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.errors import Refused
from substrack.domain.payments import OPEN, Act, PaymentKind, Status
from substrack.queries.batches import in_batches
from substrack.services.claim_items import close_claim_item
from substrack.services.ledger import Decision, Touched, move
from substrack.store import AttemptState, Contact, Payment

REASON: Final = "erased"


class NobodyToAsk(Refused):
    """Whoever owed this was erased."""

    def __init__(self) -> None:
        super().__init__("Whoever owed this was erased, so there is nobody to ask.")


class NobodyToPay(Refused):
    """Whoever this was owed to was erased."""

    def __init__(self) -> None:
        super().__init__("Whoever this was to be paid to was erased, so nobody owes it.")


def check_may_owe(session: Session, contact_id: int | None, payer_id: int) -> None:
    """Refuse to let somebody, or anybody, owe a payer if one of the two was erased.

    Raises:
        NobodyToAsk, NobodyToPay.
    """
    gone = erased_among(session, {payer_id} if contact_id is None else {contact_id, payer_id})
    if contact_id in gone:
        raise NobodyToAsk
    if payer_id in gone:
        raise NobodyToPay


def erased_among(session: Session, contact_ids: Collection[int]) -> set[int]:
    """Find those of some people who were erased."""
    query = select(Contact.id).where(Contact.erased_at.is_not(None))
    found: set[int] = set()
    for batch in in_batches(contact_ids):
        found.update(session.scalars(query.where(Contact.id.in_(batch))))
    return found


def forgive_erased(session: Session, payments: Iterable[Payment], decision: Decision) -> None:
    """Waive those of some locked payments that are open between people of whom one was erased.

    Each gets its Event with the reason "erased"; a claim that waits for it closes. Nobody is told, for nobody
    is there. Callers reschedule.
    """
    still_open = [one for one in payments if one.status in OPEN and one.kind is PaymentKind.DUES]
    gone = erased_among(session, {key for one in still_open for key in (one.contact_id, one.payer_id)})
    for payment in still_open:
        if not gone.isdisjoint((payment.contact_id, payment.payer_id)):
            _forgive(session, payment, decision)


def _forgive(session: Session, payment: Payment, decision: Decision) -> None:
    touched = Touched()
    close_claim_item(session, payment, AttemptState.WAIVED, touched, decision.now, reason=REASON)
    because = Decision(decision.by, decision.now, REASON, decision.correlation_id)
    move(session, payment, Act.WAIVE, because, target=Status.WAIVED, touched=touched)
