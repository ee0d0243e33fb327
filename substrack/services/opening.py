"""Opening: turn what is due into periods, payments, receipts of own shares, events and messages, in batches.

Written with Core in a handful of statements for up to 200 groups; what exists already costs nothing. The
unique keys (group + sequence, group + start) are the last word against a double period.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import starmap
from typing import Any, TypeVar

from sqlalchemy import Select, insert, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.payments import PaymentKind, Status
from substrack.domain.requests import AskedPayment, next_action_at
from substrack.queries.batches import in_batches
from substrack.queries.collection_days import load_collection_days
from substrack.queries.prepared import prepared
from substrack.services.credit import apply_credits
from substrack.services.ledger import Decision
from substrack.services.locks import lock_contacts
from substrack.services.opening_notices import bills_wanted, heads_up, opened_notice
from substrack.services.outbox import queue
from substrack.services.plans import Dues, Plan, dues_of, has_members, plan_of_bill, plans_for, shares_of
from substrack.services.references import new_references
from substrack.services.schedule import next_opening, rules_of_group
from substrack.store import (
    Address,
    Allocation,
    Direction,
    Event,
    Group,
    Payment,
    Period,
    PeriodOrigin,
    Receipt,
    ReceiptSource,
    new_public_id,
)

BATCH = 200
LOT = 2_000
"""So many payments are written at once: their rows take a few megabytes until they are."""

Each = TypeVar("Each")

# Plain tables: an insert of entities looks at each row by itself.
_EVENTS: Any = Event.__table__
_ALLOCATIONS: Any = Allocation.__table__


@dataclass(frozen=True)
class _Askable:
    """Who can be reached, and on which day of the month who is first asked."""

    reachable: set[int]
    collection_days: dict[int, int]


@dataclass(frozen=True)
class Opened:
    """How many periods were opened and messages queued."""

    periods: int
    messages: int


def lock_due_groups(session: Session, *, now: datetime, limit: int = BATCH) -> list[Group]:
    """Lock groups whose next period is due; those that another worker has in hand are left to it."""
    return list(session.scalars(*_due_groups(now, limit)))


@prepared
def _due_groups(now: datetime, at_most: int) -> Select[Group]:
    due = select(Group).where(Group.next_open_at <= now).order_by(Group.next_open_at, Group.id)
    return due.limit(at_most).with_for_update(skip_locked=True, key_share=True)


def open_next_of(
    session: Session, groups: Sequence[Group], *, origin: PeriodOrigin, by: Actor, now: datetime
) -> Opened:
    """Open the next period of each locked group.

    Raises:
        FixedAmountsOverTotal: a group's fixed amounts exceed its price; nothing of the batch is to be kept.
    """
    plans = plans_for(session, groups, now)
    period_ids = _insert_periods(session, plans, origin, now)
    _advance_groups(session, plans)
    _insert_period_events(session, plans, period_ids, by, now)
    told = _write_bills(session, plans, period_ids, by, now)
    told += queue(session, bills_wanted(session, plans, period_ids, now), now=now)
    coming = [draft for plan in plans for draft in heads_up(plan, now)]
    return Opened(len(plans), told + sum(queue(session, lot, now=now) for lot in _in_lots(coming)))


def bill(
    session: Session, group: Group, period: Period, total_minor: int, *, by: Actor, now: datetime
) -> Plan:
    """Make the payments of a period whose bill has come; the caller writes the period's total."""
    plan = plan_of_bill(session, group, period, total_minor, now)
    _write_bills(session, [plan], [period.id], by, now)
    return plan


def _insert_periods(
    session: Session, plans: Sequence[Plan], origin: PeriodOrigin, now: datetime
) -> list[int]:
    rows = [
        {
            "public_id": new_public_id(),
            "group_id": plan.group.id,
            "sequence": plan.window.sequence,
            "starts_on": plan.window.starts_on,
            "ends_on": plan.window.ends_on,
            "due_on": plan.due_on,
            "opens_on": plan.opens_on,
            "total_minor": plan.total_minor,
            "payer_part_minor": 0 if plan.total_minor is None else shares_of(plan)[1].payer_minor,
            "origin": origin,
            "opened_at": now,
            "billed_at": None if plan.total_minor is None else now,
            "version": 1,
        }
        for plan in plans
    ]
    return _insert(session, Period, rows)


def _insert(session: Session, table: type[Any], rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert rows and return their keys in the same order.

    Into the plain table, since an ORM insert starts a new statement wherever a null comes or goes; and told
    apart by public ids, since SQLite promises no order and sorting would mean one statement a row.
    """
    if not rows:
        return []
    plain = table.__table__
    statement = insert(plain).returning(plain.c.public_id, plain.c.id)
    keys = {row.public_id: row.id for row in session.execute(statement, rows)}
    return [keys[row["public_id"]] for row in rows]


def _advance_groups(session: Session, plans: Sequence[Plan]) -> None:
    rows = []
    for plan in plans:
        plan.group.next_sequence += 1
        rows.append(
            {
                "id": plan.group.id,
                "next_sequence": plan.group.next_sequence,
                "next_open_at": next_opening(plan.group) if has_members(plan) else None,
            }
        )
        session.expunge(plan.group)
    session.execute(update(Group), rows)


def _insert_period_events(
    session: Session, plans: Sequence[Plan], period_ids: Sequence[int], by: Actor, now: datetime
) -> None:
    rows = [
        _event(
            plan,
            by,
            now,
            "period",
            key,
            None,
            "open",
            {"sequence": plan.window.sequence, "total": plan.total_minor},
        )
        for plan, key in zip(plans, period_ids, strict=True)
    ]
    session.execute(insert(_EVENTS), rows)


def _write_bills(
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
    askable = _Askable(_reachable(session, owners), load_collection_days(session, owners))
    # Money that somebody is booking at this moment is waited for: it is seen below, or sees these payments.
    lock_contacts(session, owners)
    paid = [one for lot in _in_lots(dues) for one in _write_dues(session, lot, askable, by, now)]
    _apply_credits(session, [(plan, part) for plan, part, _key in paid], by, now)
    to_tell = [one for one in paid if one[0].group.tells_opened and one[1].status is Status.PENDING]
    return sum(queue(session, list(starmap(opened_notice, lot)), now=now) for lot in _in_lots(to_tell))


def _in_lots(everything: Sequence[Each]) -> Iterator[Sequence[Each]]:
    """Give so few at a time that their rows are no burden."""
    for start in range(0, len(everything), LOT):
        yield everything[start : start + LOT]


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
    payment_ids = _insert(session, Payment, rows)
    paid = [(plan, part, key) for (plan, _period, part), key in zip(dues, payment_ids, strict=True)]
    session.execute(insert(_EVENTS), [_payment_event(plan, part, key, by, now) for plan, part, key in paid])
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
        "payer_id": group.payer_id,
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
        "due_on": plan.due_on,
        "asked_on": plan.asked_on,
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
        asked_on=plan.asked_on,
        pending_on=plan.today,
        requests_sent=0,
        requested_on=None,
        snoozed_until=None,
        is_reachable=contact_id in askable.reachable,
        is_asked=left_on is None or left_on > plan.today,
        collection_day=askable.collection_days.get(contact_id),
    )
    return next_action_at(facts, rules_of_group(plan.group))


def _payment_event(plan: Plan, part: Dues, payment_id: int, by: Actor, now: datetime) -> dict[str, Any]:
    after = {"status": part.status.value, "amount": part.amount_minor, "version": 1}
    return _event(plan, by, now, "payment", payment_id, payment_id, "open", after)


def _event(
    plan: Plan,
    by: Actor,
    now: datetime,
    subject_kind: str,
    subject_id: int,
    payment_id: int | None,
    verb: str,
    after: dict[str, Any],
) -> dict[str, Any]:
    return {
        "workspace_id": plan.group.workspace_id,
        "group_id": plan.group.id,
        "payment_id": payment_id,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "verb": verb,
        "actor_kind": by.kind,
        "actor_id": by.id,
        "via": by.via,
        "at": now,
        "after": after,
        "correlation_id": plan.correlation_id,
    }


def _settle_own_shares(session: Session, paid: Sequence[tuple[Plan, Dues, int]], now: datetime) -> None:
    own = [entry for entry in paid if entry[1].kind is PaymentKind.OWN and entry[1].amount_minor]
    receipts = [
        {
            "public_id": new_public_id(),
            "workspace_id": plan.group.workspace_id,
            "contact_id": part.member.contact_id,
            "payer_id": plan.group.payer_id,
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
        for receipt_id, (_plan, part, key) in zip(_insert(session, Receipt, receipts), own, strict=True)
    ]
    if allocations:
        session.execute(insert(_ALLOCATIONS), allocations)


def _apply_credits(session: Session, dues: Sequence[tuple[Plan, Dues]], by: Actor, now: datetime) -> None:
    """Let credit settle the new payments of those few who have any; the caller holds the locks of all."""
    pairs = {
        (part.member.contact_id, plan.group.payer_id) for plan, part in dues if part.kind is PaymentKind.DUES
    }
    apply_credits(session, pairs, lambda: Decision(by, now))


def _reachable(session: Session, contact_ids: Collection[int]) -> set[int]:
    query = select(Address.contact_id).where(
        Address.refused_since.is_(None), Address.unsubscribed_at.is_(None)
    )
    found: set[int] = set()
    for batch in in_batches(contact_ids):
        found.update(session.scalars(query.where(Address.contact_id.in_(batch))))
    return found
