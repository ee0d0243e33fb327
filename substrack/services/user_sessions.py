"""Sign-in: check who someone is, and keep one row for each browser that is signed in.

The token goes into a cookie; only its SHA-256 is stored, so a copy of the database opens no session.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import NotFound, Refused
from substrack.queries.accounts import Credentials, email_key, hash_token
from substrack.services.journal import record_user
from substrack.services.passwords import matches, renewed_hash
from substrack.store import User, UserSession

SEEN_EVERY: Final = timedelta(hours=1)

MAX_WRONG_PASSWORDS: Final = 5
"""Whoever sits at somebody's open browser may be wrong this often in a row before it is signed out."""


class WrongCredentials(Refused):
    """No account has this email address and password; which of the two is wrong is not said."""

    def __init__(self) -> None:
        super().__init__("This email address and password do not go together.", field="password")


class TooManyGuesses(Refused):
    """The password was wrong so often in a row that the browser is signed out."""

    def __init__(self) -> None:
        super().__init__("The password was wrong too often, so this browser is signed out. Sign in again.")


@dataclass(frozen=True)
class Recognised:
    """A user whose password matched; `renewed_hash` is to be stored when the parameters have changed."""

    user_id: int
    renewed_hash: str | None


def authenticate(known: Credentials | None, password: str) -> Recognised:
    """Compare a password with what is known of an account, None of a stranger's; takes as long for both.

    Reserve a try first (`services.tries`).

    Raises: WrongCredentials.
    """
    if not matches(known.password_hash if known else None, password):
        raise WrongCredentials
    assert known is not None
    assert known.password_hash is not None
    return Recognised(known.user_id, renewed_hash(known.password_hash, password))


def keep_renewed_hash(session: Session, found: Recognised) -> None:
    """Store the hash of a password that matched by today's parameters, if it had older ones."""
    if found.renewed_hash is not None:
        renewed = update(User).where(User.id == found.user_id)
        session.execute(renewed.values(password_hash=found.renewed_hash))


def start_session(
    session: Session, user_id: int, *, agent: str, now: datetime, confirmed_at: datetime | None = None
) -> str:
    """Sign a browser in and return its token: 256 random bits, shown once.

    `confirmed_at` is when its user showed who they are, if that was not just now.
    """
    token = secrets.token_urlsafe(32)
    session.add(
        UserSession(
            token_hash=hash_token(token),
            user_id=user_id,
            created_at=now,
            seen_at=now,
            confirmed_at=confirmed_at,
            agent=agent[:200] or None,
        )
    )
    session.flush()
    return token


def touch_session(session: Session, session_id: int, *, now: datetime) -> None:
    """Note that a session is in use; rewritten at most once in `SEEN_EVERY`, whoever asks."""
    session.execute(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.seen_at <= now - SEEN_EVERY)
        .values(seen_at=now)
    )


def may_try_password(session: Session, session_id: int) -> bool:
    """Count one more try at the password, before it is looked at; False when there are no more left.

    Counting first holds for any number of tries at once, too. A right one starts anew (`confirm_session`).
    """
    counted = (
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.ended_at.is_(None))
        .values(wrong_passwords=UserSession.wrong_passwords + 1)
        .returning(UserSession.wrong_passwords)
    )
    return (session.scalar(counted) or MAX_WRONG_PASSWORDS + 1) <= MAX_WRONG_PASSWORDS


def end_after_wrong_passwords(session: Session, session_id: int, *, now: datetime) -> bool:
    """Sign a browser out whose last try has failed; False, and nothing is written, while tries are left."""
    ended = (
        update(UserSession)
        .where(
            UserSession.id == session_id,
            UserSession.ended_at.is_(None),
            UserSession.wrong_passwords >= MAX_WRONG_PASSWORDS,
        )
        .values(ended_at=now)
        .returning(UserSession.id)
    )
    return session.scalar(ended) is not None


def confirm_session(session: Session, session_id: int, *, now: datetime) -> None:
    """Note that the user of a session has just shown again who they are."""
    confirmed = update(UserSession).where(UserSession.id == session_id)
    session.execute(confirmed.values(confirmed_at=now, wrong_passwords=0))


def renew_token(session: Session, session_id: int) -> str:
    """Give a session another token and return it; the one it had opens nothing any more."""
    token = secrets.token_urlsafe(32)
    renewed = update(UserSession).where(UserSession.id == session_id)
    session.execute(renewed.values(token_hash=hash_token(token)))
    return token


def end_session(session: Session, user_id: int, *, public_id: str, now: datetime) -> None:
    """Sign one browser of a user out; idempotent.

    Raises:
        NotFound: the user has no such session.
    """
    ended = session.execute(
        update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.public_id == public_id)
        .values(ended_at=now)
    )
    assert isinstance(ended, CursorResult)
    if not ended.rowcount:
        raise NotFound("This session is not there.")


def end_session_of(session: Session, token: str, *, now: datetime) -> None:
    """Sign out the browser that holds a token; idempotent, and nothing for a token of nobody's."""
    session.execute(
        update(UserSession)
        .where(UserSession.token_hash == hash_token(token), UserSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def end_sessions_of(session: Session, email: str, *, by: Actor, now: datetime) -> int:
    """Sign whoever signs in with an address out everywhere; return of how many browsers. The journal knows.

    Raises:
        NotFound.
    """
    user_id = session.scalar(select(User.id).where(User.email_key == email_key(email)))
    if user_id is None:
        raise NotFound("Nobody signs in with this address.", field="email")
    live = (UserSession.user_id == user_id, UserSession.ended_at.is_(None))
    ended = update(UserSession).where(*live).values(ended_at=now).returning(UserSession.id)
    browsers = len(session.scalars(ended).all())
    record_user(session, "sign_out", user_id, by=by, now=now)
    return browsers


def end_sessions(session: Session, user_id: int, *, now: datetime, except_id: int | None = None) -> None:
    """Sign all browsers of a user out, but for one if `except_id` names it."""
    kept = () if except_id is None else (UserSession.id != except_id,)
    session.execute(
        update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None), *kept)
        .values(ended_at=now)
    )
