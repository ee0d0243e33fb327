"""Reads about chats: whose one is, how somebody is reached, and how the bot itself is doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from substrack.domain.delivery import lane_name
from substrack.domain.notices import Channel, ChannelChoice
from substrack.queries.prepared import prepared
from substrack.store import Address, Connection, Contact, Inbound, Lane, RoleGrant, User, Workspace

ENVIRONMENT: Final = "environment"
"""The name of a workspace's connection that stands for the process's own settings."""


@dataclass(frozen=True)
class ChatContact:
    """One person a chat stands for; `user_id` is set, and `is_admin` true, while they administer."""

    contact_id: int
    workspace_id: int
    name: str
    user_id: int | None
    is_admin: bool
    language: str
    address_id: int


@dataclass(frozen=True)
class ChatRow:
    """How one person is reached; `refused_since` is set when their chat turned us away."""

    is_linked: bool
    refused_since: datetime | None
    has_mail: bool
    choice: ChannelChoice
    is_admin: bool

    @property
    def has_choice(self) -> bool:
        """Tell whether there is more than one way."""
        return self.is_linked and self.has_mail


@dataclass(frozen=True)
class Hook:
    """What an update that comes in over the web must name."""

    connection_id: int
    secret: str


@dataclass(frozen=True)
class BotStatus:
    """How the bot is doing; `pending` counts what came in and was not worked on since `pending_since`.

    `held_by_telegram` counts what its webhook could not hand over yet, as the worker last heard.
    """

    connection_id: int | None
    username: str | None
    last_update_at: datetime | None
    pending: int
    pending_since: datetime | None
    held_by_telegram: int
    last_error: str | None
    failing_since: datetime | None
    paused_until: datetime | None
    refused_since: datetime | None = None


def contacts_of_chat(session: Session, chat_id: int, connection_id: int) -> list[ChatContact]:
    """List whom a private chat stands for right now, over all workspaces that this bot serves.

    The environment's bot is one and the same in every workspace, whichever connection an update came by.
    """
    query = (
        select(Contact, Address.id, User.id, func.coalesce(Contact.language, Workspace.language))
        .join(Address, Address.contact_id == Contact.id)
        .join(Connection, Connection.id == Address.connection_id)
        .join(Workspace, Workspace.id == Contact.workspace_id)
        .outerjoin(
            RoleGrant,
            and_(RoleGrant.contact_id == Contact.id, RoleGrant.workspace_id == Contact.workspace_id),
        )
        .outerjoin(User, and_(User.id == RoleGrant.user_id, User.deactivated_at.is_(None)))
        .where(
            _is_same_bot(session.get(Connection, connection_id)),
            Address.value_key == str(chat_id),
            Address.refused_since.is_(None),
            Contact.erased_at.is_(None),
        )
    )
    return [
        ChatContact(contact.id, contact.workspace_id, contact.name, user, user is not None, language, address)
        for contact, address, user, language in session.execute(query.order_by(Contact.id))
    ]


def refused_chats(session: Session, chat_id: int, connection_id: int) -> list[int]:
    """List the addresses of a private chat that are marked as turning us away."""
    query = (
        select(Address.id)
        .join(Connection, Connection.id == Address.connection_id)
        .join(Contact, Contact.id == Address.contact_id)
        .where(
            _is_same_bot(session.get(Connection, connection_id)),
            Address.value_key == str(chat_id),
            Address.refused_since.is_not(None),
            Contact.erased_at.is_(None),
        )
    )
    return list(session.scalars(query.order_by(Address.id)))


def load_chat(session: Session, contact_id: int) -> ChatRow:
    """Load how a person is reached (one statement)."""
    choice, value, refused_since, has_mail, administers = session.execute(*_reached(contact_id)).one()
    return ChatRow(
        is_linked=bool(value) and refused_since is None,
        refused_since=refused_since if value else None,
        has_mail=bool(has_mail),
        choice=choice,
        is_admin=bool(administers),
    )


@prepared
def _reached(contact_id: int) -> Select[*tuple[Any, ...]]:
    mail = _has_usable(Channel.EMAIL)
    return (
        select(Contact.channel_choice, Address.value, Address.refused_since, mail, _administers())
        .outerjoin(Address, and_(Address.contact_id == Contact.id, Address.channel == Channel.TELEGRAM))
        .where(Contact.id == contact_id)
        .order_by(Address.id)
        .limit(1)
    )


def administers(session: Session, contact_id: int, workspace_id: int) -> bool:
    """Tell whether a person is an active admin of a workspace now."""
    query = (
        select(RoleGrant.id)
        .join(User, User.id == RoleGrant.user_id)
        .where(
            RoleGrant.contact_id == contact_id,
            RoleGrant.workspace_id == workspace_id,
            User.deactivated_at.is_(None),
        )
    )
    return session.scalar(query.limit(1)) is not None


def find_username(session: Session, workspace_id: int) -> str | None:
    """Find how the bot of a workspace is called, as its worker last heard; None before that."""
    found = _bot(session, workspace_id)
    return _text(found.settings, "username") if found else None


def find_hook(session: Session, connection_id: int) -> Hook | None:
    """Find the secret that updates for a connection carry; None where none is expected."""
    found = session.get(Connection, connection_id)
    if found is None or found.channel is not Channel.TELEGRAM:
        return None
    secret = _text(found.settings, "webhook_secret")
    return Hook(found.id, secret) if secret else None


def load_bot_status(session: Session, workspace_id: int) -> BotStatus:
    """Load how the bot of a workspace is doing (5 statements at most)."""
    found = _bot(session, workspace_id)
    if found is None:
        return BotStatus(None, None, None, 0, None, 0, None, None, None)
    waiting = Inbound.processed_at.is_(None)
    last, pending, since = session.execute(
        select(
            func.max(Inbound.received_at),
            func.count().filter(waiting),
            func.min(Inbound.received_at).filter(waiting),
        ).where(Inbound.connection_id == found.id)
    ).one()
    lane = session.scalar(select(Lane).where(Lane.name == lane_name(Channel.TELEGRAM, found.id)))
    return BotStatus(
        connection_id=found.id,
        username=_text(found.settings, "username"),
        last_update_at=last,
        pending=pending,
        pending_since=since,
        held_by_telegram=held if isinstance(held := found.settings.get("pending"), int) else 0,
        last_error=_text(found.settings, "last_error") or (lane.last_error if lane else None),
        failing_since=lane.failing_since if lane else None,
        paused_until=lane.paused_until if lane else None,
        refused_since=find_bot_refusal(session, workspace_id),
    )


def find_bot_refusal(session: Session, workspace_id: int) -> datetime | None:
    """Say since when Telegram refuses the token of a workspace's bot; None while it does not."""
    is_its_bot = or_(Connection.workspace_id == workspace_id, Connection.name == ENVIRONMENT)
    query = select(func.min(Connection.refused_since))
    return session.scalar(query.where(Connection.channel == Channel.TELEGRAM, is_its_bot))


def _bot(session: Session, workspace_id: int) -> Connection | None:
    """Find the connection that stands for the environment's bot: the one its worker knows, else one's own."""
    query = select(Connection).where(Connection.channel == Channel.TELEGRAM, Connection.name == ENVIRONMENT)
    found = sorted(session.scalars(query), key=lambda one: (one.workspace_id != workspace_id, one.id))
    known = [one for one in found if _text(one.settings, "username")]
    return next(iter([*known, *found]), None)


def _is_same_bot(connection: Connection | None) -> ColumnElement[bool]:
    if connection is None or connection.name != ENVIRONMENT:
        return Connection.id == (connection.id if connection else None)
    return and_(Connection.channel == Channel.TELEGRAM, Connection.name == ENVIRONMENT)


def _has_usable(channel: Channel) -> ColumnElement[bool]:
    return (
        select(Address.id)
        .where(Address.contact_id == Contact.id, Address.channel == channel, Address.refused_since.is_(None))
        .correlate(Contact)
        .exists()
    )


def _administers() -> ColumnElement[bool]:
    return (
        select(RoleGrant.id)
        .join(User, User.id == RoleGrant.user_id)
        .where(RoleGrant.contact_id == Contact.id, User.deactivated_at.is_(None))
        .correlate(Contact)
        .exists()
    )


def _text(settings: dict[str, Any], name: str) -> str | None:
    value = settings.get(name)
    return value if isinstance(value, str) and value else None
