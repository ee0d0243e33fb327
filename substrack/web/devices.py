"""Known devices: browsers that somebody has signed in from, told by a sealed cookie that outlives sessions.

A device opens nothing. It only has tries of its own, so that who guesses at an account keeps nobody out.
"""

from __future__ import annotations

import secrets
from typing import Final

from flask import Response, request

from substrack.queries.accounts import ABSOLUTE_LIMIT
from substrack.services.sealing import Purpose
from substrack.web.reading import runtime
from substrack.web.security import cookie_name

USE: Final = "device"
MOST_USERS: Final = 5
"""How many people who share a browser it is known for."""


def known_device(user_id: int | None) -> str | None:
    """Name the device that sent this request, if a user has signed in from it before."""
    device, users = _read()
    return device if str(user_id) in users else None


def remember_device(response: Response, user_id: int) -> None:
    """Let the browser that gets this response be known for a user, and for who signed in there lately."""
    device, users = _read()
    others = [each for each in users if each != str(user_id)]
    kept = " ".join((device or secrets.token_urlsafe(16), str(user_id), *others[: MOST_USERS - 1]))
    settings = runtime().settings
    response.set_cookie(
        cookie_name(settings, USE),
        runtime().sealer.seal(Purpose.DEVICE, kept, now=runtime().now()),
        max_age=ABSOLUTE_LIMIT,
        secure=settings.is_https,
        httponly=True,
        samesite="Lax",
    )


def _read() -> tuple[str | None, list[str]]:
    sealed = request.cookies.get(cookie_name(runtime().settings, USE), "")
    kept = runtime().sealer.open(Purpose.DEVICE, sealed, now=runtime().now(), within=ABSOLUTE_LIMIT)
    device, *users = kept.split() if kept else [None]
    return device, [each for each in users if each]
