"""Which keys have signed links: by fingerprints, the newest first, the others with their last day.

Written as one line: `newest older@2026-11-30 oldest@2025-04-01`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Self

MISSED_FOR: Final = timedelta(days=14)
"""How long what a key has signed is in use: links to pay live for two weeks from the last letter."""

STOPPING_FOR: Final = timedelta(days=365)
"""How long the links live by which mail programs stop requests."""

REMEMBERED: Final = 6
"""Former keys that are noted; more have no room in the column, and are dead for long."""


@dataclass(frozen=True)
class FormerKey:
    """A key that signed until a day, after which a newer one did."""

    fingerprint: str
    until: date

    def __str__(self) -> str:
        return f"{self.fingerprint}@{self.until.isoformat()}"


@dataclass(frozen=True)
class KeyHistory:
    """The key that signs, and those that did before, the latest first."""

    newest: str
    former: tuple[FormerKey, ...] = ()

    @classmethod
    def read(cls, line: str) -> Self:
        """Read what `str` has written, or the one fingerprint that was kept before there were several."""
        newest, *others = line.split()
        return cls(newest, tuple(_read_former(each) for each in others))

    def __str__(self) -> str:
        return " ".join([self.newest, *map(str, self.former)])

    def followed_by(self, fingerprint: str, *, today: date) -> KeyHistory:
        """Let another key sign from today on; one that signed before is no former one any more."""
        former = (FormerKey(self.newest, today), *self.former)
        kept = tuple(each for each in former if each.fingerprint != fingerprint)
        return KeyHistory(fingerprint, kept[:REMEMBERED])

    def missing(
        self, given: Collection[str], *, today: date, after: timedelta = MISSED_FOR
    ) -> list[FormerKey]:
        """List the former keys that signed so lately and are not among those given."""
        return [each for each in self.former if each.fingerprint not in given and today <= each.until + after]


def _read_former(text: str) -> FormerKey:
    fingerprint, _, until = text.partition("@")
    return FormerKey(fingerprint, date.fromisoformat(until))
