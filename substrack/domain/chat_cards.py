"""What a chat message shows below its own words: what is open, what was decided, what can be undone.

`queries.chat_cards` fills these from the tables as they are now; `texts.chat_keyboards` makes buttons and
lines of them. A card never changes what a message was sent to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from substrack.domain.actors import ActorKind
from substrack.domain.bills import Item
from substrack.domain.chat_buttons import Subject
from substrack.domain.money import Money

CONFIRMED_IN_PART: Final = "confirm-part"
"""What a `Decision` says of a confirmation that left a rest, beside the verbs of the journal."""


class Standing(StrEnum):
    """How a payment stands for the member who reads of it."""

    OPEN = "open"
    CLAIMED = "claimed"
    CLOSED = "closed"
    VOID = "void"


@dataclass(frozen=True)
class Decision:
    """Who did what, when (in the reader's zone), and why; the name is None for clock and command line."""

    verb: str
    kind: ActorKind
    name: str | None
    at: datetime
    reason: str | None = None


@dataclass(frozen=True)
class MemberItem:
    """One payment that a message to a member names; `asks_again_on` while its requests rest."""

    item: Item
    standing: Standing
    decision: Decision | None = None
    asks_again_on: date | None = None


@dataclass(frozen=True)
class MemberCard:
    """A message about what a member owes. `changes_at` is when it will look different by itself."""

    subject: Subject
    items: tuple[MemberItem, ...]
    now: datetime
    changes_at: datetime | None = None

    def those(self, standing: Standing) -> tuple[MemberItem, ...]:
        """List the items that stand like this."""
        return tuple(each for each in self.items if each.standing is standing)


@dataclass(frozen=True)
class ClaimItem:
    """One payment of a claim; `decision` is None while it waits.

    `expected` is what is booked when it is confirmed alone, where that is not all that is left of it.
    """

    item: Item
    version: int
    decision: Decision | None = None
    waits: bool = True
    expected: Money | None = None


@dataclass(frozen=True)
class ClaimCard:
    """A claim as one admin sees it; `undo` is the decision of theirs that can still be taken back.

    `made_on`, `paid_on` and `note` are what was said with it.
    """

    claim_id: str
    name: str
    amount: Money
    items: tuple[ClaimItem, ...]
    seen: str
    proofs: int
    now: datetime
    undo: str | None = None
    changes_at: datetime | None = None
    made_on: date | None = None
    paid_on: date | None = None
    note: str | None = None

    @property
    def waiting(self) -> tuple[ClaimItem, ...]:
        """The payments nobody has decided about."""
        return tuple(each for each in self.items if each.waits)


@dataclass(frozen=True)
class PlainCard:
    """A message whose buttons lead on: to what waits, back to a replaced chat, to a new invitation.

    `pending_for` and `invites` are public ids of people, `former_of` is the key of an address.
    """

    pending_for: str | None = None
    former_of: int | None = None
    invites: str | None = None
    changes_at: datetime | None = None


@dataclass(frozen=True)
class NoteCard:
    """A note that something is off, as admins see it; `ending` once it was answered or left without."""

    objection: str
    now: datetime
    ending: Decision | None = None
    changes_at: datetime | None = None


Card = MemberCard | ClaimCard | PlainCard | NoteCard
