"""Billing: what each member owes for a period whose total is known, with own shares and credit settled.

Written for many periods in a handful of statements. Nobody is asked here; members are told where the group
wants that, once credit has settled what it can.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.payments import PaymentKind, Status
from substrack.domain.requests import AskedPayment, next_action_at
from substrack.queries.batches import in_batches
from substrack.queries.collection_days import load_collection_days
from substrack.queries.leaving import has_left
from substrack.services.credit import apply_credits
from substrack.services.ledger import Decision
from substrack.services.locks import lock_contacts
from substrack.services.opening_notices import opened_notice
from substrack.services.opening_rows import EVENTS, in_lots, insert_rows, opening_event
from substrack.services.outbox import queue
from substrack.services.plans import Dues, Plan, dues_of, plan_of_bill
from substrack.services.references import new_references
from substrack.services.schedule import reschedule_payments, rules_of_group
from substrack.store import (
    Address,
    Allocation,
    Direction,
    Group,
    Payment,
    Period,
    Receipt,
    ReceiptSource,
    new_public_id,
)

_ALLOCATIONS: Any = Allocation.__table__


@dataclass(frozen=True)
class _Askable:
    """Who can be reached, and on which day of the month who is first asked."""

    reachable: set[int]
    collection_days: dict[int, int]


def bill(
    session: Session, group: Group, period: Period, total_minor: int, *, by: Actor, now: datetime
) -> Plan:
    """Make the payments of a period whose bill has come; the caller writes the period's total."""
    plan = plan_of_bill(session, group, period, total_minor, now)
    write_bills(session, [plan], [period.id], by, now)
    return plan


def write_bills(
    session: Session, plans: Sequence[Plan], period_ids: Sequence[int], by: Actor, now: datetime
) -> int:
    """Write the payments of all plans with a total, settle own shares and credit; return how many were told.

    In lots, because one group may have as many members as many groups have.
    """
    billed = [
        (plan, key) for plan, key in zip(plans, period_ids, strict=True) if plan.total_minor is not None
    ]
    dues = [(plan, key, part) for plan, key in billed for part in dues_of(plan)[0]]
    if not dues:
        return 0
    owners = {part.member.contact_id for _plan, _key, part in dues}
    # What somebody is changing at this moment, money or an address, is waited for: it is seen below, or sees
    # these payments.
    lock_contacts(session, owners)
    askable = _Askable(_reachable(session, owners), load_collection_days(session, owners))
    paid = [one for lot in in_lots(dues) for one in _write_dues(session, lot, askable, by, now)]
    # Whose stay is over may be there in another, which the schedule looks up.
    over = [key for plan, part, key in paid if has_left(part.member.left_on, plan.today)]
    reschedule_payments(session, over, now=now)
    _apply_credits(session, [(plan, part) for plan, part, _key in paid], by, now)
    to_tell = [one for one in paid if one[0].group.tells_opened and one[1].status is Status.PENDING]
    soonest = now + timedelta(seconds=by.undo_seconds)
    return sum(
        queue(session, [opened_notice(*one, not_before=soonest) for one in lot], now=now)
        for lot in in_lots(to_tell)
    )


def _reachable(session: Session, contact_ids: Collection[int]) -> set[int]:
    query = select(Address.contact_id).where(
        Address.refused_since.is_(None), Address.unsubscribed_at.is_(None)
    )
    found: set[int] = set()
    for batch in in_batches(contact_ids):
        found.update(session.scalars(query.where(Address.contact_id.in_(batch))))
    return found


def _write_dues(
    session: Session,
    dues: Sequence[tuple[Plan, int, Dues]],
    askable: _Askable,
    by: Actor,
    now: datetime,
) -> list[tuple[Plan, Dues, int]]:
    """Write payments with their events and settle own shares; return the keys with what they are for."""
    references = new_references(session, {plan.group.workspace_id for plan, _key, _part in dues}, len(dues))
    rows = [
        _payment_row(plan, key, part, reference, askable, now)
        for (plan, key, part), reference in zip(dues, references, strict=True)
    ]
    payment_ids = insert_rows(session, Payment, rows)
    paid = [(plan, part, key) for (plan, _period, part), key in zip(dues, payment_ids, strict=True)]
    session.execute(insert(EVENTS), [_payment_event(plan, part, key, by, now) for plan, part, key in paid])
    _settle_own_shares(session, paid, now)
    return paid


def _payment_row(
    plan: Plan, period_id: int, part: Dues, reference: str, askable: _Askable, now: datetime
) -> dict[str, Any]:
    group, status = plan.group, part.status
    is_done = status is Status.CONFIRMED
    return {
        "public_id": new_public_id(),
        "workspace_id": group.workspace_id,
        "group_id": group.id,
        "member_id": part.member.id,
        "contact_id": part.member.contact_id,
        "payer_id": plan.payer_id,
        "period_id": period_id,
        "kind": part.kind,
        "amount_minor": part.amount_minor,
        "received_minor": part.amount_minor if is_done else 0,
        "written_off_minor": 0,
        "currency": group.currency,
        "weight": part.sharer.weight,
        "part_days": part.sharer.days,
        "is_fixed": part.sharer.fixed_minor is not None,
        "status": status,
        "version": 1,
        "reference": reference,
        "due_on": plan.due_on_for(part.sharer),
        "asked_on": plan.asked_on_for(part.sharer),
        "pending_at": now,
        "requests_sent": 0,
        "next_action_at": None if is_done else _first_action_at(plan, part, askable),
        "created_at": now,
        "closed_at": now if is_done else None,
    }


def _first_action_at(plan: Plan, part: Dues, askable: _Askable) -> datetime | None:
    left_on, contact_id = part.member.left_on, part.member.contact_id
    facts = AskedPayment(
        status=Status.PENDING,
        asked_on=plan.asked_on_for(part.sharer),
        pending_on=plan.today,
        requests_sent=0,
        requested_on=None,
        snoozed_until=None,
        is_reachable=contact_id in askable.reachable,
        is_asked=not has_left(left_on, plan.today),
        collection_day=askable.collection_days.get(contact_id),
    )
    return next_action_at(facts, rules_of_group(plan.group))


def _payment_event(plan: Plan, part: Dues, payment_id: int, by: Actor, now: datetime) -> dict[str, Any]:
    after = {"status": part.status.value, "amount": part.amount_minor, "version": 1}
    return opening_event(plan, "payment", payment_id, after, payment_id=payment_id, by=by, now=now)


def _settle_own_shares(session: Session, paid: Sequence[tuple[Plan, Dues, int]], now: datetime) -> None:
    own = [entry for entry in paid if entry[1].kind is PaymentKind.OWN and entry[1].amount_minor]
    receipts = [
        {
            "public_id": new_public_id(),
            "workspace_id": plan.group.workspace_id,
            "contact_id": part.member.contact_id,
            "payer_id": plan.payer_id,
            "group_id": plan.group.id,
            "amount_minor": part.amount_minor,
            "currency": plan.group.currency,
            "direction": Direction.IN,
            "received_on": plan.today,
            "source": ReceiptSource.OWN,
            "created_at": now,
        }
        for plan, part, _key in own
    ]
    allocations = [
        {"receipt_id": receipt_id, "payment_id": key, "amount_minor": part.amount_minor, "made_at": now}
        for receipt_id, (_plan, part, key) in zip(insert_rows(session, Receipt, receipts), own, strict=True)
    ]
    if allocations:
        session.execute(insert(_ALLOCATIONS), allocations)


def _apply_credits(session: Session, dues: Sequence[tuple[Plan, Dues]], by: Actor, now: datetime) -> None:
    """Let credit settle the new payments of those few who have any; the caller holds the locks of all."""
    pairs = {(part.member.contact_id, plan.payer_id) for plan, part in dues if part.kind is PaymentKind.DUES}
    apply_credits(session, pairs, lambda: Decision(by, now))
