"""Reads about workspaces; most installations have exactly one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.store import Workspace


@dataclass(frozen=True)
class WorkspaceRow:
    """One tenant."""

    id: int
    public_id: str
    name: str
    time_zone: str
    language: str


def list_workspaces(session: Session) -> list[WorkspaceRow]:
    """List all workspaces, the oldest first."""
    rows = session.scalars(select(Workspace).order_by(Workspace.id))
    return [WorkspaceRow(row.id, row.public_id, row.name, row.time_zone, row.language) for row in rows]
