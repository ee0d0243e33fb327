"""The one way in: whoever has shown who they are gets a session, after their second step if they have one.

Between the steps there is no session, only a sealed cookie that says for ten minutes who has come how far.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask import Response, request, url_for

from substrack.queries.accounts import Credentials, find_active
from substrack.services.sealing import Purpose
from substrack.web.reading import reading, runtime
from substrack.web.security import cookie_name
from substrack.web.sessions import sign_in_browser

USE: Final = "step"
WITHIN: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class HalfWay:
    """Somebody who has shown who they are and whose code is awaited; `proven_at` as for a session."""

    user_id: int
    target: str
    proven_at: datetime | None = None


def admit(user_id: int, target: str, *, proven_at: datetime | None = None) -> Response:
    """Start a session and lead on to a page of ours, or ask for the code of the second step first.

    `proven_at` is when the user showed who they are, if that was not just now.
    """
    account = _credentials(user_id)
    if not account.has_second_factor:
        return sign_in_browser(_to(target), user_id, confirmed_at=proven_at)
    response = _to(url_for("auth.ask_code"))
    _set_cookie(response, _sealed(account, target, proven_at))
    return response


def half_way() -> HalfWay | None:
    """Find whose code this browser is to bring; None when nobody's, or their account has changed."""
    sealed = request.cookies.get(_name(), "")
    kept = runtime().sealer.open(Purpose.SECOND_STEP, sealed, now=runtime().now(), within=WITHIN)
    if kept is None:
        return None
    user_id, stamp, target, proven_at = json.loads(kept)
    account = find_active(reading(), user_id)
    if account is None or not account.has_second_factor or _stamp(account) != stamp:
        return None
    return HalfWay(user_id, target, datetime.fromisoformat(proven_at) if proven_at else None)


def finish(who: HalfWay) -> Response:
    """Start the session of somebody whose code was right."""
    response = sign_in_browser(_to(who.target), who.user_id, confirmed_at=who.proven_at)
    response.delete_cookie(_name(), secure=runtime().settings.is_https, httponly=True, samesite="Lax")
    return response


def _sealed(account: Credentials, target: str, proven_at: datetime | None) -> str:
    kept = (account.user_id, _stamp(account), target, proven_at.isoformat() if proven_at else None)
    return runtime().sealer.seal(Purpose.SECOND_STEP, json.dumps(kept), now=runtime().now())


def _stamp(account: Credentials) -> str | None:
    changed_at = account.password_changed_at
    return changed_at.isoformat() if changed_at else None


def _credentials(user_id: int) -> Credentials:
    reading().rollback()  # what was read before this request changed the password is of no use
    account = find_active(reading(), user_id)
    assert account is not None
    return account


def _to(target: str) -> Response:
    return Response(status=303, headers={"Location": target})


def _set_cookie(response: Response, value: str) -> None:
    response.set_cookie(
        _name(), value, max_age=WITHIN, secure=runtime().settings.is_https, httponly=True, samesite="Lax"
    )


def _name() -> str:
    return cookie_name(runtime().settings, USE)
