"""The way in when nothing else helps: a link that the operator makes, good once and for 15 minutes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import NotFound
from substrack.queries.accounts import email_key
from substrack.services.journal import record
from substrack.services.links import DeadLink, LinkSigner, issue_link, open_link, use_link
from substrack.store import Link, LinkPurpose, RoleGrant, User


def issue_entry(session: Session, email: str, *, by: Actor, now: datetime) -> Link:
    """Write a link that signs somebody in; those issued before are dead, and the journal knows.

    Raises:
        NotFound.
    """
    row = session.execute(
        select(User.id, RoleGrant.workspace_id)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(User.email_key == email_key(email), User.deactivated_at.is_(None))
        .order_by(RoleGrant.id)
    ).first()
    if row is None:
        raise NotFound("Nobody signs in with this address.", field="email")
    former = (Link.user_id == row.id, Link.purpose == LinkPurpose.ENTER, Link.revoked_at.is_(None))
    session.execute(update(Link).where(*former).values(revoked_at=now))
    record(
        session,
        "entry",
        by=by,
        now=now,
        workspace_id=row.workspace_id,
        subject_kind="user",
        subject_id=row.id,
    )
    return issue_link(session, LinkPurpose.ENTER, now=now, workspace_id=row.workspace_id, user_id=row.id)


def open_entry(session: Session, signer: LinkSigner, token: str, *, now: datetime) -> str:
    """Tell by name whom a link signs in; reads only.

    Raises:
        DeadLink.
    """
    return _user(session, open_link(session, signer, LinkPurpose.ENTER, token, now=now)).name


def use_entry(session: Session, signer: LinkSigner, token: str, *, now: datetime) -> int:
    """Use a link up, and return the id of the user it signs in.

    Raises:
        DeadLink.
    """
    link = open_link(session, signer, LinkPurpose.ENTER, token, now=now)
    user = _user(session, link)
    use_link(session, link, now=now)
    return user.id


def _user(session: Session, link: Link) -> User:
    user = session.get(User, link.user_id)
    if user is None or user.deactivated_at is not None:
        raise DeadLink
    return user
