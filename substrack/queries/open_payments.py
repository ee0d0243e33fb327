"""What is open in a whole workspace, looked at only so far: pages cost what they show, not what there is.

Where more is open than is looked at, the longest due stands for all: totals are then left out, and the pages
of groups and people have theirs. It is read once a page, and all that the page tells comes from these rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import Session

from substrack.domain.payments import ASKABLE, PaymentKind, Status
from substrack.queries.leaving import gone_on
from substrack.queries.owing import LEFT
from substrack.queries.prepared import prepared
from substrack.store import Address, Group, Member, Payment

LOOKED_AT: Final = 1_000
"""How many open payments a page of the whole workspace looks at."""


class OpenRow(NamedTuple):
    """One open payment: whose it is, and what home has to know of it, its member and its group.

    `has_address` is False for somebody who was never given one, or whose only one was taken away.
    """

    contact_id: int
    payer_id: int
    group_id: int
    member_id: int
    currency: str
    due_on: date | None
    left_minor: int
    is_overdue: bool
    is_claimed: bool
    gone_on: date | None
    is_archived: bool
    has_address: bool


@dataclass(frozen=True)
class LongestDue:
    """Open payments, the longest due first; `is_all` when there are no others.

    `unclaimed` are the longest due of those that nobody says to have paid, `is_all_unclaimed` when there are
    no others of these.
    """

    rows: tuple[OpenRow, ...]
    is_all: bool
    unclaimed: tuple[OpenRow, ...]
    is_all_unclaimed: bool


def load_longest_due(session: Session, workspace_id: int) -> LongestDue:
    """Load as many open payments as are looked at, and as many unclaimed ones.

    One statement; a second one where claims took the place of what nobody has claimed.
    """
    rows, is_all = _looked_at(session, workspace_id, is_unclaimed=False)
    unclaimed = tuple(row for row in rows if not row.is_claimed)
    if is_all or len(unclaimed) == len(rows):
        return LongestDue(rows, is_all, unclaimed, is_all)
    return LongestDue(rows, is_all, *_looked_at(session, workspace_id, is_unclaimed=True))


def _looked_at(
    session: Session, workspace_id: int, *, is_unclaimed: bool
) -> tuple[tuple[OpenRow, ...], bool]:
    """Load what is looked at, and tell whether it is all there is."""
    found = session.execute(*_longest_due(workspace_id, is_unclaimed=is_unclaimed)).all()
    return tuple(map(OpenRow._make, found[:LOOKED_AT])), len(found) <= LOOKED_AT


def is_open() -> tuple[ColumnElement[bool], ...]:
    """Select members' dues that nobody has settled, in the words of `ix_payments_open`."""
    return (Payment.closed_at.is_(None), Payment.voided_at.is_(None), Payment.kind == PaymentKind.DUES)


@prepared
def _longest_due(workspace_id: int, *, is_unclaimed: bool) -> Select[*tuple[Any, ...]]:
    query = (
        select(
            Payment.contact_id,
            Payment.payer_id,
            Payment.group_id,
            Payment.member_id,
            Payment.currency,
            Payment.due_on,
            LEFT,
            Payment.status == Status.OVERDUE,
            Payment.status == Status.MEMBER_CONFIRMED,
            gone_on(),
            Group.archived_at.is_not(None),
            exists().where(Address.contact_id == Payment.contact_id, Address.value != ""),
        )
        .join(Member, Member.id == Payment.member_id)
        .join(Group, Group.id == Payment.group_id)
        .where(Payment.workspace_id == workspace_id, *is_open())
        .order_by(Payment.due_on, Payment.id)
        .limit(LOOKED_AT + 1)
    )
    return query.where(Payment.status.in_(ASKABLE)) if is_unclaimed else query
