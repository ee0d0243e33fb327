"""Sealing: what is kept or handed out so that nobody else can read or make it, by keys of its own.

Every purpose has its own key, derived from those of the installation (HKDF, RFC 5869), so that what was
sealed for one opens nothing of another. The newest key seals, the others still open (rotation).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class Purpose(StrEnum):
    """What something is sealed for."""

    DEVICE = "device"
    ENROLMENT = "enrolment"
    PRESENCE = "presence"
    PROVIDER = "provider"
    SECOND_FACTOR = "second-factor"
    SECOND_STEP = "second-step"
    TRIES = "tries"
    SUPPRESSION = "suppression"


class Sealer:
    """Seals and opens texts with the keys of the installation, the newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)

    def seal(self, purpose: Purpose, text: str, *, now: datetime) -> str:
        """Write a text so that only `open` with the same purpose reads it; says when it was sealed."""
        return self._boxes[purpose].encrypt_at_time(text.encode(), int(now.timestamp())).decode()

    def open(
        self, purpose: Purpose, sealed: str, *, now: datetime, within: timedelta | None = None
    ) -> str | None:
        """Read what was sealed for a purpose; None when it is mangled, foreign, or older than `within`."""
        from cryptography.fernet import InvalidToken

        box = self._boxes[purpose]
        try:
            if within is None:
                return box.decrypt(sealed.encode()).decode()
            instant, seconds = int(now.timestamp()), int(within.total_seconds())
            return box.decrypt_at_time(sealed.encode(), seconds, instant).decode()
        except (InvalidToken, UnicodeError):
            return None

    def reseal(self, purpose: Purpose, sealed: str) -> str | None:
        """Seal with the newest key what an older one has sealed; None when no key of ours opens it."""
        from cryptography.fernet import InvalidToken

        try:
            return self._boxes[purpose].rotate(sealed.encode()).decode()
        except InvalidToken:
            return None

    def blind(self, purpose: Purpose, text: str) -> str:
        """Name a text by 64 hexadecimal digits that tell it from others and nothing about it."""
        return hmac.new(
            _derive(self._keys[0], purpose), text.encode("utf-8", "replace"), "sha256"
        ).hexdigest()

    def blinds(self, purpose: Purpose, text: str) -> list[str]:
        """Name a text as each key would, the newest first: what an older one has named is still found."""
        return [Sealer([key]).blind(purpose, text) for key in self._keys]

    def answer(self, challenge: str) -> str:
        """Show that we hold the keys, without giving anything of them away: HMAC of what somebody made up."""
        return self.blind(Purpose.PRESENCE, challenge)

    def is_answer(self, challenge: str, answer: str) -> bool:
        """Tell whether a holder of one of our keys gave this answer."""
        said, ours = answer.encode("utf-8", "replace"), self.blinds(Purpose.PRESENCE, challenge)
        return any(hmac.compare_digest(each.encode(), said) for each in ours)

    @cached_property
    def _boxes(self) -> dict[Purpose, MultiFernet]:
        return {purpose: _box(self._keys, purpose) for purpose in Purpose}


def _box(keys: Sequence[str], purpose: Purpose) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derive(key, purpose))) for key in keys])


def _derive(key: str, purpose: Purpose) -> bytes:
    """Derive 32 bytes for a purpose: HKDF-SHA256 without salt, extract and one block of expand."""
    drawn = hmac.new(bytes(32), key.encode(), hashlib.sha256).digest()
    return hmac.new(drawn, f"substrack.sealed.{purpose}".encode() + b"\x01", hashlib.sha256).digest()
