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
from substrack.queries.namesakes import names_of
from substrack.queries.owing import is_unclaimed
from substrack.services.schedule import (
    DuePayment,
    asked_from_start,
    due_payments,
    payments_with_rules,
    rules_of_group,
    takes_requests,
)
from substrack.store import Contact, Group, Member, Payment, Workspace

LOOKED_AT: Final = 4
"""How many of a group's payments of one kind are looked at; that many names would not fit on a card."""


@dataclass(frozen=True)
class NextAsking:
    """Whom a group asks next; `is_more` when there are others on that day."""

    on: date
    names: tuple[str, ...]
    is_more: bool


def load_next_askings(
    session: Session, workspace_id: int, *, group_id: int | None = None, now: datetime
) -> dict[int, NextAsking]:
    """Find for each group, or for one, whom it asks next, by the group's key; two statements."""
    chosen = payments_with_rules().where(Payment.id.in_(_first_of_each_kind(workspace_id, group_id, now)))
    found = due_payments(session, chosen.order_by(Payment.next_action_at, Payment.id))
    names = names_of(session, {due.payment.contact_id for due in found}) if found else {}
    by_group: dict[int, list[DuePayment]] = {}
    for due in found:
        by_group.setdefault(due.group.id, []).append(due)
    askings = {key: _next_asking(dues, names, now) for key, dues in by_group.items()}
    return {key: asking for key, asking in askings.items() if asking}


def load_first_asking(
    session: Session, group_id: int, *, starts_on: date, now: datetime
) -> FirstRequest | None:
    """Foretell when a period of a group that is not open yet is first asked for, in one statement.

    None when nobody can be asked, nothing opens by itself, or the bill is not known.
    """
    days = days_in(group_id, after=starts_on).subquery()
    query = select(Group, days.c.day).join(days, true()).where(Group.id == group_id)
    found: list[FirstRequest] = []
    for group, day in session.execute(query):
        if group.next_open_at is not None and group.split is not SplitKind.VARIABLE:
            asked_on = asked_from_start(group, starts_on, now)
            found += first_requests(asked_on, {group_id: day}, rules_of_group(group), now).values()
    return min(found, key=lambda request: request.on, default=None)


def _first_of_each_kind(workspace_id: int, group_id: int | None, now: datetime) -> Select[int]:
    """Select a few of those payments that the rules treat alike, those first that have been due longest.

    Not by `next_action_at`: that may be the day on which a payment lapses.
    """
    kind = (
        Payment.group_id,
        Payment.status,
        Payment.requested_on,
        Payment.snoozed_until,
        collection_day(),
    )
    place = func.row_number().over(partition_by=kind, order_by=(Payment.asked_on, Payment.id))
    yesterday = now.date() - timedelta(days=1)
    ranked = (
        select(Payment.id, place.label("place"))
        .join(Member, Member.id == Payment.member_id)
        .join(Contact, Contact.id == Payment.contact_id)
        .join(Workspace, Workspace.id == Payment.workspace_id)
        .where(
            Payment.workspace_id == workspace_id,
            *(() if group_id is None else (Payment.group_id == group_id,)),
            *is_unclaimed(),
            Payment.next_action_at.is_not(None),
            or_(Member.left_on.is_(None), Member.left_on > yesterday),
            takes_requests(),
        )
        .subquery()
    )
    return select(ranked.c.id).where(ranked.c.place <= LOOKED_AT)


def _next_asking(dues: list[DuePayment], names: dict[int, str], now: datetime) -> NextAsking | None:
    days = [(due.payment.contact_id, _asks_on(due, now)) for due in dues]
    first = min((day for _contact, day in days if day), default=None)
    if first is None:
        return None
    asked = [names[contact] for contact in dict.fromkeys(contact for contact, day in days if day == first)]
    return NextAsking(first, tuple(asked[: LOOKED_AT - 1]), len(asked) >= LOOKED_AT)


def _asks_on(due: DuePayment, now: datetime) -> date | None:
    """Say when a payment is asked for; None when it is not, or the next slot tells the admin instead."""
    facts, rules = due.facts(now), due.rules
    slot = None if is_last_word(facts, rules) else next_request_on(facts, rules)
    return leaves_on(slot, now, rules) if slot else None
