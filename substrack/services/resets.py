"""Forgotten passwords: a mailed link, good once and for an hour.

Who asks is never told whether there is such an account.
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


@dataclass(frozen=True)
class ResetAccount:
    """Whose password a reset link changes."""

    user_id: int
    email: str
    name: str


def request_reset(session: Session, *, email: str, now: datetime) -> None:
    """Mail a link to the account of an address, if there is one; quietly at most `MAX_A_DAY` a day.

    It only goes where the account signs in: a contact's address may be edited by other admins.
    """
    row = session.execute(
        select(User, RoleGrant)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(User.email_key == email_key(email), User.deactivated_at.is_(None))
        .order_by(RoleGrant.id)
    ).first()
    if row is None or _asked_today(session, row.User.id, now) >= MAX_A_DAY:
        return
    user, role = row.User, row.RoleGrant
    addresses = usable_addresses(session, [role.contact_id]).get(role.contact_id, [])
    if not any(address.value_key == user.email_key for address in addresses):
        return
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
        notice=Notice.RESET,
        dedupe_key=f"reset:{link.id}",
        due_at=now,
        payload={"link_id": link.id},
    )
    queue(session, [draft], now=now)


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


def _account_of(session: Session, link: Link) -> ResetAccount:
    user = session.get(User, link.user_id)
    if user is None or user.deactivated_at is not None:
        raise DeadLink
    return ResetAccount(user.id, user.email or "", user.name)


def _asked_today(session: Session, user_id: int, now: datetime) -> int:
    return session.scalars(
        select(func.count())
        .select_from(Link)
        .where(
            Link.user_id == user_id,
            Link.purpose == LinkPurpose.RESET,
            Link.created_at > now - timedelta(days=1),
        )
    ).one()
