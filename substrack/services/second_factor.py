"""The second factor: an app's code beside the password, or one of ten codes on paper.

Looking at a code only reads; using it is one conditional write: of several tries with one code one wins.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import Conflict, Refused
from substrack.domain.one_time_codes import SECRET_BYTES, latest_step, step_of, write_secret
from substrack.queries.accounts import email_key
from substrack.services.journal import record_user
from substrack.services.recovery_codes import SELECTOR, FreshCode, is_code, matches_code, plain_code
from substrack.services.sealing import Purpose, Sealer
from substrack.store import RecoveryCode, SecondFactor, User


class WrongCode(Refused):
    """The code is wrong, too old, or was used before."""

    field = "code"

    def __init__(self) -> None:
        super().__init__("This code is wrong, too old, or was used before. Type the newest one.")


class SecondFactorOn(Conflict):
    """The second factor was turned on meanwhile, in another window."""

    def __init__(self) -> None:
        super().__init__("The second step is on already.")


class NoSecondFactor(Refused):
    """Nobody with this address has a second factor."""

    field = "email"

    def __init__(self) -> None:
        super().__init__("Nobody who signs in with this address has a second step.")


@dataclass(frozen=True)
class RightCode:
    """A code that was right when it was looked at: a step of the app's, or a code on paper."""

    step: int | None = None
    recovery_id: int | None = None


def new_secret() -> str:
    """Draw a secret for an app; nothing is written before a code of it has come back."""
    return write_secret(secrets.token_bytes(SECRET_BYTES))


def first_code(secret: str, code: str, *, now: datetime) -> int:
    """Tell the step of the code that shows that an app knows a new secret.

    Raises:
        WrongCode.
    """
    step = step_of(secret, plain_code(code), now=now)
    if step is None:
        raise WrongCode
    return step


def turn_on(
    session: Session,
    sealer: Sealer,
    user_id: int,
    *,
    secret: str,
    step: int,
    codes: Sequence[FreshCode],
    by: Actor,
    now: datetime,
) -> None:
    """Ask for a code at every sign-in from now on; `step` is of the code that has been used for that.

    Raises:
        SecondFactorOn.
    """
    _take_turns(session, user_id)
    if session.scalar(select(SecondFactor.id).where(SecondFactor.user_id == user_id)) is not None:
        raise SecondFactorOn
    sealed = sealer.seal(Purpose.SECOND_FACTOR, secret, now=now)
    session.add(SecondFactor(user_id=user_id, sealed_secret=sealed, turned_on_at=now, last_step=step))
    _replace_codes(session, user_id, codes)
    record_user(session, "second_factor_on", user_id, by=by, now=now)


def renew_codes(
    session: Session, user_id: int, codes: Sequence[FreshCode], *, by: Actor, now: datetime
) -> None:
    """Replace the codes on paper; those before are worth nothing."""
    _take_turns(session, user_id)
    _replace_codes(session, user_id, codes)
    record_user(session, "recovery_codes", user_id, by=by, now=now)


def turn_off(session: Session, user_id: int, *, by: Actor, now: datetime) -> None:
    """Ask for the password alone; idempotent."""
    gone = delete(SecondFactor).where(SecondFactor.user_id == user_id).returning(SecondFactor.id)
    was_on = session.scalar(gone) is not None
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    if was_on:
        record_user(session, "second_factor_off", user_id, by=by, now=now)


def turn_off_for(session: Session, email: str, *, by: Actor, now: datetime) -> None:
    """Turn the second factor of whoever signs in with an address off, for who has lost phone and codes.

    Raises:
        NoSecondFactor.
    """
    user_id = session.scalar(
        select(User.id)
        .join(SecondFactor, SecondFactor.user_id == User.id)
        .where(User.email_key == email_key(email), User.deactivated_at.is_(None))
    )
    if user_id is None:
        raise NoSecondFactor
    turn_off(session, user_id, by=by, now=now)


def look_at_code(session: Session, sealer: Sealer, user_id: int, code: str, *, now: datetime) -> RightCode:
    """Tell which code of a user was typed; reads only. Reserve a try first (`services.tries`).

    Raises:
        WrongCode.
    """
    if is_code(code):
        return RightCode(recovery_id=_matching(session, user_id, code))
    row = session.scalar(select(SecondFactor).where(SecondFactor.user_id == user_id))
    secret = sealer.open(Purpose.SECOND_FACTOR, row.sealed_secret, now=now) if row else None
    step = step_of(secret, plain_code(code), now=now) if secret else None
    if row is None or step is None or step <= row.last_step <= latest_step(now):
        raise WrongCode
    return RightCode(step=step)


def use_code(session: Session, user_id: int, right: RightCode, *, now: datetime) -> None:
    """Use a code up; a step that was used while the clock ran ahead keeps nobody waiting until then.

    Raises:
        WrongCode: somebody was faster, with this code or a later one.
    """
    if right.recovery_id is not None:
        used = (
            update(RecoveryCode)
            .where(RecoveryCode.id == right.recovery_id, RecoveryCode.used_at.is_(None))
            .values(used_at=now)
            .returning(RecoveryCode.id)
        )
    else:
        used = (
            update(SecondFactor)
            .where(
                SecondFactor.user_id == user_id,
                or_(SecondFactor.last_step < right.step, SecondFactor.last_step > latest_step(now)),
            )
            .values(last_step=right.step)
            .returning(SecondFactor.id)
        )
    if session.scalar(used) is None:
        raise WrongCode
    if right.recovery_id is not None:
        record_user(session, "recovery_code", user_id, by=Actor.user(user_id), now=now)


def reseal_secrets(session: Session, sealer: Sealer) -> None:
    """Seal all secrets with the newest key, so that the older ones can be taken away."""
    for row in session.scalars(select(SecondFactor).order_by(SecondFactor.id)):
        row.sealed_secret = sealer.reseal(Purpose.SECOND_FACTOR, row.sealed_secret) or row.sealed_secret
    session.flush()


def _matching(session: Session, user_id: int, code: str) -> int:
    row = session.scalar(
        select(RecoveryCode).where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.selector == plain_code(code)[:SELECTOR],
            RecoveryCode.used_at.is_(None),
        )
    )
    if not matches_code(row.code_hash if row else None, code) or row is None:
        raise WrongCode
    return row.id


def _take_turns(session: Session, user_id: int) -> None:
    session.execute(select(User.id).where(User.id == user_id).with_for_update())


def _replace_codes(session: Session, user_id: int, codes: Sequence[FreshCode]) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(
        RecoveryCode(user_id=user_id, selector=each.selector, code_hash=each.code_hash) for each in codes
    )
    session.flush()
