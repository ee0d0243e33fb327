"""The member's page: what one person owes, what they said, and what became of it.

A constant number of statements, however much is owed. Reads only: opening the page renews nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from substrack.domain.bills import HowToPay, Item
from substrack.domain.money import Money
from substrack.domain.payments import ASKABLE, OPEN, PaymentKind, Status
from substrack.domain.verdicts import Verdict
from substrack.queries.awaited_bills import Awaited
from substrack.queries.claim_sums import load_sums
from substrack.queries.leaving import has_left
from substrack.queries.letter_items import Owed, load_how_to_pay, load_owed
from substrack.queries.pay_ahead import Coming, load_coming, sum_of_a_year
from substrack.queries.pay_credit import Credit, Outlet, idle_among, load_credits
from substrack.queries.pay_history import (
    News,
    load_events,
    load_news,
    newest,
    payment_of,
    questions_in,
    wishes_in,
)
from substrack.queries.pay_reach import Reader
from substrack.queries.pay_verdicts import last_verdicts
from substrack.queries.prepared import prepared
from substrack.queries.proofs import load_proof_rows
from substrack.store import Attempt, AttemptItem, AttemptState, Payment


@dataclass(frozen=True)
class Owing:
    """One open payment. `asks_again_on` is set while its requests rest, `is_wished` where it was their wish.

    `was_requested` once they were asked for it. `objection` is what was written about it, as long as nobody
    has answered. Whoever `has_left` its group is not asked for it any more.
    """

    item: Item
    asks_again_on: date | None
    is_wished: bool
    objection: str | None
    has_left: bool
    was_requested: bool

    @property
    def is_overdue(self) -> bool:
        """Tell whether it is overdue."""
        return self.item.status is Status.OVERDUE


@dataclass(frozen=True)
class Waiting:
    """One press of "I've paid" that nobody has checked yet; `proofs` files came with it.

    `over` is what was said to be paid beyond its payments: it becomes credit once it is confirmed. The
    `keeper` of the books checks it.
    """

    amount: Money
    over: Money
    payer: str
    keeper: str
    items: tuple[Item, ...]
    made_at: datetime
    paid_on: date | None
    method: str | None
    note: str | None
    proofs: int


@dataclass(frozen=True)
class PayPage:
    """Everything the page of one person shows; `how_to_pay` is for what they have chosen to pay.

    Of the `credits` the `idle` ones settle nothing, now or later: nothing they share goes there any more.
    """

    reader: Reader
    verdicts: tuple[Verdict, ...]
    owing: tuple[Owing, ...]
    chosen: tuple[Item, ...]
    how_to_pay: tuple[HowToPay, ...]
    waiting: tuple[Waiting, ...]
    news: tuple[News, ...]
    credits: tuple[Credit, ...]
    idle: tuple[Credit, ...]
    awaited: tuple[Awaited, ...]
    coming: tuple[Coming, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """What is open, oldest first."""
        return tuple(owing.item for owing in self.owing)

    @property
    def asked(self) -> tuple[Item, ...]:
        """What is open and asked for, oldest first: nothing of a group that they have left."""
        return tuple(owing.item for owing in self.owing if not owing.has_left)

    @property
    def asks_again_on(self) -> date | None:
        """Until when what rests the longest of it rests."""
        return max((owing.asks_again_on for owing in self.owing if owing.asks_again_on), default=None)

    @property
    def settled_with(self) -> tuple[str, ...]:
        """With whom they have credit that settles something, each once."""
        return tuple(dict.fromkeys(credit.payer for credit in self.credits if credit not in self.idle))

    @property
    def a_year(self) -> Money | None:
        """What paying for a whole year would come to, where that can be said."""
        return sum_of_a_year(self.items, self.coming) if self.owing else None


def load_pay_page(
    session: Session,
    contact_id: int,
    reader: Reader,
    *,
    choice: Collection[str] | None = None,
    today: date,
) -> PayPage:
    """Load the page of a contact who is the `reader`; `today` tells which snoozes still last.

    `choice` has the public ids of what is to be paid; everything that is open when it is None, or when it
    names only what is not open any more. One that is empty stays empty.
    """
    statuses: dict[int, Status] = dict(session.execute(*_open(contact_id)).all())
    waiting = _open_claims(session, contact_id) if Status.MEMBER_CONFIRMED in statuses.values() else {}
    keys, events = statuses.keys(), load_events(session, contact_id)
    news = newest(events)
    owed = {row.payment.id: row for row in load_owed(session, keys | {payment_of(event) for event in news})}
    unsettled = [row for key, row in owed.items() if key in keys]
    open_rows = [row for row in unsettled if row.payment.status in ASKABLE]
    chosen_rows = _chosen(open_rows, choice)
    proofs = load_proof_rows(session, [attempt.id for attempt in waiting])
    sums = load_sums(session, [attempt.id for attempt in waiting])
    questions, wishes = questions_in(events), wishes_in(events)
    paid_ahead = load_credits(session, contact_id)
    foreseen = load_coming(session, contact_id, paid_ahead, today=today)
    return PayPage(
        reader=reader,
        verdicts=last_verdicts(events, open_rows),
        owing=tuple(_owing(row, questions, wishes, today) for row in open_rows),
        chosen=tuple(row.item for row in chosen_rows),
        how_to_pay=load_how_to_pay(session, chosen_rows, today=today),
        waiting=tuple(
            _waiting(attempt, sums[attempt.id], keys, owed, len(proofs.get(attempt.id, ())))
            for attempt, keys in waiting.items()
        ),
        news=load_news(session, news, owed, questions),
        credits=paid_ahead,
        idle=idle_among(paid_ahead, (*foreseen.outlets, *map(_outlet, unsettled))),
        awaited=foreseen.awaited,
        coming=foreseen.coming,
    )


def find_own_payments(session: Session, contact_id: int, public_ids: Collection[str]) -> dict[int, str]:
    """Find the keys and currencies of those of the named payments that this contact owes."""
    query = select(Payment.id, Payment.currency).where(
        Payment.contact_id == contact_id,
        Payment.kind == PaymentKind.DUES,
        Payment.public_id.in_(sorted(set(public_ids))),
    )
    return {row.id: row.currency for row in session.execute(query.order_by(Payment.id))}


def _chosen(open_rows: Sequence[Owed], choice: Collection[str] | None) -> list[Owed]:
    chosen = [row for row in open_rows if choice is not None and row.payment.public_id in choice]
    return chosen if chosen or (choice is not None and not choice) else list(open_rows)


@prepared
def _open(contact_id: int) -> Select[int, Status]:
    return select(Payment.id, Payment.status).where(
        Payment.contact_id == contact_id,
        Payment.status.in_(OPEN),
        Payment.kind == PaymentKind.DUES,
        Payment.voided_at.is_(None),
    )


def _open_claims(session: Session, contact_id: int) -> dict[Attempt, list[int]]:
    """Load the attempts that wait, newest first, with the payments that each still names.

    There are some exactly while a payment waits for a check.
    """
    found: dict[Attempt, list[int]] = {}
    for attempt, payment_id in session.execute(*_open_items(contact_id)):
        found.setdefault(attempt, []).append(payment_id)
    return found


@prepared
def _open_items(contact_id: int) -> Select[Attempt, int]:
    return (
        select(Attempt, AttemptItem.payment_id)
        .join(AttemptItem, AttemptItem.attempt_id == Attempt.id)
        .where(
            Attempt.contact_id == contact_id,
            Attempt.state == AttemptState.OPEN,
            AttemptItem.state == AttemptState.OPEN,
        )
        .order_by(Attempt.made_at.desc(), Attempt.id.desc(), AttemptItem.id)
    )


def _outlet(row: Owed) -> Outlet:
    return Outlet(row.payment.payer_id, row.payment.currency, row.group.id)


def _owing(
    row: Owed, questions: Mapping[str, str], wishes: Collection[tuple[int, str]], today: date
) -> Owing:
    until = row.payment.snoozed_until
    return Owing(
        item=row.item,
        asks_again_on=until if until is not None and until > today else None,
        is_wished=until is not None and (row.payment.id, until.isoformat()) in wishes,
        objection=questions.get(row.payment.objection or ""),
        has_left=has_left(row.gone_on, today),
        was_requested=row.payment.requested_on is not None,
    )


def _waiting(
    attempt: Attempt, amount: Money, payment_ids: Sequence[int], owed: dict[int, Owed], proofs: int
) -> Waiting:
    items = tuple(owed[key].item for key in owed if key in payment_ids)
    over_minor = amount.minor - sum(item.left.minor for item in items)
    return Waiting(
        amount=amount,
        over=Money(max(0, over_minor), attempt.currency),
        payer=items[0].payer.name,
        keeper=items[0].keeper,
        items=items,
        made_at=attempt.made_at,
        paid_on=attempt.paid_on,
        method=attempt.method,
        note=attempt.note,
        proofs=proofs,
    )
