"""What a letter says, before it has words: the facts of one notice to one person.

`queries.letters` fills these from the tables and `texts.letters` puts them into a language; both only share
these values. Nothing here knows a locale, a channel or a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from substrack.domain.bills import HowToPay, Item, OpenInAll, OwnSentence, Person
from substrack.domain.cycles import Unit
from substrack.domain.letter_links import LetterLinks
from substrack.domain.money import Money
from substrack.domain.notices import Channel, Notice
from substrack.domain.payments import Status
from substrack.domain.simulation import Why
from substrack.domain.spans import Span


@dataclass(frozen=True)
class Asking:
    """Items to pay and how; for requests, reminders and the note that a period has opened."""

    items: tuple[Item, ...]
    how_to_pay: tuple[HowToPay, ...]
    open_in_all: tuple[OpenInAll, ...] = ()
    sentences: tuple[OwnSentence, ...] = ()

    @property
    def step(self) -> int:
        """How often the most asked-for item has been asked for, this time included."""
        return max(item.step for item in self.items)

    @property
    def overdue(self) -> tuple[Item, ...]:
        """Pick the items that are overdue by the ledger, which is later than past their due day."""
        return tuple(item for item in self.items if item.status is Status.OVERDUE)


@dataclass(frozen=True)
class Stretch:
    """How far a share holds that does not last: for the period `span` alone.

    The reader is there from `first_on` to `last_on` of it. `left_on` is the first day they are gone. From
    `then_on` on, the first whole period after it, their share is `then`.
    """

    span: Span
    first_on: date
    last_on: date
    is_part: bool
    left_on: date | None = None
    then_on: date | None = None
    then: Money | None = None


@dataclass(frozen=True)
class Welcome:
    """A member's first letter. `share` is None while the price of the next period is unknown.

    `first_on` is the first day of it, or theirs where they come within it (`comes_within`).
    `has_begun` where periods are open already that they share: `owed` is what is to be paid for them,
    `awaited` are those whose bill is not in yet. `stretch` says how far the share holds, where it does not
    last. `asked_after_days` after a due day they are first asked, if the share is not paid by then; None
    where that is another day, such as a collection day.
    """

    group: str
    description: str
    payer: Person
    unit: Unit
    every: int
    first_on: date | None
    share: Money | None
    owed: tuple[Item, ...] = ()
    awaited: tuple[Span, ...] = ()
    has_begun: bool = False
    asked_after_days: int | None = None
    stretch: Stretch | None = None
    comes_within: bool = False


@dataclass(frozen=True)
class HeadsUp:
    """A period that will open soon; `amount` is None when the bill is not known yet.

    `stretch` says how far the amount holds, where it does not last.
    """

    group: str
    payer: Person
    span: Span
    due_on: date
    amount: Money | None
    stretch: Stretch | None = None


@dataclass(frozen=True)
class PriceChange:
    """A new price from a date on; shares are those of the person written to, None where unknown."""

    group: str
    payer: Person
    from_on: date
    before: Money
    after: Money
    share_before: Money | None
    share_after: Money | None
    stretch: Stretch | None = None


@dataclass(frozen=True)
class ShareChanged:
    """Another share from a date on, and why; None on the side where the reader bears nothing.

    `stretch` says how far it holds, where it does not last; `left_on` is the first day the reader is gone.
    `is_own` where it is they who come or go.
    """

    group: str
    payer: Person
    from_on: date
    before: Money | None
    after: Money | None
    why: Why
    stretch: Stretch | None = None
    left_on: date | None = None
    is_own: bool = False


@dataclass(frozen=True)
class Claim:
    """One press of "I've paid": who, what sum, for which items, and what was said with it.

    `noted_by` is the admin who wrote it down for them. `account_of` is who gets the money, where the reader
    does not.
    """

    member: Person
    amount: Money
    items: tuple[Item, ...]
    made_on: date
    paid_on: date | None = None
    method: str | None = None
    note: str | None = None
    is_flagged: bool = False
    noted_by: str | None = None
    account_of: str | None = None


@dataclass(frozen=True)
class Claims:
    """Claims that wait for an admin, oldest first; never empty."""

    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class ReceivedItem:
    """What one payment got, what is left of it, and what of `received` was credit before."""

    item: Item
    received: Money
    left: Money
    from_credit: Money | None = None


@dataclass(frozen=True)
class Received:
    """Money that came and where it went.

    `receipt` is None when nothing new came: the member's own credit settled it, or what had come before
    covers it. `credit` is what was left over, if anything. Money that settled nothing has no items; `payer`
    says who received it. Where credit alone settled it, `credit_left` are the sums that are left of it.
    """

    items: tuple[ReceivedItem, ...]
    receipt: Money | None
    credit: Money | None
    how_to_pay: tuple[HowToPay, ...] = ()
    payer: Person | None = None
    credit_left: tuple[Money, ...] = ()


@dataclass(frozen=True)
class TakenBack:
    """Money that was noted as received and is taken back; nothing came, or it was for something else."""

    amount: Money
    received_on: date
    payer: Person


@dataclass(frozen=True)
class Void:
    """Shares of a period that was taken back: whether a claim waited, and what of their money is credit."""

    is_claimed: bool
    credit: Money | None


@dataclass(frozen=True)
class CountsAgain:
    """Shares of a period that was taken back and counts again: those that are `settled`.

    `used` is what money of the reader's is used for them again.
    """

    settled: tuple[Item, ...]
    used: Money | None


@dataclass(frozen=True)
class Decided:
    """Items an admin rejected or waived, and why; `taken_back` is the money that they had been settled by.

    `claimed` are those that were rejected and that the member has said since to have paid.
    `void` where nobody owes them any more because their period was taken back; `again` where it counts again.
    """

    items: tuple[Item, ...]
    reason: str | None
    how_to_pay: tuple[HowToPay, ...] = ()
    taken_back: TakenBack | None = None
    claimed: tuple[Item, ...] = ()
    void: Void | None = None
    again: CountsAgain | None = None


@dataclass(frozen=True)
class Answered:
    """What a member wrote about `items` and what was answered; `by` is None for the command line.

    `items` are those still to be paid, as they stand; `about` all that the note was about.
    """

    about: tuple[Item, ...]
    items: tuple[Item, ...]
    question: str
    answer: str
    by: str | None = None


@dataclass(frozen=True)
class BillWanted:
    """A variable period that waits for its total."""

    group: str
    period_id: str
    span: Span
    due_on: date


@dataclass(frozen=True)
class About:
    """A note to admins about a member: exhausted requests or an objection (`text` quotes it).

    `items` are those still to be paid. `objection` is the id under which an objection is answered, `about`
    all that it was about; `rests` while requests for it do.
    """

    member: Person
    items: tuple[Item, ...]
    text: str | None = None
    objection: str | None = None
    open_in_all: tuple[OpenInAll, ...] = ()
    about: tuple[Item, ...] = ()
    rests: bool = True


@dataclass(frozen=True)
class AboutAddress:
    """A note to admins about an address that refuses messages or stopped requests.

    `channel` is the way it is reached by; what a chat's address says is of use to nobody. `person_id` is the
    member's public id.
    """

    member: Person
    person_id: str
    address: str
    reason: str | None = None
    channel: Channel = Channel.EMAIL


@dataclass(frozen=True)
class MailboxReplaced:
    """A note to a mailbox that worked: what it got goes to another one (`address`) or nowhere from now on."""

    workspace: str
    address: str | None


@dataclass(frozen=True)
class ChatDisputed:
    """A note to admins: another chat took the place of a member's, or (`is_out`) the former one objected.

    `is_back`: the former one is linked again; that of an admin is not, without a sign-in.
    """

    member: Person
    is_out: bool
    is_back: bool = False


@dataclass(frozen=True)
class PayDetailsChanged:
    """A note to admins: how to pay for a group is another way now; `by` is None for the command line."""

    group: str
    group_id: str
    by: str | None
    at: datetime


@dataclass(frozen=True)
class Account:
    """An invitation, set-up or reset; `until` is when the link ends, in the reader's zone."""

    workspace: str
    until: datetime | None
    invited_by: str | None = None


@dataclass(frozen=True)
class Plain:
    """A letter that needs no facts beyond its reader: a fresh link, a test."""

    workspace: str
    for_admin: bool = False


Content = (
    Asking
    | Welcome
    | HeadsUp
    | PriceChange
    | ShareChanged
    | Claims
    | Received
    | Decided
    | Answered
    | BillWanted
    | About
    | AboutAddress
    | Account
    | MailboxReplaced
    | ChatDisputed
    | PayDetailsChanged
    | Plain
)


@dataclass(frozen=True)
class Introduction:
    """Who added somebody, for the first letter they ever get; None when that was done on the command line."""

    who: str | None
    workspace: str


@dataclass(frozen=True)
class Letter:
    """One notice to one person.

    `payers` are those whose money it is about, `groups` the names of what it is about; both give the
    letter its sender. `thread` is the public id of the oldest payment, so that its letters form one thread.
    """

    notice: Notice
    locale: str
    to: Person
    links: LetterLinks
    content: Content
    payers: tuple[Person, ...] = ()
    groups: tuple[str, ...] = ()
    thread: str | None = None
    reply_to: str | None = None
    introduction: Introduction | None = None
