"""Where the links of a letter lead. Signing them is for the caller; nothing here knows a key."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LetterLinks:
    """The absolute URLs a letter may carry, made by the caller, who can sign. `home` is the base URL."""

    home: str
    review: str | None = None
    pay: str | None = None
    decide: str | None = None
    unsubscribe: str | None = None
    account: str | None = None

    def group(self, public_id: str) -> str:
        """Write the URL of a group's page."""
        return f"{self.home.rstrip('/')}/groups/{public_id}"

    def bill(self, period_id: str) -> str:
        """Write the URL of the field for the bill of a period."""
        return f"{self.home.rstrip('/')}/periods/{period_id}#bill"

    def payment(self, public_id: str) -> str:
        """Write the URL of a payment's page."""
        return f"{self.home.rstrip('/')}/payments/{public_id}"

    def person(self, public_id: str) -> str:
        """Write the URL of a person's page."""
        return f"{self.home.rstrip('/')}/people/{public_id}"

    def objection(self, key: str) -> str:
        """Write the URL of the page where a note is answered."""
        return f"{self.home.rstrip('/')}/objections/{key}"

    @property
    def waiting(self) -> str:
        """The page where claims are decided."""
        return self.review or f"{self.home.rstrip('/')}/review"
