"""Claims that wait for an admin, a page at a time, oldest first.

A constant number of statements a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from substrack.domain.payments import Status
from substrack.queries.claims import ClaimFound, ClaimRow, rows_of, select_claims
from substrack.queries.namesakes import tell_apart
from substrack.queries.prepared import prepared, written
from substrack.store import Attempt, AttemptItem, AttemptState, Payment

CLAIMS_A_PAGE: Final = 25


@dataclass(frozen=True)
class ClaimPage:
    """Some of the claims that wait, oldest first, and how many there are in all."""

    rows: tuple[ClaimRow, ...]
    total: int
    number: int

    @property
    def last_number(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.total // CLAIMS_A_PAGE))


def load_claims(
    session: Session,
    workspace_id: int,
    *,
    group_id: int | None = None,
    number: int = 1,
    limit: int = CLAIMS_A_PAGE,
) -> ClaimPage:
    """Load one page of the claims that wait, or of those that name a payment of a group, oldest first.

    A page past the end shows the last one.
    """
    total, found = _waiting_page(session, workspace_id, group_id, number, limit)
    if not found and number > 1:
        number = max(1, -(-total // limit))
        total, found = _waiting_page(session, workspace_id, group_id, number, limit)
    return ClaimPage(tell_apart(session, rows_of(session, found)), total, number)


def _waiting_page(
    session: Session, workspace_id: int, group_id: int | None, number: int, limit: int
) -> tuple[int, Sequence[ClaimFound]]:
    """Read how many claims wait, and a page of them; past the end there is none."""
    found = session.execute(
        *_waiting_claims(workspace_id, group_id, size=limit, skipped=(number - 1) * limit)
    ).all()
    if found or number == 1:
        return (found[0].total if found else 0), found
    return session.scalar(*_waiting(workspace_id, group_id)) or 0, found


@prepared
def _waiting(workspace_id: int, group_id: int | None) -> Select[int]:
    return select(func.count()).select_from(Attempt).where(*_waits(workspace_id, group_id))


@prepared
def _waiting_claims(
    workspace_id: int, group_id: int | None, *, size: int, skipped: int
) -> Select[*tuple[Any, ...]]:
    waits = _waits(workspace_id, group_id)
    total = select(func.count()).select_from(Attempt).where(*waits).correlate(None).scalar_subquery()
    return select_claims(*waits).add_columns(total.label("total")).limit(size).offset(skipped)


def _waits(workspace_id: int, group_id: int | None) -> tuple[ColumnElement[bool], ...]:
    is_open = Attempt.state == written(AttemptState.OPEN)
    if group_id is None:
        return Attempt.workspace_id == workspace_id, is_open
    # "+ 0" keeps SQLite from looking through all claims of the workspace for the group's
    return (Attempt.workspace_id + 0) == workspace_id, is_open, Attempt.id.in_(_naming(group_id))


def _naming(group_id: int) -> Select[int]:
    return (
        select(AttemptItem.attempt_id)
        .join(Payment, Payment.id == AttemptItem.payment_id)
        .where(
            Payment.group_id == group_id,
            Payment.status == Status.MEMBER_CONFIRMED,
            AttemptItem.state == AttemptState.OPEN,
        )
    )
