"""What there is at all in a workspace, looked for once a page: what there is none of is not read.

One statement of steps in indexes, whatever the number of groups, people and payments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, case, exists, false, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.queries.accounts import live_invites
from substrack.queries.home_history import is_between, months_until
from substrack.queries.open_payments import LOOKED_AT
from substrack.queries.prepared import prepared, written
from substrack.queries.unallocated import is_money_in
from substrack.store import Contact, Event, Group, Member, Message, Payment, PayMethod, Period, Receipt

REFUSED_LATELY: Final = timedelta(days=2)
"""An opening that fails is tried again every day, so one of the last two days still fails."""

ADDED_UP: Final = 1_000
"""How many receipts of a year are read without being asked, with those that are not drawn in the end."""


@dataclass(frozen=True)
class FirstSteps:
    """What somebody who starts has done already."""

    has_group: bool
    has_people: bool
    has_way_to_pay: bool
    has_tested: bool
    has_period: bool

    @property
    def are_done(self) -> bool:
        """Tell whether the list has served its purpose."""
        done = (self.has_group, self.has_people, self.has_way_to_pay, self.has_tested)
        return self.has_period or all(done)


@dataclass(frozen=True)
class Signs:
    """What home has to look at, and what there is too much of.

    `has_crowd` when there are more people than are looked at for want of an address, `has_long_year` when
    money came in the twelve months until today and there are more receipts than are read by themselves: own
    shares, voided ones and money that went back are read as well, so they count here. Once a period was
    opened all first steps are taken for done.
    """

    failed_messages: int
    has_crowd: bool
    has_long_year: bool
    has_bills: bool
    has_notes: bool
    has_refused_openings: bool
    has_invites: bool
    steps: FirstSteps


def load_signs(session: Session, workspace_id: int, *, today: date, now: datetime) -> Signs:
    """Look for all of it; one statement."""
    since = months_until(today)[0]
    found = session.execute(*_signs(workspace_id, since, today, now - REFUSED_LATELY, now)).one()
    there = [bool(sign) for sign in found]
    return Signs(
        failed_messages=found[0] or 0,
        has_crowd=there[1],
        has_long_year=there[2],
        has_bills=there[3],
        has_notes=there[4],
        has_refused_openings=there[5],
        has_invites=there[6],
        steps=FirstSteps(*there[7:]),
    )


@prepared
def _signs(
    workspace_id: int, since: date, today: date, lately: datetime, now: datetime
) -> Select[*tuple[Any, ...]]:
    dead = select(func.count()).select_from(Message)
    dead = dead.where(Message.workspace_id == workspace_id, Message.state == written(MessageState.DEAD))
    crowd = _after_many(select(Contact.id).where(Contact.workspace_id == workspace_id), LOOKED_AT)
    there = (
        unbilled(workspace_id, Period.id),
        _noted(workspace_id),
        refused_openings(workspace_id, lately),
        live_invites(workspace_id, now),
    )
    asked = (one.correlate(None).exists() for one in there)
    year = _has_long_year(workspace_id, since, today)
    first = _first_steps(workspace_id)
    return select(dead.scalar_subquery(), crowd.correlate(None).exists(), year, *asked, *first)


def _has_long_year(workspace_id: int, since: date, today: date) -> ColumnElement[bool]:
    """Tell whether a year has too much to read, and anything to draw; the second is only looked for then.

    What came last is looked at first: only where nothing came at all, or own shares have just been booked for
    a great many groups, is the index left for more than a few receipts.
    """
    receipts = select(Receipt.id).where(*is_between(workspace_id, since, today))
    is_long = _after_many(receipts, ADDED_UP).correlate(None).exists()
    last = receipts.where(*is_money_in()).order_by(Receipt.received_on.desc(), Receipt.id.desc()).limit(1)
    return case((is_long, last.scalar_subquery().is_not(None)), else_=false())


def unbilled(workspace_id: int, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Select variable periods that wait for their total, in the words of `ix_periods_unbilled`.

    Nothing is asked about a group that was put away.
    """
    return (
        select(*columns)
        .select_from(Period)
        .join(Group, Group.id == Period.group_id)
        .where(
            Period.total_minor.is_(None),
            Period.voided_at.is_(None),
            (Group.workspace_id + 0) == workspace_id,
            Group.archived_at.is_(None),
        )
    )  # "+ 0" keeps SQLite from looking through all periods of all groups


def refused_openings(
    workspace_id: int | InstrumentedAttribute[int], since: datetime, *columns: Any
) -> Select[*tuple[Any, ...]]:
    """Select openings that failed since an instant, of groups that still try and have opened none since."""
    opened_since = exists().where(Period.group_id == Event.group_id, Period.opened_at > Event.at)
    return (
        select(*columns or (Event.id,))
        .join(Group, Group.id == Event.group_id)
        .where(
            Event.workspace_id == workspace_id,
            Event.at > since,
            Event.verb == written("opening_refused"),
            Group.next_open_at.is_not(None),
            ~opened_since,
        )
    )


def _after_many(query: Select[int], count: int) -> Select[int]:
    """Select one that comes after so many others."""
    return query.limit(1).offset(count)


def _noted(workspace_id: int) -> Select[int]:
    """Select payments with a note that nobody answered, in the words of `ix_payments_noted`."""
    return select(Payment.id).where(
        Payment.workspace_id == workspace_id,
        Payment.objection.is_not(None),
        Payment.closed_at.is_(None),
        Payment.voided_at.is_(None),
    )


def _first_steps(workspace_id: int) -> tuple[Any, ...]:
    groups = select(Group.id).where(Group.workspace_id == workspace_id)
    members = select(Member.id).join(Group, Group.id == Member.group_id)
    tests = select(Message.id).where(Message.workspace_id == workspace_id, Message.notice == Notice.TEST)
    wanted = (
        groups,
        members.where(Group.workspace_id == workspace_id, Member.contact_id != Group.payer_id),
        select(PayMethod.id).where(PayMethod.group_id.in_(groups)),
        tests,
    )
    is_under_way = groups.where(Group.next_sequence > 1).correlate(None).exists()
    done = (case((is_under_way, true()), else_=one.correlate(None).exists()) for one in wanted)
    return (*done, is_under_way)
