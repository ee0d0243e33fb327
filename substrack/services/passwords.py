"""Passwords: what we accept, and argon2id hashes of it. Knows no account and no table.

Hashing and checking take about 50 ms on purpose: edges do both outside a write transaction.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from substrack.domain.errors import Refused

MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 256

MIN_GUESSES: Final = 3 * 10**7
"""As zxcvbn counts them: at ten tries in five minutes 28 years."""

PART: Final = 20

_HASHER = PasswordHasher()
"""argon2id with 64 MiB, three passes and four lanes (RFC 9106, section 4, second recommended option)."""


class PasswordRefused(Refused):
    """A password that is too short, too long or too easy to guess."""

    field = "password"


def hash_new_password(
    password: str, *, email: str, name: str, workspace: str = "", field: str = "password"
) -> str:
    """Return the argon2id hash of a password that someone chose, once the rules allow it.

    Length is counted in code points after NFKC (NIST SP 800-63B, section 3.1.1.2). Beyond that it must not be
    easy to guess: no common password, row of keys, year or repetition, and nothing made of the account's own
    email address, name or workspace. No kind of character is asked for.

    Raises: PasswordRefused.
    """
    chosen = _normal(password)
    if len(chosen) < MIN_LENGTH:
        raise PasswordRefused(
            "Use at least %(least)s characters; a few words are fine.", field=field, least=MIN_LENGTH
        )
    if len(chosen) > MAX_LENGTH:
        raise PasswordRefused("Keep the password to %(most)s characters.", field=field, most=MAX_LENGTH)
    if chosen.casefold() in _guesses(email, name):
        raise PasswordRefused("Choose something other than your name or email address.", field=field)
    if _is_guessed(chosen, (email, *email.split("@"), name, *name.split(), workspace, "substrack")):
        raise PasswordRefused(
            "This is easy to guess. A few words that have nothing to do with each other are better.",
            field=field,
        )
    return _HASHER.hash(chosen)


def matches(password_hash: str | None, password: str) -> bool:
    """Tell whether a password belongs to a hash; without a hash, take as long and say no."""
    try:
        verified = _HASHER.verify(password_hash or _nobodys_hash(), _normal(password[: MAX_LENGTH + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return verified and password_hash is not None


def renewed_hash(password_hash: str, password: str) -> str | None:
    """Hash a password that matched again if the hash's parameters are no longer today's, else None."""
    return _HASHER.hash(_normal(password)) if _HASHER.check_needs_rehash(password_hash) else None


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash("the password of an account that does not exist")


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _is_guessed(password: str, known: Sequence[str]) -> bool:
    """Tell whether every part of a password is guessed soon by who knows common ones and these words.

    Looked at in short parts, since the time it takes grows fast with the length.
    """
    from zxcvbn import zxcvbn

    words = [word.casefold()[:PART] for word in known if word]
    parts = [password[start : start + PART] for start in range(0, min(len(password), 3 * PART), PART)]
    return all(zxcvbn(part, user_inputs=words)["guesses"] < MIN_GUESSES for part in parts)


def _guesses(email: str, name: str) -> set[str]:
    return {_normal(text).strip().casefold() for text in (email, email.partition("@")[0], name)}
