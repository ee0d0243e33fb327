"""Codes of authenticator apps: six digits that change every 30 seconds (TOTP, RFC 6238, with HMAC-SHA-1).

Which codes were used, and how often somebody may be wrong, is kept elsewhere.
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

STEP_SECONDS: Final = 30
DIGITS: Final = 6
SECRET_BYTES: Final = 20
"""As long as the hash (RFC 4226, section 4, R6)."""

TOLERANCE: Final = (0, -1, 1)
"""Steps by which a phone's clock may be off (RFC 6238, section 5.2), the likeliest first."""


def write_secret(drawn: bytes) -> str:
    """Write a random secret the way apps take it: Base32 without padding."""
    return base64.b32encode(drawn).decode().rstrip("=")


def code_at(secret: str, step: int) -> str:
    """Compute the code of one step of 30 seconds since 1970."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: str, code: str, *, now: datetime) -> int | None:
    """Find the step a code belongs to, up to one before or after now; None when it is wrong."""
    this = _step_at(now)
    typed = code.encode()
    found = [this + by for by in TOLERANCE if hmac.compare_digest(code_at(secret, this + by).encode(), typed)]
    return found[0] if found else None


def latest_step(now: datetime) -> int:
    """Tell the latest step whose code can be right now."""
    return _step_at(now) + max(TOLERANCE)


def enrolment_uri(secret: str, *, account: str, issuer: str) -> str:
    """Write what apps scan (Google Authenticator, "Key Uri Format")."""
    label = quote(f"{issuer}:{account}", safe="")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"


def _step_at(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS
