"""Forms that make something carry a random key, so that a double tap makes it once."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Final

from flask import request

from substrack.web.sessions import me

FIELD: Final = "press"


def new_press_key() -> str:
    """Make the key of one form that is shown."""
    return secrets.token_urlsafe(12)


def this_press() -> str | None:
    """Name the press that is handled: the key of its form with all that was typed; None without a key.

    What was typed belongs to it, for a browser that goes back shows the same key above other words.
    """
    if not request.form.get(FIELD):
        return None
    typed = sorted(pair for pair in request.form.items(multi=True) if pair[0] != "csrf_token")
    return sha256(repr((me().user_id, request.path, typed)).encode()).hexdigest()[:12]
