"""Who may act on what in a workspace; a stranger hears what a missing thing would say.

Owners alone are asked for in `services.roles`, and pages ask who is signed in before they get here.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, ActorKind
from substrack.domain.errors import NotFound
from substrack.store import Contact, RoleGrant, User


class NoSuchPayment(NotFound):
    """There is no such payment, or it is not this person's to act on."""

    def __init__(self) -> None:
        super().__init__("There is no such payment.")


def check_admin(session: Session, by: Actor, workspace_id: int) -> None:
    """Let only admins of the workspace decide; a stranger hears what a missing thing would say.

    Raises:
        NoSuchPayment: the user has no role in the workspace.
    """
    if by.kind is not ActorKind.USER:
        return
    role = select(RoleGrant.id).join(User, User.id == RoleGrant.user_id)
    is_admin = (
        RoleGrant.workspace_id == workspace_id,
        RoleGrant.user_id == by.id,
        User.deactivated_at.is_(None),
    )
    if session.scalar(role.where(*is_admin)) is None:
        raise NoSuchPayment


def check_owner(session: Session, by: Actor, contact_id: int) -> None:
    """Let a member act for nobody but themselves, and an admin for the people of their workspace.

    Raises:
        NoSuchPayment: it is somebody else's.
    """
    if by.kind is ActorKind.CONTACT and by.id != contact_id:
        raise NoSuchPayment
    if by.kind is ActorKind.USER:
        contact = session.get(Contact, contact_id)
        check_admin(session, by, contact.workspace_id if contact else 0)
