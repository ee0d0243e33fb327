"""Connections to outside accounts: those the settings stand for, what is known of the bot, if it is refused.

Nothing here connects to anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.notices import Channel, Notice
from substrack.queries.chats import ENVIRONMENT
from substrack.services.outbox import Draft, admin_contacts, queue
from substrack.store import Connection, Workspace
from substrack.store.upserts import insert_into


def connection_for(session: Session, workspace_id: int, channel: Channel = Channel.EMAIL) -> Connection:
    """Return the workspace's connection that the environment's settings stand for; write it on first use."""
    query = select(Connection).where(
        Connection.workspace_id == workspace_id,
        Connection.channel == channel,
        Connection.name == ENVIRONMENT,
    )
    found = session.scalar(query)
    if found is None:
        row: dict[str, Any] = {
            "workspace_id": workspace_id,
            "channel": channel,
            "name": ENVIRONMENT,
            "settings": {},
            "state": "from_environment",
        }
        session.execute(insert_into(session, Connection).values(row).on_conflict_do_nothing())
        found = session.scalars(query).one()
    return found


def telegram_connection(session: Session) -> int | None:
    """Return the connection that the environment's token stands for; None while there is no workspace."""
    workspace_id = session.scalar(select(Workspace.id).order_by(Workspace.id).limit(1))
    return None if workspace_id is None else connection_for(session, workspace_id, Channel.TELEGRAM).id


def note_connection(session: Session, connection_id: int, facts: Mapping[str, Any]) -> None:
    """Note facts about a connection beside those that others note; writes only what differs."""
    connection = session.get_one(Connection, connection_id, with_for_update=True, populate_existing=True)
    changed = {name: value for name, value in facts.items() if connection.settings.get(name) != value}
    if changed:
        connection.settings = {**connection.settings, **changed}
        session.flush()


def mark_bot_refused(session: Session, connection_id: int, *, now: datetime) -> bool:
    """Note that Telegram refuses a bot's token, and tell each admin by mail; nobody's chat is given up.

    Once until it is accepted again, and at most once an hour when two processes have different tokens.
    Returns whether this was the first to notice.
    """
    workspace_id = session.scalar(
        update(Connection)
        .where(Connection.id == connection_id, Connection.refused_since.is_(None))
        .values(refused_since=now)
        .returning(Connection.workspace_id)
        .execution_options(synchronize_session=False)
    )
    if workspace_id is None:
        return False
    drafts = [
        Draft(
            workspace_id=workspace_id,
            contact_id=admin,
            notice=Notice.BOT_REFUSED,
            dedupe_key=f"bot_refused:{connection_id}:{now:%Y-%m-%dT%H}:{admin}",
            due_at=now,
            payload={"connection_id": connection_id},
        )
        for admin in admin_contacts(session, workspace_id)
    ]
    queue(session, drafts, now=now)
    return True


def mark_bot_accepted(session: Session, connection_id: int) -> None:
    """Note that a bot's token works, again or still. Idempotent."""
    session.execute(
        update(Connection)
        .where(Connection.id == connection_id, Connection.refused_since.is_not(None))
        .values(refused_since=None)
        .execution_options(synchronize_session=False)
    )
