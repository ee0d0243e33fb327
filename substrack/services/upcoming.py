"""What time does next in each group: whom it asks and when. Reads only, by the rules of the sweeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.requests import is_last_word, next_request_on
from substrack.queries.owing import is_unclaimed
from substrack.services.schedule import DuePayment, due_payments, payments_with_rules
from substrack.store import Contact, Payment

LOOKED_AT: Final = 4
"""How many of a group's payments are looked at; that many names would not fit on a card."""


@dataclass(frozen=True)
class NextAsking:
    """Whom a group asks next; `is_more` when there are others on that day."""

    on: date
    names: tuple[str, ...]
    is_more: bool


def load_next_askings(session: Session, workspace_id: int, *, now: datetime) -> dict[int, NextAsking]:
    """Find for each group whom it asks next, by the group's key; two statements."""
    place = func.row_number().over(
        partition_by=Payment.group_id, order_by=(Payment.next_action_at, Payment.id)
    )
    ranked = (
        select(Payment.id, place.label("place"))
        .where(Payment.workspace_id == workspace_id, *is_unclaimed(), Payment.next_action_at.is_not(None))
        .subquery()
    )
    first = select(ranked.c.id).where(ranked.c.place <= LOOKED_AT)
    chosen = payments_with_rules().where(Payment.id.in_(first))
    found = due_payments(session, chosen.order_by(Payment.next_action_at, Payment.id))
    names = _names(session, {due.payment.contact_id for due in found})
    by_group: dict[int, list[DuePayment]] = {}
    for due in found:
        by_group.setdefault(due.group.id, []).append(due)
    askings = {key: _next_asking(dues, names, now) for key, dues in by_group.items()}
    return {key: asking for key, asking in askings.items() if asking}


def _next_asking(dues: list[DuePayment], names: dict[int, str], now: datetime) -> NextAsking | None:
    days = [(due.payment.contact_id, _asks_on(due, now)) for due in dues]
    first = min((day for _contact, day in days if day), default=None)
    if first is None:
        return None
    asked = list(dict.fromkeys(names[contact] for contact, day in days if day == first))
    return NextAsking(first, tuple(asked[: LOOKED_AT - 1]), len(asked) >= LOOKED_AT)


def _asks_on(due: DuePayment, now: datetime) -> date | None:
    """Say when a payment is asked for; None when it is not, or the next slot tells the admin instead."""
    facts = due.facts(now)
    return None if is_last_word(facts, due.rules) else next_request_on(facts, due.rules)


def _names(session: Session, contact_ids: set[int]) -> dict[int, str]:
    query = select(Contact.id, Contact.name).where(Contact.id.in_(sorted(contact_ids)))
    return dict(session.execute(query).all())
