"""Reads about groups: their terms as a form has them, prices by date, and rows for lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from substrack.domain.cycles import Unit
from substrack.domain.errors import NotFound
from substrack.domain.money import Money
from substrack.domain.pay_methods import PayKind, PayMethod
from substrack.domain.shares import SplitKind
from substrack.domain.terms import GroupTerms
from substrack.queries.batches import in_batches
from substrack.queries.calendars import cycle_of
from substrack.queries.prepared import prepared
from substrack.store import Contact, Group, Member, Period, Price
from substrack.store import PayMethod as PayMethodRow

COUNTED: Final = 1_000
"""How many members of a group are counted for a page that only asks whether there are any."""


class UnknownGroup(NotFound):
    """There is no such group in this workspace."""

    def __init__(self) -> None:
        super().__init__("There is no such group.")


@dataclass(frozen=True)
class GroupRow:
    """One group in a list, or at the head of its page.

    `next_start` is the first day of the next unopened period, `price` what the period of the day asked about
    costs, or the first one before it began (None: variable or not known); `next_price` is another that is set
    for later, with the day it begins. `members` counts who is there on the day asked about, the payer
    included if they share; up to `COUNTED` on pages that only ask whether there are any.
    """

    id: int
    public_id: str
    name: str
    description: str
    currency: str
    exponent: int
    price: Money | None
    next_price: tuple[date, Money] | None
    split: SplitKind
    unit: Unit
    every: int
    billing_day: int | None
    starts_on: date
    ends_on: date | None
    next_sequence: int
    next_start: date
    next_open_at: datetime | None
    payer_id: int
    payer_public_id: str
    payer: str
    payer_included: bool
    members: int
    time_zone: str
    paused_at: datetime | None
    archived_at: datetime | None
    version: int

    @property
    def state(self) -> str:
        """One word for where the group stands: active, paused, ended or archived."""
        if self.archived_at is not None:
            return "archived"
        if self.paused_at is not None:
            return "paused"
        return "ended" if self.ends_on is not None and self.next_start > self.ends_on else "active"


def find_group(session: Session, workspace_id: int, public_id: str) -> int:
    """Find the key of a group of this workspace by its public id.

    Raises:
        UnknownGroup.
    """
    found: int | None = session.scalar(*_key(workspace_id, public_id))
    if found is None:
        raise UnknownGroup
    return found


@prepared
def _key(workspace_id: int, public_id: str) -> Select[int]:
    return select(Group.id).where(Group.workspace_id == workspace_id, Group.public_id == public_id)


def list_groups(
    session: Session,
    workspace_id: int,
    *,
    today: date,
    with_archived: bool = False,
    keys: Collection[int] | None = None,
) -> list[GroupRow]:
    """List the groups of a workspace by name, or those of them with these keys."""
    found = session.execute(*_groups(workspace_id, today, with_archived, keys)).all()
    return _load(session, found, today)


@prepared
def _groups(
    workspace_id: int, today: date, with_archived: bool, keys: Collection[int] | None
) -> Select[Group, str, str, int]:
    query = _rows(today, counts_all=keys is None).where(Group.workspace_id == workspace_id)
    if not with_archived:
        query = query.where(Group.archived_at.is_(None))
    if keys is not None:
        query = query.where(Group.id.in_(keys))
    return query.order_by(func.lower(Group.name), Group.id)


def load_group(session: Session, group_id: int, *, today: date) -> GroupRow:
    """Load one group.

    Raises:
        UnknownGroup.
    """
    return _one_of(_load(session, session.execute(*_group(group_id, today)).all(), today))


def load_named_group(session: Session, workspace_id: int, public_id: str, *, today: date) -> GroupRow:
    """Load a group of this workspace by its public id, for its page: of its members `COUNTED` count.

    Raises:
        UnknownGroup.
    """
    found = session.execute(*_named_group(workspace_id, public_id, today)).all()
    return _one_of(_load(session, found, today))


def _one_of(rows: list[GroupRow]) -> GroupRow:
    if not rows:
        raise UnknownGroup
    return rows[0]


@prepared
def _group(group_id: int, today: date) -> Select[Group, str, str, int]:
    return _rows(today, counts_all=True).where(Group.id == group_id)


@prepared
def _named_group(workspace_id: int, public_id: str, today: date) -> Select[Group, str, str, int]:
    return _rows(today).where(Group.workspace_id == workspace_id, Group.public_id == public_id)


def load_terms(session: Session, group_id: int) -> GroupTerms:
    """Load a group's terms as its form shows them; the price is that of the next unopened period.

    Raises:
        UnknownGroup.
    """
    group = session.get(Group, group_id)
    if group is None:
        raise UnknownGroup
    price = None
    if group.split is not SplitKind.VARIABLE:
        minor = price_on(session, group_id, _next_start(group))
        price = None if minor is None else Money(minor, group.currency)
    same_name = {name: getattr(group, name) for name in _SAME_NAME}
    return GroupTerms(price=price, pay_methods=tuple(load_pay_methods(session, group_id)), **same_name)


def load_pay_methods(session: Session, group_id: int) -> list[PayMethod]:
    """Load how to pay the payer of a group, in the admin's order."""
    is_its = (PayMethodRow.group_id == Group.id, PayMethodRow.payer_id == Group.payer_id)
    query = select(PayMethodRow).join(Group, and_(*is_its)).where(Group.id == group_id)
    query = query.order_by(PayMethodRow.position)
    return [
        PayMethod(
            PayKind(row.kind),
            {name: value for name, value in row.fields.items() if name != "label"},
            row.fields.get("label"),
        )
        for row in session.scalars(query)
    ]


def has_periods(group_id: InstrumentedAttribute[int] | int) -> ColumnElement[bool]:
    """Tell whether a period of a group was ever opened, void ones as well."""
    return exists().where(Period.group_id == group_id)


def price_on(session: Session, group_id: int, day: date) -> int | None:
    """Find what a period that starts on `day` costs, in minor units: the last price that begins by then."""
    return session.scalar(
        select(Price.amount_minor)
        .where(Price.group_id == group_id, Price.from_on <= day)
        .order_by(Price.from_on.desc())
        .limit(1)
    )


def prices(session: Session, group_id: int) -> list[tuple[date, Money]]:
    """List a group's prices with the day each begins, oldest first."""
    query = select(Price.from_on, Price.amount_minor, Group.currency).join(Group, Group.id == Price.group_id)
    rows = session.execute(query.where(Price.group_id == group_id).order_by(Price.from_on))
    return [(from_on, Money(minor, currency)) for from_on, minor, currency in rows]


def there_on(day: date) -> ColumnElement[bool]:
    """Select members who are there on a day: joined by then, and not yet gone."""
    return and_(Member.joined_on <= day, or_(Member.left_on.is_(None), Member.left_on > day))


_SAME_NAME = (
    "name",
    "description",
    "kind",
    "currency",
    "starts_on",
    "split",
    "unit",
    "every",
    "billing_day",
    "payer_id",
    "payer_included",
    "collect_days_before",
    "due_days",
    "grace_days",
    "repeat_every_days",
    "max_requests",
    "overdue_after_days",
    "hour",
    "time_zone",
    "part_period",
    "tolerance_minor",
    "heads_up_days",
    "tells_opened",
    "ends_on",
)


def _rows(today: date, *, counts_all: bool = False) -> Select[Group, str, str, int]:
    there = select(Member.id).where(
        Member.group_id == Group.id,
        there_on(today),
        or_(Group.payer_included, Member.contact_id != Group.payer_id),
    )
    looked_at = there.correlate(Group) if counts_all else there.correlate(Group).limit(COUNTED)
    members = select(func.count()).select_from(looked_at.subquery()).scalar_subquery()
    query = select(Group, Contact.public_id, Contact.name, members)
    return query.join(Contact, Contact.id == Group.payer_id)


def _load(session: Session, found: Sequence[Row[Group, str, str, int]], today: date) -> list[GroupRow]:
    known = [group.id for group, *_ in found if group.split is not SplitKind.VARIABLE]
    prices_of = _prices_of(session, known)
    return [
        _row(group, payer_public_id, payer, members, prices_of.get(group.id, []), today)
        for group, payer_public_id, payer, members in found
    ]


def _prices_of(session: Session, group_ids: list[int]) -> dict[int, list[tuple[date, int]]]:
    """Load each group's prices with the day each begins, oldest first, in one query."""
    found: dict[int, list[tuple[date, int]]] = {}
    for batch in in_batches(group_ids):
        for group_id, from_on, amount in session.execute(*_price_rows(batch)):
            found.setdefault(group_id, []).append((from_on, amount))
    return found


@prepared
def _price_rows(group_ids: list[int]) -> Select[int, date, int]:
    query = select(Price.group_id, Price.from_on, Price.amount_minor).where(Price.group_id.in_(group_ids))
    return query.order_by(Price.group_id, Price.from_on)


def _price_and_next(
    group: Group, known: list[tuple[date, int]], today: date
) -> tuple[Money | None, tuple[date, Money] | None]:
    """Find the price of the period that runs on a day, and the first other one after it."""
    if not known:
        return None, None
    runs_from = _running_start(group, today)
    cost = [amount for from_on, amount in known if from_on <= runs_from or from_on == known[0][0]][-1]
    later = [(day, amount) for day, amount in known if day > runs_from and amount != cost]
    ahead = (_first_start(group, later[0][0]), Money(later[0][1], group.currency)) if later else None
    return Money(cost, group.currency), ahead


def _row(
    group: Group,
    payer_public_id: str,
    payer: str,
    members: int,
    known: list[tuple[date, int]],
    today: date,
) -> GroupRow:
    price, next_price = _price_and_next(group, known, today)
    return GroupRow(
        id=group.id,
        public_id=group.public_id,
        name=group.name,
        description=group.description,
        currency=group.currency,
        exponent=group.exponent,
        price=price,
        next_price=next_price,
        split=group.split,
        unit=group.unit,
        every=group.every,
        billing_day=group.billing_day,
        starts_on=group.starts_on,
        ends_on=group.ends_on,
        next_sequence=group.next_sequence,
        next_start=_next_start(group),
        next_open_at=group.next_open_at,
        payer_id=group.payer_id,
        payer_public_id=payer_public_id,
        payer=payer,
        payer_included=group.payer_included,
        members=members,
        time_zone=group.time_zone,
        paused_at=group.paused_at,
        archived_at=group.archived_at,
        version=group.version,
    )


def _next_start(group: Group) -> date:
    return cycle_of(group).start_of(group.next_sequence)


def _running_start(group: Group, day: date) -> date:
    """Find where the period of a day began; the day itself while another cycle's may run."""
    cycle = cycle_of(group)
    if day < group.anchor_on:
        return day
    return cycle.start_of(cycle.sequence_on_or_after(day + timedelta(days=1)) - 1)


def _first_start(group: Group, day: date) -> date:
    cycle = cycle_of(group)
    return cycle.start_of(cycle.sequence_on_or_after(day))
