"""Who has owed the longest, for home, and who owes for a group that they left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from heapq import nsmallest
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from substrack.domain.money import Money
from substrack.queries.leaving import gone_on, has_left
from substrack.queries.namesakes import tell_apart
from substrack.queries.open_payments import LongestDue, OpenRow
from substrack.queries.owing import LEFT, OwingPage, is_unclaimed, load_owing_of
from substrack.queries.prepared import prepared
from substrack.store import Contact, Group, Member, Payment

LEAVERS_SHOWN: Final = 20

Debt = tuple[int, int, str]
"""Who owes, whom, and in which currency."""


@dataclass(frozen=True)
class LeaverRow:
    """Somebody who left a group and still owes for it; `oldest` is the public id of their oldest payment."""

    contact_public_id: str
    name: str
    group: str
    left_on: date
    owed: Money
    oldest: str


def load_longest_owing(session: Session, longest: LongestDue, *, limit: int) -> OwingPage:
    """List who has owed the longest, with all they owe; one statement.

    How many there are is told when all that is unclaimed was looked at.
    """
    debts = _debts(longest)
    chosen = [key for _oldest, _owed, key in nsmallest(limit, debts)]
    whole = load_owing_of(session, {contact_id for contact_id, _payer, _currency in chosen})
    rows = {(row.contact_id, row.payer_id, row.owed.currency): row for row in whole}
    shown = [rows[key] for key in chosen if key in rows]
    return OwingPage(tell_apart(session, shown), len(debts) if longest.is_all_unclaimed else None)


def _debts(longest: LongestDue) -> list[tuple[date, int, Debt]]:
    """Add up what is looked at: since when each debt is due, how much it is (negative), and whose."""
    found: dict[Debt, list[OpenRow]] = {}
    for row in longest.unclaimed:
        found.setdefault((row.contact_id, row.payer_id, row.currency), []).append(row)
    return [
        (min(row.due_on or date.max for row in rows), -sum(row.left_minor for row in rows), key)
        for key, rows in found.items()
    ]


def load_leavers(session: Session, longest: LongestDue, *, today: date) -> tuple[LeaverRow, ...]:
    """List who left and owes, who left first before, each with all they owe for the group.

    One statement, none where nobody is among those looked at.
    """
    gone = {
        (row.gone_on, row.member_id)
        for row in longest.unclaimed
        if row.gone_on and has_left(row.gone_on, today)
    }
    if not gone:
        return ()
    members = [member_id for _gone_on, member_id in nsmallest(LEAVERS_SHOWN, gone)]
    rows = [
        LeaverRow(contact, name, group, left_on, Money(int(owed_minor), currency), oldest)
        for contact, name, group, left_on, oldest, _member, currency, owed_minor, _place in session.execute(
            *_owed_by(members)
        )
    ]
    return tell_apart(session, rows)


@prepared
def _owed_by(member_ids: list[int]) -> Select[*tuple[Any, ...]]:
    by_age = (Payment.due_on, Payment.id)
    ranked = (
        select(
            Payment.public_id,
            Payment.member_id,
            Payment.currency,
            func.sum(LEFT).over(partition_by=Payment.member_id).label("owed_minor"),
            func.row_number().over(partition_by=Payment.member_id, order_by=by_age).label("place"),
        )
        .where(Payment.member_id.in_(member_ids), *is_unclaimed())
        .subquery()
    )
    return (
        select(Contact.public_id, Contact.name, Group.name, gone_on().label("gone_on"), ranked)
        .join(Member, Member.id == ranked.c.member_id)
        .join(Contact, Contact.id == Member.contact_id)
        .join(Group, Group.id == Member.group_id)
        .where(ranked.c.place == 1)
        .order_by("gone_on", Member.id)
    )
