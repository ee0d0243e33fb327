"""Addresses of people who were erased: nobody is added there by accident, by whatever way.

What is kept is a keyed hash. The newest key makes it, and each key of the installation is tried when one is
looked for, so an old key must stay in the list for as long as its hashes are to be known.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from substrack.domain.errors import Refused
from substrack.services.sealing import Purpose, Sealer
from substrack.store import Suppression
from substrack.store.upserts import insert_into

SEALER: Final = "sealer"
"""Where a session of ours carries the keys (`Session.info`)."""


class AddressErased(Refused):
    """A question, not a wall: whoever was reached at this address has been erased."""

    field = "email"

    def __init__(self) -> None:
        super().__init__(
            "Whoever was reached at this address was erased. Do they want to be written to again?"
        )


def suppress(session: Session, workspace_id: int, address: str, *, now: datetime) -> None:
    """Remember that nobody is to be added at an address without being asked. Idempotent."""
    suppress_digest(session, workspace_id, _digests(session, address)[0], now=now)


def suppress_digest(session: Session, workspace_id: int, digest: str, *, now: datetime) -> None:
    """Remember an address by its hash alone, as a restore finds it. Idempotent."""
    row = {"workspace_id": workspace_id, "digest": digest, "suppressed_at": now}
    session.execute(insert_into(session, Suppression).values(row).on_conflict_do_nothing())


def ask_about_erased(session: Session, workspace_id: int, address: str, *, wanted_again: bool) -> None:
    """Ask whether somebody who was erased wants to be written to again; a yes ends the suppression.

    Raises:
        AddressErased.
    """
    is_it = (Suppression.workspace_id == workspace_id, Suppression.digest.in_(_digests(session, address)))
    if session.scalar(select(Suppression.id).where(*is_it).limit(1)) is None:
        return
    if not wanted_again:
        raise AddressErased
    session.execute(delete(Suppression).where(*is_it))


def _digests(session: Session, address: str) -> list[str]:
    sealer: Sealer = session.info[SEALER]
    return sealer.blinds(Purpose.SUPPRESSION, address.casefold())
