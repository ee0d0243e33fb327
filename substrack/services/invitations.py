"""Invitations: an admin names a person, who becomes an admin by a mailed link, good once and for a week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, Via
from substrack.domain.errors import NotFound
from substrack.domain.notices import Notice
from substrack.services.accounts import add_user, check_email_free, contact_at
from substrack.services.contact_rows import record_contact
from substrack.services.links import DeadLink, LinkSigner, issue_link, open_link, use_link
from substrack.services.mailboxes import check_email
from substrack.services.outbox import Draft, queue
from substrack.services.roles import check_owns
from substrack.store import Contact, Link, LinkPurpose, Role, Workspace


@dataclass(frozen=True)
class Invitation:
    """Who is invited, and where to."""

    email: str
    name: str
    workspace_name: str


def invite_admin(
    session: Session,
    workspace_id: int,
    *,
    email: str,
    name: str,
    wanted_again: bool = False,
    by: Actor,
    now: datetime,
    press: str | None = None,
) -> None:
    """Mail an owner's invitation to administer the workspace; an earlier one to the same address is dead.

    `press` is what `presses.find_made` will know it by.

    Raises:
        AddressErased: a question. EmailTaken, NotFound, OwnersOnly, TextRefused, WrongEmail.
    """
    check_owns(session, by, workspace_id)
    address = check_email(email)
    check_email_free(session, workspace_id, address)
    contact = contact_at(
        session, workspace_id, email=address, name=name, wanted_again=wanted_again, by=by, now=now
    )
    _revoke_invites(session, contact, now)
    _mail_invite(session, contact, address, by=by, now=now)
    record_contact(session, "invite", contact, by=by, now=now, correlation_id=press)


def withdraw_invite(session: Session, workspace_id: int, public_id: str, *, by: Actor, now: datetime) -> None:
    """End the invitations of a person, by their public id; idempotent.

    Raises:
        NotFound: the workspace knows no such person.
        OwnersOnly.
    """
    check_owns(session, by, workspace_id)
    contact = session.scalar(
        select(Contact).where(Contact.workspace_id == workspace_id, Contact.public_id == public_id)
    )
    if contact is None:
        raise NotFound("There is no such person.")
    if _revoke_invites(session, contact, now):
        record_contact(session, "withdraw_invite", contact, by=by, now=now)
    session.flush()


def open_invite(session: Session, signer: LinkSigner, token: str, *, now: datetime) -> Invitation:
    """Tell who an invitation is for; reads only.

    Raises:
        DeadLink.
    """
    link = open_link(session, signer, LinkPurpose.INVITE, token, now=now)
    contact, workspace = _invited(session, link)
    return Invitation(link.email or "", contact.name, workspace.name)


def accept_invite(
    session: Session, signer: LinkSigner, token: str, *, name: str, password_hash: str | None, now: datetime
) -> int:
    """Claim an invitation: make the invited person an admin, and return the user's id.

    Raises:
        DeadLink, EmailTaken, TextRefused.
    """
    link = open_link(session, signer, LinkPurpose.INVITE, token, now=now)
    contact, workspace = _invited(session, link)
    use_link(session, link, now=now)
    return add_user(
        session,
        workspace.id,
        email=link.email or "",
        name=name,
        password_hash=password_hash,
        role=Role.ADMIN,
        contact=contact,
        by=Actor.contact(contact.id, Via.LINK),
        now=now,
    )


def _mail_invite(session: Session, contact: Contact, address: str, *, by: Actor, now: datetime) -> None:
    link = issue_link(
        session,
        LinkPurpose.INVITE,
        now=now,
        workspace_id=contact.workspace_id,
        contact_id=contact.id,
        email=address,
    )
    draft = Draft(
        workspace_id=contact.workspace_id,
        contact_id=contact.id,
        notice=Notice.INVITE,
        dedupe_key=f"invite:{link.id}",
        due_at=now,
        payload={"link_id": link.id, "invited_by": by.id},
    )
    queue(session, [draft], now=now)


def _invited(session: Session, link: Link) -> tuple[Contact, Workspace]:
    contact = session.get(Contact, link.contact_id)
    workspace = session.get(Workspace, link.workspace_id)
    if contact is None or workspace is None or contact.erased_at is not None:
        raise DeadLink
    return contact, workspace


def _revoke_invites(session: Session, contact: Contact, now: datetime) -> bool:
    revoked = session.scalars(
        update(Link)
        .where(
            Link.contact_id == contact.id,
            Link.purpose == LinkPurpose.INVITE,
            Link.used_at.is_(None),
            Link.revoked_at.is_(None),
        )
        .values(revoked_at=now)
        .returning(Link.id)
    )
    return bool(revoked.all())
