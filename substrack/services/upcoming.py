"""What time does next in each group: whom it asks and when. Reads only, by the rules of the sweeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Select, func, or_, select, true
from sqlalchemy.orm import Session

from substrack.domain.collecting import FirstRequest
from substrack.domain.requests import first_requests, is_last_word, leaves_on, next_request_on
from substrack.domain.shares import SplitKind
from substrack.queries.collection_days import collection_day, days_in
from substrack.queries.leaving import gone_on, has_left
from substrack.queries.namesakes import names_of
from substrack.queries.owing import first_owed
from substrack.queries.prepared import prepared
from substrack.services.schedule import (
    DuePayment,
    Rules,
    asked_from_start,
    payments_with_rules,
    read_due,
    rules_of_group,
    takes_requests,
)
from substrack.store import Contact, Group, Member, Payment, Workspace

LOOKED_AT: Final = 5
"""How many of a group's payments of one kind are looked at; that many names would not fit on a card."""

NAMED: Final = 3
"""How many are named where that many are asked: "others" are always two at least."""


@dataclass(frozen=True)
class NextAsking:
    """Whom a group asks next; `is_more` when there are others on that day."""

    on: date
    names: tuple[str, ...]
    is_more: bool


def load_next_askings(session: Session, group_ids: list[int], *, now: datetime) -> dict[int, NextAsking]:
    """Find for each of some groups whom it asks next, by the group's key; two statements."""
    found = read_due(session.execute(*_next_payments(group_ids, now.date() - timedelta(days=1))), now=now)
    names = names_of(session, {due.payment.contact_id for due in found}) if found else {}
    by_group: dict[int, list[DuePayment]] = {}
    for due in found:
        by_group.setdefault(due.payment.group_id, []).append(due)
    askings = {key: _next_asking(dues, names) for key, dues in by_group.items()}
    return {key: asking for key, asking in askings.items() if asking}


@prepared
def _next_payments(group_ids: list[int], yesterday: date) -> Rules:
    chosen = payments_with_rules().where(Payment.id.in_(_first_of_each_kind(group_ids, yesterday)))
    return chosen.order_by(Payment.next_action_at, Payment.id)


def load_first_asking(
    session: Session, group_id: int, *, starts_on: date, now: datetime
) -> FirstRequest | None:
    """Foretell when a period of a group that is not open yet is first asked for, in one statement.

    None when nobody can be asked, nothing opens by itself, or the bill is not known.
    """
    found: list[FirstRequest] = []
    for group, day in session.execute(*_days_asked_on(group_id, starts_on)):
        if group.next_open_at is not None and group.split is not SplitKind.VARIABLE:
            asked_on = asked_from_start(group, starts_on, now)
            found += first_requests(asked_on, {group_id: day}, rules_of_group(group), now).values()
    return min(found, key=lambda request: request.on, default=None)


@prepared
def _days_asked_on(group_id: int, starts_on: date) -> Select[Group, int | None]:
    days = days_in(group_id, after=starts_on).subquery()
    return select(Group, days.c.day).join(days, true()).where(Group.id == group_id)


def _first_of_each_kind(group_ids: list[int], yesterday: date) -> Select[int]:
    """Select a few of those payments that the rules treat alike, those first that have been due longest.

    Not by `next_action_at`: that may be the day on which a payment lapses.
    """
    kind = (
        Payment.group_id,
        Payment.status,
        Payment.requested_on,
        Payment.snoozed_until,
        gone_on(),
        collection_day(),
    )
    place = func.row_number().over(partition_by=kind, order_by=(Payment.asked_on, Payment.id))
    ranked = (
        select(Payment.id, place.label("place"))
        .join(Member, Member.id == Payment.member_id)
        .join(Contact, Contact.id == Payment.contact_id)
        .join(Workspace, Workspace.id == Payment.workspace_id)
        .where(
            Payment.id.in_(first_owed(group_ids)),
            Payment.next_action_at.is_not(None),
            or_(gone_on().is_(None), gone_on() > yesterday),
            takes_requests(),
        )
        .subquery()
    )
    return select(ranked.c.id).where(ranked.c.place <= LOOKED_AT)


def _next_asking(dues: list[DuePayment], names: dict[int, str]) -> NextAsking | None:
    days = [(due.payment.contact_id, _asks_on(due)) for due in dues]
    first = min((day for _contact, day in days if day), default=None)
    if first is None:
        return None
    asked = [names[contact] for contact in dict.fromkeys(contact for contact, day in days if day == first)]
    is_more = len(asked) >= LOOKED_AT
    return NextAsking(first, tuple(asked[:NAMED] if is_more else asked), is_more)


def _asks_on(due: DuePayment) -> date | None:
    """Say when a payment is asked for.

    None when it is not, the next slot tells the admin instead, or its member is gone by then.
    """
    facts, rules = due.facts, due.rules
    slot = None if is_last_word(facts, rules) else next_request_on(facts, rules)
    if slot is None:
        return None
    day = leaves_on(slot, due.now, rules)
    return None if has_left(due.payment.gone_on, day) else day
