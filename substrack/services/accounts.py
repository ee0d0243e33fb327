"""Accounts: users, their roles, names and passwords.

Nobody registers: the first owner sets SubsTrack up (`services.founding`), everybody else is invited or added.
Passwords arrive as hashes (`services.passwords`), made before the transaction that stores them.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.cycles import check_zone
from substrack.domain.errors import NotFound, Refused
from substrack.domain.wording import clean_line
from substrack.queries.accounts import load_credentials
from substrack.services.chat_rows import forget_chat
from substrack.services.journal import record
from substrack.services.locks import lock_mailbox
from substrack.services.mailboxes import check_email, contacts_at
from substrack.services.passwords import matches
from substrack.services.people import add_contact
from substrack.services.user_sessions import confirm_session, end_sessions
from substrack.store import Contact, Link, LinkPurpose, Role, RoleGrant, User

__all__ = [
    "EmailTaken",
    "Role",
    "WrongPassword",
    "add_user",
    "change_password",
    "check_current_password",
    "check_email_free",
    "contact_at",
    "edit_profile",
]


class EmailTaken(Refused):
    """Somebody signs in with this address already."""

    field = "email"

    def __init__(self) -> None:
        super().__init__("Somebody signs in with this address already.")


class WrongPassword(Refused):
    """The current password is not the one that was typed."""

    field = "current_password"

    def __init__(self) -> None:
        super().__init__("This is not your current password.")


def add_user(
    session: Session,
    workspace_id: int,
    *,
    email: str,
    name: str,
    password_hash: str | None,
    role: Role,
    contact: Contact | None = None,
    by: Actor,
    now: datetime,
) -> int:
    """Write a user with a role and return its id; notices reach them through `contact`.

    Without one it is the person known at the address, or a new person, whose chat is to be linked anew.
    Without a password they set one by "Forgot your password?". Who administered here before is the same user.

    Raises:
        EmailTaken, TextRefused, WrongEmail.
    """
    address = check_email(email)
    grant = _former_grant(session, workspace_id, address)
    user = session.get_one(User, grant.user_id) if grant else User(created_at=now)
    user.email, user.email_key = address, address.casefold()
    user.name, user.deactivated_at = clean_line(name, field="name"), None
    user.password_hash, user.password_changed_at = password_hash, now if password_hash else None
    contact = contact or contact_at(
        session, workspace_id, email=address, name=user.name, wanted_again=True, by=by, now=now
    )
    session.add(user)
    session.flush()
    grant = grant or RoleGrant(workspace_id=workspace_id, user_id=user.id)
    grant.role, grant.contact_id = role, contact.id
    session.add(grant)
    _record_user(session, "add", user.id, workspace_id, by=by, now=now, after={"role": role.value})
    # A member's link may have linked it; an admin's chat counts after a yes in their session.
    forget_chat(session, contact, by=by, now=now)
    session.flush()
    return user.id


def check_email_free(session: Session, workspace_id: int, address: str) -> None:
    """Make sure that nobody signs in with an address, so that a user of a workspace can.

    Raises:
        EmailTaken.
    """
    _former_grant(session, workspace_id, address)


def contact_at(
    session: Session,
    workspace_id: int,
    *,
    email: str,
    name: str,
    wanted_again: bool = False,
    by: Actor,
    now: datetime,
) -> Contact:
    """Return the person an address belongs to, or write a new one.

    Somebody who signs in already is nobody else, and in a shared mailbox only the name tells who is meant.
    """
    lock_mailbox(session, workspace_id, email)
    administer = select(RoleGrant.contact_id).join(User, User.id == RoleGrant.user_id)
    active = (RoleGrant.workspace_id == workspace_id, User.deactivated_at.is_(None))
    taken = set(session.scalars(administer.where(*active)))
    others = [each for each in contacts_at(session, workspace_id, email) if each.id not in taken]
    named = [each for each in others if each.name.casefold() == name.strip().casefold()]
    known = named or (others if len(contacts_at(session, workspace_id, email)) == 1 else [])
    if known:
        return known[0]
    return add_contact(
        session,
        workspace_id,
        name=name,
        email=email,
        shares_mailbox=True,
        wanted_again=wanted_again,
        by=by,
        now=now,
    )


def edit_profile(
    session: Session,
    user_id: int,
    *,
    name: str,
    language: str | None,
    time_zone: str | None = None,
    by: Actor,
    now: datetime,
) -> None:
    """Change how a user is called, to members as well, the language they read and their time zone.

    Without a zone theirs is the workspace's.

    Raises:
        TextRefused, UnknownZone.
    """
    user, zone = _get_user(session, user_id), check_zone(time_zone) if time_zone else None
    user.name, user.language = clean_line(name, field="name"), language or None
    for role, contact in session.execute(
        select(RoleGrant, Contact)
        .join(Contact, Contact.id == RoleGrant.contact_id)
        .where(RoleGrant.user_id == user_id)
    ):
        contact.name, contact.language, contact.time_zone = user.name, user.language, zone
        _record_user(session, "edit", user_id, role.workspace_id, by=by, now=now)
    session.flush()


def check_current_password(session: Session, user_id: int, password: str) -> None:
    """Make sure that it is the user who is changing something; reads only, takes about 50 ms.

    Raises:
        WrongPassword.
    """
    if not matches(load_credentials(session, user_id).password_hash, password):
        raise WrongPassword


def change_password(
    session: Session,
    user_id: int,
    *,
    password_hash: str,
    keep_session_id: int | None = None,
    by: Actor,
    now: datetime,
) -> None:
    """Store another password; all sessions end but the one that is kept, and reset links are dead."""
    user = _get_user(session, user_id)
    user.password_hash, user.password_changed_at = password_hash, now
    end_sessions(session, user_id, now=now, except_id=keep_session_id)
    if keep_session_id is not None:
        confirm_session(session, keep_session_id, now=now)
    session.execute(
        update(Link)
        .where(Link.user_id == user_id, Link.purpose == LinkPurpose.RESET, Link.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    for workspace_id in session.scalars(select(RoleGrant.workspace_id).where(RoleGrant.user_id == user_id)):
        _record_user(session, "password", user_id, workspace_id, by=by, now=now)
    session.flush()


def _former_grant(session: Session, workspace_id: int, address: str) -> RoleGrant | None:
    """Find the role of somebody who administered a workspace before and signed in with this address."""
    found = session.execute(
        select(User.deactivated_at, RoleGrant)
        .outerjoin(RoleGrant, and_(RoleGrant.user_id == User.id, RoleGrant.workspace_id == workspace_id))
        .where(User.email_key == address.casefold())
    ).first()
    if found is not None and (found.deactivated_at is None or found.RoleGrant is None):
        raise EmailTaken
    return found.RoleGrant if found is not None else None


def _get_user(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None or user.deactivated_at is not None:
        raise NotFound("There is no such user.")
    return user


def _record_user(
    session: Session,
    verb: str,
    user_id: int,
    workspace_id: int,
    *,
    by: Actor,
    now: datetime,
    after: dict[str, str] | None = None,
) -> None:
    record(
        session,
        verb,
        by=by,
        now=now,
        workspace_id=workspace_id,
        subject_kind="user",
        subject_id=user_id,
        after=after,
    )
