"""What readers of letters share: the message being read, and the facts it comes down to.

Nothing here decides whether a letter is still worth sending.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from sqlalchemy.orm import Session

from substrack.domain.bills import HowToPay, Item, Person
from substrack.domain.cycles import local_date
from substrack.domain.letters import Content
from substrack.domain.money import Money
from substrack.queries.letter_items import Owed, load_people
from substrack.queries.shared_facts import SharedFacts
from substrack.store import Contact, Group, Message, Workspace


@dataclass(frozen=True)
class Reading:
    """One message being read: where to read, when, and what was read for others along with it."""

    session: Session
    message: Message
    now: datetime
    shared: SharedFacts

    @property
    def is_preview(self) -> bool:
        """Tell whether nothing of this has happened: the letter is only looked at."""
        return self.message.id is None

    @cached_property
    def workspace(self) -> Workspace:
        return self.session.get_one(Workspace, self.message.workspace_id)

    @cached_property
    def contact(self) -> Contact | None:
        key = self.message.contact_id
        return None if key is None else self.session.get(Contact, key)

    @property
    def time_zone(self) -> str:
        return (self.contact.time_zone if self.contact else None) or self.workspace.time_zone

    @property
    def today(self) -> date:
        return local_date(self.now, self.time_zone)

    @property
    def steps(self) -> dict[int, int]:
        """How often each payment is asked for with this message; one that is only previewed names them."""
        return self.shared.steps(self.message)

    def payments(self, steps: Mapping[int, int] | None = None) -> list[Owed]:
        """The payments that the payload (or `steps`) names."""
        return self.shared.owed(steps or self.message.payload["payment_ids"], steps)

    def how_to_pay(self, owed: Sequence[Owed]) -> tuple[HowToPay, ...]:
        """How to settle these payments, as the reader is told today."""
        return self.shared.how_to_pay(owed, today=self.today)


@dataclass(frozen=True)
class Facts:
    """What a letter says and whom it is from; `reply_to` only where it is not the payer."""

    content: Content
    payers: tuple[Person, ...] = ()
    groups: tuple[str, ...] = ()
    thread: str | None = None
    reply_to: str | None = None


def about(owed: Sequence[Owed], content: Content) -> Facts:
    """Say that a letter is about payments: from their payers, in the thread of the oldest."""
    payers = tuple(dict.fromkeys(row.item.payer for row in owed))
    groups = tuple(dict.fromkeys(row.group.name for row in owed))
    return Facts(content, payers, groups, thread=owed[0].item.payment_id)


def items_of(owed: Iterable[Owed]) -> tuple[Item, ...]:
    return tuple(row.item for row in owed)


def payer_of(reading: Reading, group: Group) -> Person:
    return person(reading, group.payer_id)


def person(reading: Reading, contact_id: int) -> Person:
    contact = reading.session.get_one(Contact, contact_id)
    return load_people(reading.session, [contact])[contact_id]


def money_in(minor: int | None, group: Group) -> Money | None:
    return None if minor is None else Money(minor, group.currency)
