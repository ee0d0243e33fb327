"""Connections to outside accounts: which bot this installation is, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.notices import Channel
from substrack.services.mailboxes import connection_for
from substrack.store import Connection, Workspace


def telegram_connection(session: Session) -> int | None:
    """Return the connection that the environment's token stands for; None while there is no workspace."""
    workspace_id = session.scalar(select(Workspace.id).order_by(Workspace.id).limit(1))
    return None if workspace_id is None else connection_for(session, workspace_id, Channel.TELEGRAM).id


def note_connection(session: Session, connection_id: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Note facts about a connection that differ from what is known, and return all that is known."""
    connection = session.get_one(Connection, connection_id)
    changed = {name: value for name, value in facts.items() if connection.settings.get(name) != value}
    if changed:
        connection.settings = {**connection.settings, **changed}
        session.flush()
    return dict(connection.settings)
