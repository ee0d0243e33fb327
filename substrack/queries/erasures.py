"""Who was erased, and which addresses are suppressed, as it is remembered outside the database."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.store import Erasure, Suppression, Workspace


@dataclass(frozen=True)
class Remembered:
    """One erased person (public id) or suppressed address (hash) of a workspace (public id)."""

    workspace: str
    person: str | None = None
    address: str | None = None


def list_erasures(session: Session) -> list[Remembered]:
    """List all erasures, the first first, and all suppressed addresses."""
    people = select(Workspace.public_id, Erasure.contact_public_id).join(
        Erasure, Erasure.workspace_id == Workspace.id
    )
    addresses = select(Workspace.public_id, Suppression.digest).join(
        Suppression, Suppression.workspace_id == Workspace.id
    )
    return [
        *(Remembered(home, person=one) for home, one in session.execute(people.order_by(Erasure.id))),
        *(Remembered(home, address=one) for home, one in session.execute(addresses.order_by(Suppression.id))),
    ]
