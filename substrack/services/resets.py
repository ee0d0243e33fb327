"""Passwords by mail: a link, good once; for an hour to who forgot theirs, for a week to who has none yet.

Who says they forgot theirs is never told whether there is such an account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, Via
from substrack.domain.notices import Notice
from substrack.queries.accounts import email_key
from substrack.services.accounts import change_password
from substrack.services.links import DeadLink, LinkSigner, issue_link, open_link, use_link
from substrack.services.outbox import Draft, queue, usable_addresses
from substrack.store import Link, LinkPurpose, RoleGrant, User

MAX_A_DAY: Final = 5
AT_MOST_EVERY: Final = timedelta(minutes=5)
FIRST_PASSWORD_WITHIN: Final = timedelta(days=7)


@dataclass(frozen=True)
class ResetAccount:
    """Whose password a reset link changes."""

    user_id: int
    email: str
    name: str


def request_reset(session: Session, *, email: str, now: datetime) -> None:
    """Mail a link to the account of an address, if there is one; quietly not too often.

    It only goes where the account signs in: a contact's address may be edited by other admins.
    """
    row = session.execute(
        select(User, RoleGrant)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(User.email_key == email_key(email), User.deactivated_at.is_(None))
        .order_by(RoleGrant.id)
    ).first()
    if row is None or _asked_enough(session, row.User.id, now):
        return
    if _is_reached(session, row.User, row.RoleGrant):
        _mail_link(session, row.User, row.RoleGrant, Notice.RESET, now)


def mail_first_password(session: Session, user_id: int, *, now: datetime) -> bool:
    """Mail a user who has no password yet the link to choose it, good for a week.

    False, and nothing is queued, when mail doesn't reach them where they sign in.
    """
    user = session.get_one(User, user_id)
    role = session.scalars(
        select(RoleGrant).where(RoleGrant.user_id == user_id).order_by(RoleGrant.id).limit(1)
    ).one()
    if not _is_reached(session, user, role):
        return False
    link = _mail_link(session, user, role, Notice.SETUP, now)
    link.expires_at = now + FIRST_PASSWORD_WITHIN
    session.flush()
    return True


def open_reset(session: Session, signer: LinkSigner, token: str, *, now: datetime) -> ResetAccount:
    """Tell whose password a reset link changes; reads only.

    Raises:
        DeadLink: also when the account was deactivated since.
    """
    return _account_of(session, open_link(session, signer, LinkPurpose.RESET, token, now=now))


def reset_password(
    session: Session, signer: LinkSigner, token: str, *, password_hash: str, now: datetime
) -> ResetAccount:
    """Claim a reset link: store the password and end all sessions.

    Raises:
        DeadLink.
    """
    link = open_link(session, signer, LinkPurpose.RESET, token, now=now)
    account = _account_of(session, link)
    use_link(session, link, now=now)
    by = Actor.user(account.user_id, Via.LINK)
    change_password(session, account.user_id, password_hash=password_hash, by=by, now=now)
    return account


def _is_reached(session: Session, user: User, role: RoleGrant) -> bool:
    addresses = usable_addresses(session, [role.contact_id]).get(role.contact_id, [])
    return any(address.value_key == user.email_key for address in addresses)


def _mail_link(session: Session, user: User, role: RoleGrant, notice: Notice, now: datetime) -> Link:
    link = issue_link(
        session,
        LinkPurpose.RESET,
        now=now,
        workspace_id=role.workspace_id,
        contact_id=role.contact_id,
        user_id=user.id,
    )
    draft = Draft(
        workspace_id=role.workspace_id,
        contact_id=role.contact_id,
        notice=notice,
        dedupe_key=f"{notice.value}:{link.id}",
        due_at=now,
        payload={"link_id": link.id},
    )
    queue(session, [draft], now=now)
    return link


def _account_of(session: Session, link: Link) -> ResetAccount:
    user = session.get(User, link.user_id)
    if user is None or user.deactivated_at is not None:
        raise DeadLink
    return ResetAccount(user.id, user.email or "", user.name)


def _asked_enough(session: Session, user_id: int, now: datetime) -> bool:
    """Tell whether another mail would be one too many; whoever asks at the same time waits here."""
    session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    asked = select(func.count(), func.max(Link.created_at)).where(
        Link.user_id == user_id,
        Link.purpose == LinkPurpose.RESET,
        Link.created_at > now - timedelta(days=1),
    )
    count, last = session.execute(asked).one()
    return count >= MAX_A_DAY or (last is not None and last > now - AT_MOST_EVERY)
