"""Recovery codes: ten for a drawer, each good once, for who has lost the phone. Knows no account or table.

A code is twelve letters and digits: two it is found by, and ten (49 bits) of which only an argon2id hash is
kept. Hashing ten takes a while: do it outside a write transaction.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HOW_MANY: Final = 10
ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without what looks alike."""

SELECTOR: Final = 2
LENGTH: Final = 12

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's least: the codes are random, and ten are made at a time."""


@dataclass(frozen=True)
class FreshCode:
    """A code that was just made: as it is shown once, and as it is kept."""

    text: str
    selector: str
    code_hash: str


def make_codes() -> list[FreshCode]:
    """Make ten codes that are told apart by how they begin."""
    selectors: set[str] = set()
    while len(selectors) < HOW_MANY:
        selectors.add(_draw(SELECTOR))
    return [_make(selector) for selector in sorted(selectors)]


def plain_code(typed: str) -> str:
    """Write a code the way it is compared, whatever stands between its parts."""
    return "".join(char for char in typed.casefold() if char.isalnum())


def is_code(typed: str) -> bool:
    """Tell whether something looks like a recovery code and not like one of an app."""
    return len(plain_code(typed)) == LENGTH


def matches_code(code_hash: str | None, typed: str) -> bool:
    """Tell whether a code belongs to a hash; without a hash, take as long and say no."""
    try:
        verified = _HASHER.verify(code_hash or _nobodys_hash(), plain_code(typed)[SELECTOR:])
    except (VerificationError, InvalidHashError):
        return False
    return verified and code_hash is not None


def _make(selector: str) -> FreshCode:
    rest = _draw(LENGTH - SELECTOR)
    whole = selector + rest
    shown = "-".join(whole[start : start + 4] for start in range(0, LENGTH, 4))
    return FreshCode(shown, selector, _HASHER.hash(rest))


def _draw(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash("a code that was never made")
