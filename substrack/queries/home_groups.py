"""The groups on home: how far the latest period is paid, who is missing, what is out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, select
from sqlalchemy.orm import Session

from substrack.domain.money import Money
from substrack.domain.payments import ASKABLE, OPEN, Status
from substrack.domain.spans import Span
from substrack.queries.batches import in_batches
from substrack.queries.claim_sums import load_sums
from substrack.queries.group_periods import Tally, is_large, load_tallies
from substrack.queries.groups import GroupRow, list_groups
from substrack.queries.namesakes import names_apart
from substrack.queries.open_payments import LongestDue, is_open
from substrack.queries.owing import LEFT, PER_GROUP, first_owed
from substrack.queries.prepared import prepared, written
from substrack.store import Attempt, AttemptItem, AttemptState, Contact, Group, Payment, Period

SHOWN: Final = 24
"""How many groups home shows; all of them are in the list of groups."""

NAMED: Final = 3
"""How many of those who owe are named on a card; the rest is counted."""

_People = tuple[tuple[str, ...], int | None]
"""Some names of those who owe, and how many they are."""

_NOBODY: Final[_People] = ((), 0)

_Sums = tuple[int, int, int]
"""What nobody says to have paid and what somebody does, in minor units, and how many claims say so."""

_NOTHING: Final[_Sums] = (0, 0, 0)


@dataclass(frozen=True)
class Progress:
    """The latest period of a group: how many of its payments are settled, and what nobody says to have paid.

    The payer's own share and what is waived are never counted. `is_billed` is False while the bill is wanted.
    Nothing of it is known (None) where the period has too many payments to be added up here.
    """

    public_id: str
    span: Span
    settled: int | None
    count: int | None
    missing: Money | None
    is_billed: bool


@dataclass(frozen=True)
class Missing:
    """What a group waits for in all its periods: what nobody says to have paid, who owes it, and the claims.

    `is_any` tells whether it waits for money at all, claimed or not. A claim that names payments of several
    groups is to be checked in each of them. Of a group whose latest period has too many payments, neither
    the sum (None) nor the claims are added up, and `is_any` alone tells whether it waits for something.
    """

    total: Money | None
    is_any: bool
    to_check: int = 0
    names: tuple[str, ...] = ()
    people: int | None = 0

    @property
    def others(self) -> int | None:
        """How many owe besides those named; None where they are too many to be counted."""
        return None if self.people is None else self.people - len(self.names)


@dataclass(frozen=True)
class Card:
    """One group, its latest period if it has any, and what is missing over all of them."""

    group: GroupRow
    progress: Progress | None
    missing: Missing

    @property
    def is_all_in(self) -> bool:
        """Tell whether nothing is missing and no bill is wanted."""
        return not self.missing.is_any and (self.progress is None or self.progress.is_billed)

    @property
    def before(self) -> Money | None:
        """What is missing from periods before the latest; None where that is not added up."""
        if self.progress is None or self.missing.total is None:
            return self.missing.total
        return self.missing.total - self.progress.missing if self.progress.missing else None


@dataclass(frozen=True)
class CardPage:
    """Some groups by name, and whether there are more."""

    cards: tuple[Card, ...]
    has_more: bool


@dataclass(frozen=True)
class Out:
    """What is out in one currency: what nobody says to have paid, what of it is overdue, and the claims."""

    total: Money
    overdue: Money
    to_check: Money


@dataclass(frozen=True)
class OutPage:
    """What is still out, by currency; `is_too_much` when so much is open that nobody has added it up."""

    rows: tuple[Out, ...]
    is_too_much: bool = False


def load_cards(session: Session, workspace_id: int, longest: LongestDue, *, today: date) -> CardPage:
    """Load groups that are not archived with what is missing, by name; six statements.

    Of many groups, those that have waited the longest; where few wait, others too, for a seventh statement.
    One more where a group is too large to be added up.
    """
    keys, has_more = _shown(session, workspace_id, longest)
    groups = list_groups(session, workspace_id, today=today, keys=keys)
    progress, large = _progress(session, keys)
    sums, people = _sums(session, [key for key in keys if key not in large]), _people(session, keys)
    waiting = _waiting(session, sorted(large))
    missing = {
        group.id: _large_missing(group.id in waiting, people.get(group.id, _NOBODY))
        if group.id in large
        else _missing(group, sums.get(group.id, _NOTHING), people.get(group.id, _NOBODY))
        for group in groups
    }
    cards = (Card(group, progress.get(group.id), missing[group.id]) for group in groups)
    return CardPage(tuple(cards), has_more)


def _shown(session: Session, workspace_id: int, longest: LongestDue) -> tuple[list[int], bool]:
    """Choose the groups to show, and say whether there are more."""
    keys = dict.fromkeys(row.group_id for row in longest.rows if not row.is_archived)
    if len(keys) <= SHOWN:
        keys |= dict.fromkeys(session.scalars(*_some_groups(workspace_id)))
    return list(keys)[:SHOWN], len(keys) > SHOWN


@prepared
def _some_groups(workspace_id: int) -> Select[int]:
    query = select(Group.id).where(Group.workspace_id == workspace_id, Group.archived_at.is_(None))
    return query.order_by(Group.id).limit(SHOWN + 1)


def load_out(session: Session, workspace_id: int, longest: LongestDue, *, all_of_it: bool = False) -> OutPage:
    """Add up what is still out, for each currency by itself; what is to check is what claims stand for.

    Where more is open than is looked at, nothing is added up unless `all_of_it` is wanted.
    """
    if not all_of_it and not longest.is_all:
        return OutPage((), is_too_much=True)
    parts = _all_that_is_out(session, workspace_id) if all_of_it else longest.rows
    totals: Counter[str] = Counter()
    overdue: Counter[str] = Counter()
    for part in parts:
        totals[part.currency] += 0 if part.is_claimed else part.left_minor
        overdue[part.currency] += part.left_minor if part.is_overdue else 0
    claimed = _claimed(session, workspace_id) if totals else {}
    rows = (
        Out(
            total=Money(totals[currency], currency),
            overdue=Money(overdue[currency], currency),
            to_check=Money(claimed.get(currency, 0), currency),
        )
        for currency in sorted(totals)
    )
    return OutPage(tuple(rows))


class _Part(NamedTuple):
    """What is open of one status in one currency."""

    currency: str
    left_minor: int
    is_overdue: bool
    is_claimed: bool


def _all_that_is_out(session: Session, workspace_id: int) -> list[_Part]:
    found = session.execute(*_out(workspace_id))
    return [
        _Part(currency, int(minor), status is Status.OVERDUE, status is Status.MEMBER_CONFIRMED)
        for currency, status, minor in found
    ]


@prepared
def _out(workspace_id: int) -> Select[str, Status, int]:
    query = select(Payment.currency, Payment.status, func.sum(LEFT))
    query = query.where(Payment.workspace_id == workspace_id, *is_open())
    return query.group_by(Payment.currency, Payment.status)


def _claimed(session: Session, workspace_id: int) -> dict[str, int]:
    """Add up what the claims that wait stand for, for each currency by itself."""
    sums: dict[str, int] = {}
    for batch in in_batches(session.scalars(*_open_claims(workspace_id))):
        for money in load_sums(session, batch).values():
            sums[money.currency] = sums.get(money.currency, 0) + money.minor
    return sums


@prepared
def _open_claims(workspace_id: int) -> Select[int]:
    is_open_claim = Attempt.state == written(AttemptState.OPEN)
    return select(Attempt.id).where(Attempt.workspace_id == workspace_id, is_open_claim)


def _progress(session: Session, group_ids: list[int]) -> tuple[dict[int, Progress], set[int]]:
    """Load how far the latest periods are, and in which groups that one is too large to be added up."""
    found = session.execute(*_latest(group_ids)).all()
    large = {row.group_id for row in found if row.is_large}
    tallies = load_tallies(session, {row.id: row.currency for row in found if not row.is_large})
    return {row.group_id: _progress_of(row, tallies.get(row.id)) for row in found}, large


def _progress_of(row: Row[*tuple[Any, ...]], tally: Tally | None) -> Progress:
    return Progress(
        public_id=row.public_id,
        span=Span(row.unit, row.every, row.starts_on, row.ends_on),
        settled=tally.settled if tally else None,
        count=tally.count if tally else None,
        missing=tally.outstanding - tally.claimed if tally else None,
        is_billed=row.total_minor is not None,
    )


@prepared
def _latest(group_ids: list[int]) -> Select[*tuple[Any, ...]]:
    latest = (
        select(Period.group_id, func.max(Period.sequence).label("sequence"))
        .where(Period.group_id.in_(group_ids), Period.voided_at.is_(None))
        .group_by(Period.group_id)
        .subquery()
    )
    period = (Period.id, Period.group_id, Period.public_id, Period.starts_on, Period.ends_on)
    return (
        select(
            *period,
            Period.total_minor,
            Group.unit,
            Group.every,
            Group.currency,
            is_large().label("is_large"),
        )
        .join(latest, (latest.c.group_id == Period.group_id) & (latest.c.sequence == Period.sequence))
        .join(Group, Group.id == Period.group_id)
        .where(Period.voided_at.is_(None))
    )


def _missing(group: GroupRow, sums: _Sums, people: _People) -> Missing:
    owed, claimed, to_check = sums
    return Missing(Money(owed, group.currency), owed + claimed != 0, to_check, *people)


def _large_missing(is_any: bool, people: _People) -> Missing:
    return Missing(None, is_any, 0, *people)


def _waiting(session: Session, group_ids: list[int]) -> set[int]:
    """Find which groups wait for money, claimed or not; no statement for none."""
    return set(session.scalars(*_with_open(group_ids))) if group_ids else set()


@prepared
def _with_open(group_ids: list[int]) -> Select[int]:
    waits = exists().where(Payment.group_id == Group.id, Payment.status.in_(OPEN), *is_open())
    return select(Group.id).where(Group.id.in_(group_ids), waits)


def _sums(session: Session, group_ids: list[int]) -> dict[int, _Sums]:
    """Add up what each group waits for, and count the claims that name a payment of it."""
    found = session.execute(*_missing_of(group_ids))
    return {group_id: (int(owed), int(claimed), count) for group_id, owed, claimed, count in found}


@prepared
def _missing_of(group_ids: list[int]) -> Select[int, int, int, int]:
    is_claimed = and_(AttemptItem.payment_id == Payment.id, AttemptItem.state == AttemptState.OPEN)
    return (
        select(
            Payment.group_id,
            func.sum(case((Payment.status.in_(ASKABLE), LEFT), else_=0)),
            func.sum(case((Payment.status == Status.MEMBER_CONFIRMED, LEFT), else_=0)),
            func.count(AttemptItem.attempt_id.distinct()),
        )
        .outerjoin(AttemptItem, is_claimed)
        .where(Payment.group_id.in_(group_ids), Payment.status.in_(OPEN), *is_open())
        .group_by(Payment.group_id)
    )


def _people(session: Session, group_ids: list[int]) -> dict[int, _People]:
    """Find who owes in each group, the longest due first: some names, and how many they are.

    Of very many payments only the first are looked at, and nobody counts the people.
    """
    rows = session.execute(*_owing_in(group_ids)).all()
    called = names_apart(session, {row.public_id: row.name for row in rows})
    found: dict[int, _People] = {}
    for row in rows:
        names, _ = found.get(row.group_id, _NOBODY)
        people = row.people if max(row.pending, row.overdue) < PER_GROUP else None
        found[row.group_id] = ((*names, called[row.public_id]), people)
    return found


@prepared
def _owing_in(group_ids: list[int]) -> Select[*tuple[Any, ...]]:
    oldest = func.min(Payment.due_on)
    owing = (
        select(
            Payment.group_id,
            Payment.contact_id,
            func.row_number()
            .over(partition_by=Payment.group_id, order_by=(oldest, Payment.contact_id))
            .label("place"),
            func.count().over(partition_by=Payment.group_id).label("people"),
            _in_group(Status.PENDING).label("pending"),
            _in_group(Status.OVERDUE).label("overdue"),
        )
        .where(Payment.id.in_(first_owed(group_ids)))
        .group_by(Payment.group_id, Payment.contact_id)
        .subquery()
    )
    return (
        select(Contact.public_id, Contact.name, owing)
        .join(Contact, Contact.id == owing.c.contact_id)
        .where(owing.c.place <= NAMED)
        .order_by(owing.c.group_id, owing.c.place)
    )


def _in_group(status: Status) -> ColumnElement[int]:
    """Count the payments of a status that are looked at in the group of a row."""
    return func.sum(func.count().filter(Payment.status == status)).over(partition_by=Payment.group_id)
