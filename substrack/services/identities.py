"""Who a person at an identity provider is here: whoever signs in with that verified address, nobody new."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import NotFound, Refused
from substrack.queries.accounts import email_key
from substrack.services.journal import record_user
from substrack.store import Identity, User


class Unverified(Refused):
    """The provider does not vouch for the address."""

    def __init__(self) -> None:
        super().__init__("Your email address is not verified there. Have it verified, then sign in again.")


class NobodyHere(Refused):
    """No user has this address, or another person at the provider is this user."""

    def __init__(self) -> None:
        super().__init__("Nobody signs in here with the address you have there. Ask an owner to invite you.")


def recognise(
    session: Session, *, issuer: str, subject: str, email: str, is_verified: bool, now: datetime
) -> int:
    """Return the id of the user a person at a provider is.

    The first time the two are linked; from then on the address alone is not enough: it may pass to others.

    Raises:
        NobodyHere, Unverified.
    """
    if not is_verified or not email:
        raise Unverified
    user_id = session.scalar(
        select(User.id)
        .where(User.email_key == email_key(email), User.deactivated_at.is_(None))
        .with_for_update(key_share=True)
    )
    if user_id is None:
        raise NobodyHere
    links = session.scalars(
        select(Identity).where(
            Identity.issuer == issuer, (Identity.user_id == user_id) | (Identity.subject == subject)
        )
    ).all()
    if any((link.user_id, link.subject) != (user_id, subject) for link in links):
        raise NobodyHere
    if not links:
        session.add(Identity(user_id=user_id, issuer=issuer, subject=subject, linked_at=now))
        session.flush()
    return user_id


def forget_identities(session: Session, email: str, *, by: Actor, now: datetime) -> None:
    """Let whoever signs in with an address be linked anew, as when they have a new account there.

    Raises:
        NotFound.
    """
    user_id = session.scalar(
        select(User.id).where(User.email_key == email_key(email), User.deactivated_at.is_(None))
    )
    if user_id is None:
        raise NotFound("Nobody signs in with this address.", field="email")
    session.execute(delete(Identity).where(Identity.user_id == user_id))
    record_user(session, "forget_provider", user_id, by=by, now=now)
