"""Setting up: the first owner makes the one workspace, by the setup link or the command line, exactly once.

The link is printed where the server starts, so whoever claims it holds the installation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.cycles import check_zone
from substrack.domain.errors import Refused
from substrack.domain.wording import clean_line
from substrack.queries.accounts import registration_is_open
from substrack.services.accounts import add_user
from substrack.services.journal import record
from substrack.services.links import LinkSigner, issue_link, open_link, use_link
from substrack.store import Installation, Link, LinkPurpose, Role, Workspace
from substrack.texts.catalogue import DEFAULT


class RegistrationClosed(Refused):
    """A workspace exists, so nobody can set up another."""

    def __init__(self) -> None:
        super().__init__("SubsTrack is set up already. Ask an admin for an invitation.")


@dataclass(frozen=True)
class Founded:
    """The workspace and the owner that were just made."""

    workspace_id: int
    user_id: int


def issue_setup_link(session: Session, *, now: datetime) -> Link:
    """Write the link that the first owner sets SubsTrack up with; those issued before are dead.

    Raises:
        RegistrationClosed: there is a workspace.
    """
    _check_registration(session)
    session.execute(
        update(Link)
        .where(Link.purpose == LinkPurpose.SETUP, Link.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return issue_link(session, LinkPurpose.SETUP, now=now)


def open_setup(session: Session, signer: LinkSigner, token: str, *, now: datetime) -> Link:
    """Open a setup link; reads only.

    Raises:
        DeadLink, RegistrationClosed.
    """
    link = open_link(session, signer, LinkPurpose.SETUP, token, now=now)
    if not registration_is_open(session):
        raise RegistrationClosed
    return link


def create_first_owner(
    session: Session,
    signer: LinkSigner,
    token: str,
    *,
    workspace_name: str,
    time_zone: str,
    name: str,
    email: str,
    password_hash: str | None,
    language: str = DEFAULT,
    by: Actor,
    now: datetime,
) -> Founded:
    """Claim a setup link: make the workspace and its owner.

    Raises:
        DeadLink, RegistrationClosed, TextRefused, UnknownZone, WrongEmail.
    """
    use_link(session, open_setup(session, signer, token, now=now), now=now)
    return found_workspace(
        session,
        workspace_name=workspace_name,
        time_zone=time_zone,
        name=name,
        email=email,
        password_hash=password_hash,
        language=language,
        by=by,
        now=now,
    )


def found_workspace(
    session: Session,
    *,
    workspace_name: str,
    time_zone: str,
    name: str,
    email: str,
    password_hash: str | None,
    language: str = DEFAULT,
    by: Actor,
    now: datetime,
) -> Founded:
    """Make the one workspace and its owner, who is a contact there as well.

    `language` is for everybody who has not chosen one.

    Raises:
        RegistrationClosed, TextRefused, UnknownZone, WrongEmail.
    """
    _check_registration(session)
    workspace = Workspace(
        name=clean_line(workspace_name, field="workspace_name"),
        time_zone=check_zone(time_zone),
        language=language,
        created_at=now,
    )
    session.add(workspace)
    session.flush()
    record(
        session,
        "found",
        by=by,
        now=now,
        workspace_id=workspace.id,
        subject_kind="workspace",
        subject_id=workspace.id,
    )
    user_id = add_user(
        session,
        workspace.id,
        email=email,
        name=name,
        password_hash=password_hash,
        role=Role.OWNER,
        by=by,
        now=now,
    )
    return Founded(workspace.id, user_id)


def _check_registration(session: Session) -> None:
    """Make sure that there is no workspace; the lock keeps others from making one at the same time."""
    session.execute(select(Installation.id).with_for_update())
    if not registration_is_open(session):
        raise RegistrationClosed
