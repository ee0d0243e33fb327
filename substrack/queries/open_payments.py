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

from substrack.domain.payments import PaymentKind, Status
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
    left_on: date | None
    is_archived: bool
    has_address: bool


@dataclass(frozen=True)
class LongestDue:
    """Open payments, the longest due first; `is_all` when there are no others."""

    rows: tuple[OpenRow, ...]
    is_all: bool

    @property
    def unclaimed(self) -> tuple[OpenRow, ...]:
        """Those that nobody says to have paid."""
        return tuple(row for row in self.rows if not row.is_claimed)


def load_longest_due(session: Session, workspace_id: int) -> LongestDue:
    """Load as many open payments as are looked at; one statement."""
    found = session.execute(*_longest_due(workspace_id)).all()
    return LongestDue(tuple(map(OpenRow._make, found[:LOOKED_AT])), len(found) <= LOOKED_AT)


def is_open() -> tuple[ColumnElement[bool], ...]:
    """Select members' dues that nobody has settled, in the words of `ix_payments_open`."""
    return (Payment.closed_at.is_(None), Payment.voided_at.is_(None), Payment.kind == PaymentKind.DUES)


@prepared
def _longest_due(workspace_id: int) -> Select[*tuple[Any, ...]]:
    return (
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
            Member.left_on,
            Group.archived_at.is_not(None),
            exists().where(Address.contact_id == Payment.contact_id, Address.value != ""),
        )
        .join(Member, Member.id == Payment.member_id)
        .join(Group, Group.id == Payment.group_id)
        .where(Payment.workspace_id == workspace_id, *is_open())
        .order_by(Payment.due_on, Payment.id)
        .limit(LOOKED_AT + 1)
    )
