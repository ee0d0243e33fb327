"""Showing again that it is oneself before something that matters; what was typed goes along, not lost.

That is the password, and a code when the second step is on. Money decisions never ask for it.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

from flask import after_this_request, request
from flask.typing import ResponseReturnValue

from substrack.services.accounts import WrongPassword, check_current_password
from substrack.services.second_factor import RightCode, WrongCode, look_at_code, use_code
from substrack.services.user_sessions import (
    TooManyGuesses,
    confirm_session,
    end_after_wrong_passwords,
    may_try_password,
    renew_token,
)
from substrack.web.errors import page_before
from substrack.web.pages import page
from substrack.web.reading import forget_commits, reading, runtime
from substrack.web.sessions import hand_token, me

FIELD: Final = "your_password"
CODE_FIELD: Final = "your_code"
_NOT_CARRIED: Final = frozenset({FIELD, CODE_FIELD, "csrf_token"})


def needs_password() -> bool:
    """Tell whether to ask who sits there: they have not shown it lately, and the form does not do so now.

    What is right counts for the next minutes of this browser's session.

    Raises:
        TooManyGuesses.
    """
    if me().is_fresh(runtime().now()):
        return False
    return not _brings_proof()


def check_password(typed: str, code: str = "") -> None:
    """Make sure that it is the user who is at this browser; after a few wrong answers it is signed out.

    The browser gets another token for its session with the answer to this request.

    Raises:
        WrongPassword, WrongCode, TooManyGuesses.
    """
    session_id, now = me().session_id, runtime().now()
    with runtime().transaction() as session:
        may_try = may_try_password(session, session_id)
    if not may_try:
        raise TooManyGuesses
    try:
        check_current_password(reading(), me().user_id, typed)
        right = _right_code(code, now) if me().has_second_factor else None
        with runtime().transaction() as session:
            if right is not None:
                use_code(session, me().user_id, right, now=now)
            confirm_session(session, session_id, now=now)
            token = renew_token(session, session_id)
    except (WrongPassword, WrongCode):
        with runtime().transaction() as session:
            is_over = end_after_wrong_passwords(session, session_id, now=now)
        if is_over:
            raise TooManyGuesses from None
        raise
    after_this_request(partial(hand_token, token=token))
    forget_commits()


def ask_password(lead: str) -> ResponseReturnValue:
    """Show the form that asks who sits there and sends the same again; `lead` says what for."""
    carried = [pair for pair in request.form.items(multi=True) if pair[0] not in _NOT_CARRIED]
    is_wrong = bool(request.form.get(FIELD))
    settings = runtime().settings
    return page(
        "web/confirm.html",
        lead=lead,
        field=FIELD,
        carried=carried,
        is_wrong=is_wrong,
        is_local=settings.local_sign_in,
        provider=settings.oidc_label if settings.oidc_issuer else None,
        back=(page_before() or "").removeprefix(request.script_root),
    ), 422


def _right_code(code: str, now: datetime) -> RightCode:
    return look_at_code(reading(), runtime().sealer, me().user_id, code, now=now)


def _brings_proof() -> bool:
    typed = request.form.get(FIELD, "") if runtime().settings.local_sign_in else ""
    try:
        if typed:
            check_password(typed, request.form.get(CODE_FIELD, ""))
    except (WrongPassword, WrongCode):
        return False
    return bool(typed)
