"""Reads about accounts: credentials, sessions, users and invitations; nothing here can be signed in with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session

from substrack.queries.prepared import prepared
from substrack.store import (
    Contact,
    Link,
    LinkPurpose,
    RecoveryCode,
    Role,
    RoleGrant,
    SecondFactor,
    User,
    UserSession,
    Workspace,
)
from substrack.store.links import FADING

IDLE_LIMIT: Final = timedelta(days=60)
ABSOLUTE_LIMIT: Final = timedelta(days=365)
FRESH_FOR: Final = timedelta(minutes=10)
"""How long a password that was given counts for what moves money."""


@dataclass(frozen=True)
class Credentials:
    """What sign-in compares, and the states that a half-done sign-in dies with when they change."""

    user_id: int
    password_hash: str | None
    password_changed_at: datetime | None = None
    has_second_factor: bool = False


@dataclass(frozen=True)
class SignedIn:
    """Who a session belongs to, and the workspace they work in; `time_zone` is theirs, else its.

    `confirmed_at` is when they last gave their password in it.
    """

    session_id: int
    session_public_id: str
    seen_at: datetime
    user_id: int
    email: str
    name: str
    language: str
    workspace_id: int
    workspace_name: str
    time_zone: str
    contact_id: int
    role: Role
    confirmed_at: datetime
    has_second_factor: bool

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether they showed who they are lately, to sign in or again since."""
        return now - self.confirmed_at < FRESH_FOR


@dataclass(frozen=True)
class SessionRow:
    """One signed-in browser, for its owner."""

    public_id: str
    agent: str | None
    created_at: datetime
    seen_at: datetime
    is_current: bool


@dataclass(frozen=True)
class SecondFactorRow:
    """The second factor of a user."""

    turned_on_at: datetime
    codes_left: int


@dataclass(frozen=True)
class UserRow:
    """One user of a workspace."""

    public_id: str
    name: str
    email: str | None
    role: Role
    created_at: datetime
    seen_at: datetime | None


@dataclass(frozen=True)
class InviteRow:
    """One invitation that nobody has accepted yet; `public_id` is the invited person's."""

    public_id: str
    name: str
    email: str | None
    created_at: datetime
    expires_at: datetime | None


def email_key(email: str) -> str:
    """Write an email address the way it is compared: without spaces around it, case folded."""
    return email.strip().casefold()


def hash_token(token: str) -> bytes:
    """Hash a session token; plain SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def registration_is_open(session: Session) -> bool:
    """Tell whether the first owner is still awaited: no workspace exists."""
    return not session.scalar(select(exists().select_from(Workspace)))


def has_setup_link(session: Session, *, now: datetime) -> bool:
    """Tell whether a link to set SubsTrack up was printed that still works."""
    works = (Link.purpose == LinkPurpose.SETUP, Link.revoked_at.is_(None), Link.used_at.is_(None))
    return bool(session.scalar(select(exists().where(*works, Link.expires_at > now))))


def find_credentials(session: Session, email: str) -> Credentials | None:
    """Find the active user who signs in with an email address."""
    row = session.execute(
        _credentials().where(User.email_key == email_key(email), User.deactivated_at.is_(None))
    ).first()
    return None if row is None else Credentials(*row)


def load_credentials(session: Session, user_id: int) -> Credentials:
    """Load what the password of a known user is compared with."""
    return Credentials(*session.execute(_credentials().where(User.id == user_id)).one())


def find_active(session: Session, user_id: int) -> Credentials | None:
    """Load the same of a user who may sign in; None when there is none."""
    query = _credentials().where(User.id == user_id, User.deactivated_at.is_(None))
    row = session.execute(query).first()
    return None if row is None else Credentials(*row)


def find_session(session: Session, token: str, *, now: datetime) -> SignedIn | None:
    """Find whose live session a token stands for; ended, idle and too old ones are nobody's.

    Someone with roles in several workspaces works in the first.
    """
    query = _find_session(hash_token(token), seen_after=now - IDLE_LIMIT, made_after=now - ABSOLUTE_LIMIT)
    row = session.execute(*query).first()
    return None if row is None else SignedIn(**row._mapping)


@prepared
def _find_session(
    token_hash: bytes, *, seen_after: datetime, made_after: datetime
) -> Select[*tuple[Any, ...]]:
    return (
        select(
            UserSession.id.label("session_id"),
            UserSession.public_id.label("session_public_id"),
            UserSession.seen_at,
            User.id.label("user_id"),
            func.coalesce(User.email, "").label("email"),
            User.name,
            func.coalesce(User.language, Workspace.language).label("language"),
            Workspace.id.label("workspace_id"),
            Workspace.name.label("workspace_name"),
            func.coalesce(Contact.time_zone, Workspace.time_zone).label("time_zone"),
            RoleGrant.contact_id,
            RoleGrant.role,
            func.coalesce(UserSession.confirmed_at, UserSession.created_at).label("confirmed_at"),
            _has_second_factor().label("has_second_factor"),
        )
        .join(User, User.id == UserSession.user_id)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .join(Workspace, Workspace.id == RoleGrant.workspace_id)
        .join(Contact, Contact.id == RoleGrant.contact_id)
        .where(
            UserSession.token_hash == token_hash,
            User.deactivated_at.is_(None),
            _is_live(seen_after, made_after),
        )
        .order_by(RoleGrant.id)
        .limit(1)
    )


def load_second_factor(session: Session, user_id: int) -> SecondFactorRow | None:
    """Load when the second factor of a user was turned on, and how many codes are left; None when off."""
    left = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    row = session.execute(
        select(SecondFactor.turned_on_at, left.scalar_subquery()).where(SecondFactor.user_id == user_id)
    ).first()
    return None if row is None else SecondFactorRow(*row)


def list_sessions(
    session: Session, user_id: int, *, now: datetime, current_id: int | None = None
) -> list[SessionRow]:
    """List the live sessions of a user, last used first."""
    rows = session.scalars(
        select(UserSession)
        .where(UserSession.user_id == user_id, _is_live(now - IDLE_LIMIT, now - ABSOLUTE_LIMIT))
        .order_by(UserSession.seen_at.desc(), UserSession.id.desc())
    )
    return [
        SessionRow(row.public_id, row.agent, row.created_at, row.seen_at, row.id == current_id)
        for row in rows
    ]


def list_users(session: Session, workspace_id: int) -> list[UserRow]:
    """List the active users of a workspace in the order they came, with when each was last here."""
    seen_at = select(func.max(UserSession.seen_at)).where(UserSession.user_id == User.id).scalar_subquery()
    rows = session.execute(
        select(User, RoleGrant.role, seen_at)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(RoleGrant.workspace_id == workspace_id, User.deactivated_at.is_(None))
        .order_by(RoleGrant.id)
    )
    return [
        UserRow(user.public_id, user.name, user.email, role, user.created_at, seen)
        for user, role, seen in rows
    ]


def list_invites(session: Session, workspace_id: int, *, now: datetime) -> list[InviteRow]:
    """List the invitations that can still be accepted, newest first."""
    return [InviteRow(*row) for row in session.execute(*_invites(workspace_id, now))]


@prepared
def _invites(workspace_id: int, now: datetime) -> Select[*tuple[Any, ...]]:
    columns = (Contact.public_id, Contact.name, Link.email, Link.created_at, Link.expires_at)
    return live_invites(workspace_id, now, *columns).order_by(Link.id.desc())


def live_invites(workspace_id: int, now: datetime, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Select invitations to administer that can still be accepted, in the words of `ix_links_expires_at`."""
    return (
        select(*columns or (Link.id,))
        .join(Contact, Contact.id == Link.contact_id)
        .where(
            FADING,
            Link.workspace_id == workspace_id,
            Link.purpose == LinkPurpose.INVITE,
            Link.used_at.is_(None),
            Link.revoked_at.is_(None),
            Link.expires_at > now,
        )
    )


def _credentials() -> Select[*tuple[Any, ...]]:
    return select(User.id, User.password_hash, User.password_changed_at, _has_second_factor())


def _has_second_factor() -> ColumnElement[bool]:
    return exists().where(SecondFactor.user_id == User.id).correlate(User)


def _is_live(seen_after: datetime, made_after: datetime) -> ColumnElement[bool]:
    return and_(
        UserSession.ended_at.is_(None), UserSession.seen_at > seen_after, UserSession.created_at > made_after
    )
