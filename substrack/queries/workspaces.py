"""Reads about workspaces; most installations have exactly one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.group_defaults import GroupDefaults
from substrack.store import Workspace


@dataclass(frozen=True)
class WorkspaceRow:
    """One tenant."""

    id: int
    public_id: str
    name: str
    time_zone: str
    language: str


@dataclass(frozen=True)
class WorkspaceSettings:
    """What its admins can change about a workspace; `collection_day` is None while each group has its own."""

    name: str
    language: str
    time_zone: str
    collection_day: int | None
    group_defaults: GroupDefaults


def list_workspaces(session: Session) -> list[WorkspaceRow]:
    """List all workspaces, the oldest first."""
    rows = session.scalars(select(Workspace).order_by(Workspace.id))
    return [WorkspaceRow(row.id, row.public_id, row.name, row.time_zone, row.language) for row in rows]


def load_workspace_settings(session: Session, workspace_id: int) -> WorkspaceSettings:
    """Load what can be changed about a workspace (one statement)."""
    row = session.scalars(select(Workspace).where(Workspace.id == workspace_id)).one()
    return WorkspaceSettings(
        name=row.name,
        language=row.language,
        time_zone=row.time_zone,
        collection_day=row.collection_day,
        group_defaults=GroupDefaults.from_dict(row.group_defaults or {}),
    )
