"""Giving one's password again before something that moves money; what was typed goes along, not lost."""

from __future__ import annotations

from typing import Final

from flask import request
from flask.typing import ResponseReturnValue

from substrack.services.accounts import WrongPassword, check_current_password
from substrack.services.user_sessions import confirm_session
from substrack.web.pages import page
from substrack.web.reading import reading, runtime
from substrack.web.sessions import me

FIELD: Final = "your_password"
_NOT_CARRIED: Final = frozenset({FIELD, "csrf_token"})


def needs_password() -> bool:
    """Tell whether the password is to be asked for: not given lately, and the form brings no right one.

    A right one counts for the next minutes of this browser's session.
    """
    now = runtime().now()
    if me().is_fresh(now):
        return False
    if not _brings_password():
        return True
    with runtime().transaction() as session:
        confirm_session(session, me().session_id, now=now)
    return False


def ask_password(lead: str) -> ResponseReturnValue:
    """Show the form that asks for the password and sends the same again; `lead` says what for."""
    carried = [pair for pair in request.form.items(multi=True) if pair[0] not in _NOT_CARRIED]
    is_wrong = bool(request.form.get(FIELD))
    return page("web/confirm.html", lead=lead, field=FIELD, carried=carried, is_wrong=is_wrong), 422


def _brings_password() -> bool:
    try:
        check_current_password(reading(), me().user_id, request.form.get(FIELD, ""))
    except WrongPassword:
        return False
    return True
