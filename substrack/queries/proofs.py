"""Proofs that came with claims: what there is, for pages, and one with its bytes, for who checks it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from substrack.queries.finding import NotListed
from substrack.queries.prepared import prepared
from substrack.store import Attachment, Attempt

PICTURES: Final = ("image/jpeg", "image/png")


@dataclass(frozen=True)
class ProofRow:
    """One file that came with a claim; `size` is in bytes."""

    public_id: str
    kind: str
    size: int

    @property
    def is_picture(self) -> bool:
        """Tell whether a page can show it."""
        return self.kind in PICTURES


@dataclass(frozen=True)
class StoredProof:
    """One file with its bytes."""

    public_id: str
    content: bytes
    kind: str


def load_proof_rows(session: Session, attempt_ids: Collection[int]) -> dict[int, tuple[ProofRow, ...]]:
    """Load which files came with these claims, by claim and oldest first; none of their bytes."""
    found: dict[int, tuple[ProofRow, ...]] = {}
    if not attempt_ids:
        return found
    for attempt_id, public_id, kind, size in session.execute(*_proofs(sorted(attempt_ids))):
        found[attempt_id] = (*found.get(attempt_id, ()), ProofRow(public_id, kind, size))
    return found


@prepared
def _proofs(attempt_ids: list[int]) -> Select[int, str, str, int]:
    return (
        select(Attachment.attempt_id, Attachment.public_id, Attachment.kind, Attachment.size)
        .where(Attachment.attempt_id.in_(attempt_ids))
        .order_by(Attachment.id)
    )


def load_stored_proof(session: Session, workspace_id: int, public_id: str) -> StoredProof:
    """Load one file that came with a claim of this workspace; raises NotListed."""
    row = session.execute(
        select(Attachment.public_id, Attachment.content, Attachment.kind)
        .join(Attempt, Attempt.id == Attachment.attempt_id)
        .where(Attempt.workspace_id == workspace_id, Attachment.public_id == public_id)
    ).first()
    if row is None:
        raise NotListed("file")
    return StoredProof(*row)
