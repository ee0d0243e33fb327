"""Reference codes for new payments, unique in their workspaces."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.references import make_reference
from substrack.store import (
    Payment,
)


def new_references(session: Session, workspace_ids: Collection[int], count: int) -> list[str]:
    """Draw reference codes that no payment of the workspaces has."""
    found: set[str] = set()
    while len(found) < count:
        drawn = {make_reference(secrets.randbits(64)) for _ in range(count - len(found))}
        taken = session.scalars(
            select(Payment.reference).where(
                Payment.workspace_id.in_(workspace_ids), Payment.reference.in_(drawn)
            )
        )
        found |= drawn - set(taken)
    return list(found)
