"""What is open in a whole workspace, looked at only so far: pages cost what they show, not what there is.

Where more is open than is looked at, the longest due stands for all: totals are then left out, and the pages
of groups and people have theirs.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Select, select

from substrack.domain.payments import PaymentKind
from substrack.store import Payment

LOOKED_AT: Final = 1_000
"""How many open payments a page of the whole workspace looks at."""


def is_open() -> tuple[ColumnElement[bool], ...]:
    """Select members' dues that nobody has settled, in the words of `ix_payments_open`."""
    return (Payment.closed_at.is_(None), Payment.voided_at.is_(None), Payment.kind == PaymentKind.DUES)


def longest_due(workspace_id: int, *also: ColumnElement[bool], more: int = 0) -> Select[int]:
    """Select the keys of as many open payments as are looked at, and so many more, the longest due first."""
    query = select(Payment.id).where(Payment.workspace_id == workspace_id, *is_open(), *also)
    return query.order_by(Payment.due_on, Payment.id).limit(LOOKED_AT + more)
