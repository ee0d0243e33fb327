"""What somebody is to pay, to whom and how, before it has words: facts that letters, pages and chats share.

Nothing here knows a locale, a channel or a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from substrack.domain.money import Money
from substrack.domain.payments import Status
from substrack.domain.spans import Span


@dataclass(frozen=True)
class Person:
    """Somebody a bill or letter is from or about; `email` only where a reply to them makes sense."""

    name: str
    email: str | None = None


@dataclass(frozen=True)
class Item:
    """One payment that a letter or page names. `left` is still to come; `payment_id` is the public one.

    `due_on` and `span` are None for a payment that belongs to no period. `days` is from when to when it is,
    where that is a part of its period. `checked_by` is who hears what is said about it and decides, where the
    payer keeps no books.
    """

    payment_id: str
    group: str
    payer: Person
    span: Span | None
    amount: Money
    left: Money
    due_on: date | None
    reference: str
    status: Status
    step: int = 0
    days: tuple[date, date] | None = None
    checked_by: str | None = None

    @property
    def keeper(self) -> str:
        """Name who hears what is said about it and decides."""
        return self.checked_by or self.payer.name


@dataclass(frozen=True)
class Way:
    """One way to pay, already filled in: `kind` is link, iban, upi or text; `value` the URL, number or text.

    `url` opens a UPI app with everything filled in, where there is such a link.
    """

    kind: str
    value: str
    holder: str | None = None
    label: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class HowToPay:
    """The ways to send one amount to one payer; `groups` and `references` say what it is for.

    `changed_on` is since when these ways are new to who reads of them; None when they are not.
    """

    payer: str
    groups: tuple[str, ...]
    total: Money
    references: tuple[str, ...]
    ways: tuple[Way, ...]
    changed_on: date | None = None


@dataclass(frozen=True)
class OwnSentence:
    """What the admin of a group says in its requests, in words of their own."""

    group: str
    text: str


@dataclass(frozen=True)
class OpenInAll:
    """All that is open with one payer in one currency, where a letter lists only a part of it."""

    payer: str
    total: Money
