"""Roles: owners invite and remove admins and make each other owners; somebody always owns the workspace."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, ActorKind
from substrack.domain.errors import NotFound, Refused
from substrack.services.access import check_admin
from substrack.services.journal import record
from substrack.services.user_sessions import end_sessions
from substrack.store import Identity, Link, RecoveryCode, Role, RoleGrant, SecondFactor, User, Workspace


class OwnersOnly(Refused):
    """An admin asked for what only an owner may do."""

    def __init__(self) -> None:
        super().__init__("Only an owner can do that.")


class LastOwner(Refused):
    """The workspace would be nobody's."""

    def __init__(self) -> None:
        super().__init__("There has to be an owner. Make somebody else an owner first.")


def check_owns(session: Session, by: Actor, workspace_id: int) -> None:
    """Let only owners of a workspace, and the operator, act; a stranger hears what a missing thing would say.

    Raises:
        NotFound, OwnersOnly.
    """
    check_admin(session, by, workspace_id)
    if by.kind is not ActorKind.USER:
        return
    role = select(RoleGrant.role).where(RoleGrant.workspace_id == workspace_id, RoleGrant.user_id == by.id)
    if session.scalar(role) is not Role.OWNER:
        raise OwnersOnly


def check_whose_account(session: Session, contact_id: int, by: Actor) -> None:
    """Let only owners, and themselves, take the data or change the address of somebody who administers.

    Raises:
        NotFound, OwnersOnly.
    """
    role = session.execute(
        select(RoleGrant.workspace_id, RoleGrant.user_id)
        .join(User, User.id == RoleGrant.user_id)
        .where(RoleGrant.contact_id == contact_id, User.deactivated_at.is_(None))
    ).first()
    if role is not None and (by.kind, by.id) != (ActorKind.USER, role.user_id):
        check_owns(session, by, role.workspace_id)


def hold_roles(session: Session, workspace_id: int) -> None:
    """Keep others from changing who owns a workspace; taken before any lock of groups and contacts."""
    session.execute(select(Workspace.id).where(Workspace.id == workspace_id).with_for_update(key_share=True))


def change_role(
    session: Session, workspace_id: int, public_id: str, *, role: Role, by: Actor, now: datetime
) -> None:
    """Make a user an owner or an admin; the same again writes nothing.

    Raises:
        NotFound, OwnersOnly, LastOwner.
    """
    user, grant = _hold(session, workspace_id, public_id, by)
    if grant.role is role:
        return
    _leave_an_owner(session, grant, is_owner=role is Role.OWNER)
    before, grant.role = grant.role, role
    _record(session, "role", user, workspace_id, by=by, now=now, before=before, after=role)


def remove_admin(session: Session, workspace_id: int, public_id: str, *, by: Actor, now: datetime) -> None:
    """Let somebody administer a workspace no more: sessions, links and Telegram buttons are dead at once.

    They stay in the journal, and in groups as a member. Invited again, they are the same user.

    Raises:
        NotFound, OwnersOnly, LastOwner.
    """
    user, grant = _hold(session, workspace_id, public_id, by)
    _leave_an_owner(session, grant, is_owner=False)
    _record(session, "remove", user, workspace_id, by=by, now=now, before=grant.role)
    elsewhere = select(func.count()).where(RoleGrant.user_id == user.id, RoleGrant.id != grant.id)
    if session.scalar(elsewhere):
        session.delete(grant)
    else:
        user.deactivated_at = now
        for proof in (SecondFactor, RecoveryCode, Identity):
            session.execute(delete(proof).where(proof.user_id == user.id))
    end_sessions(session, user.id, now=now)
    session.execute(
        update(Link).where(Link.user_id == user.id, Link.revoked_at.is_(None)).values(revoked_at=now)
    )
    session.flush()


def _hold(session: Session, workspace_id: int, public_id: str, by: Actor) -> tuple[User, RoleGrant]:
    """Find a user of a workspace whose roles nobody else changes meanwhile."""
    check_admin(session, by, workspace_id)
    hold_roles(session, workspace_id)
    check_owns(session, by, workspace_id)
    found = session.execute(
        select(User, RoleGrant)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(
            RoleGrant.workspace_id == workspace_id,
            User.public_id == public_id,
            User.deactivated_at.is_(None),
        )
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotFound("There is no such user.")
    return found.User, found.RoleGrant


def _leave_an_owner(session: Session, grant: RoleGrant, *, is_owner: bool) -> None:
    others = (
        select(func.count())
        .select_from(RoleGrant)
        .join(User, User.id == RoleGrant.user_id)
        .where(
            RoleGrant.workspace_id == grant.workspace_id,
            RoleGrant.id != grant.id,
            RoleGrant.role == Role.OWNER,
            User.deactivated_at.is_(None),
        )
    )
    if not is_owner and not session.scalar(others):
        raise LastOwner


def _record(
    session: Session,
    verb: str,
    user: User,
    workspace_id: int,
    *,
    by: Actor,
    now: datetime,
    before: Role,
    after: Role | None = None,
) -> None:
    record(
        session,
        verb,
        by=by,
        now=now,
        workspace_id=workspace_id,
        subject_kind="user",
        subject_id=user.id,
        before={"role": before.value},
        after={"role": after.value} if after else None,
    )
    session.flush()
