"""Giving one's password again before something that moves money; what was typed goes along, not lost."""

from __future__ import annotations

from typing import Final

from flask import request
from flask.typing import ResponseReturnValue

from substrack.services.accounts import WrongPassword, check_current_password
from substrack.services.user_sessions import (
    TooManyGuesses,
    confirm_session,
    end_after_wrong_passwords,
    may_try_password,
)
from substrack.web.pages import page
from substrack.web.reading import forget_commits, reading, runtime
from substrack.web.sessions import me

FIELD: Final = "your_password"
_NOT_CARRIED: Final = frozenset({FIELD, "csrf_token"})


def needs_password() -> bool:
    """Tell whether the password is to be asked for: not given lately, and the form brings no right one.

    A right one counts for the next minutes of this browser's session.

    Raises:
        TooManyGuesses.
    """
    if me().is_fresh(runtime().now()):
        return False
    return not _brings_password()


def check_password(typed: str) -> None:
    """Make sure that it is the user who is at this browser; after a few wrong passwords it is signed out.

    Raises:
        WrongPassword, TooManyGuesses.
    """
    session_id, now = me().session_id, runtime().now()
    with runtime().transaction() as session:
        may_try = may_try_password(session, session_id)
    if not may_try:
        raise TooManyGuesses
    try:
        check_current_password(reading(), me().user_id, typed)
    except WrongPassword:
        with runtime().transaction() as session:
            is_over = end_after_wrong_passwords(session, session_id, now=now)
        if is_over:
            raise TooManyGuesses from None
        raise
    with runtime().transaction() as session:
        confirm_session(session, session_id, now=now)
    forget_commits()


def ask_password(lead: str) -> ResponseReturnValue:
    """Show the form that asks for the password and sends the same again; `lead` says what for."""
    carried = [pair for pair in request.form.items(multi=True) if pair[0] not in _NOT_CARRIED]
    is_wrong = bool(request.form.get(FIELD))
    return page("web/confirm.html", lead=lead, field=FIELD, carried=carried, is_wrong=is_wrong), 422


def _brings_password() -> bool:
    typed = request.form.get(FIELD, "")
    try:
        if typed:
            check_password(typed)
    except WrongPassword:
        return False
    return bool(typed)
