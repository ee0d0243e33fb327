"""What needs an admin now: people nobody reaches, leavers, notes, bills, openings that did not work.

Claims are `queries.review`'s, people `queries.home_people`'s and `queries.home_owing`'s, invitations
`queries.home_invites`', groups and sums `queries.home_groups`'. Of what there is none of nothing is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Select
from sqlalchemy.orm import Session

from substrack.domain.spans import Span
from substrack.queries.chats import find_bot_refusal
from substrack.queries.home_owing import LeaverRow, load_leavers
from substrack.queries.home_people import UnreachableRow, load_unreachable
from substrack.queries.home_signs import REFUSED_LATELY, Signs, refused_openings, unbilled
from substrack.queries.objections import ObjectionRow, list_objections
from substrack.queries.open_payments import LongestDue
from substrack.queries.prepared import prepared
from substrack.store import Event, Group, Period

SHOWN: Final = 20
"""How many of a kind are listed; the rest comes up as these are done."""


@dataclass(frozen=True)
class BillRow:
    """A variable period that waits for its total."""

    public_id: str
    group: str
    group_public_id: str
    currency: str
    span: Span
    due_on: date
    version: int


@dataclass(frozen=True)
class RefusedOpening:
    """A group whose next period could not be opened, and why."""

    public_id: str
    group: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Needs:
    """All that waits for an admin, besides claims.

    `has_crowd` when there are so many people that some who have no address at all may not be among these.
    """

    bills: tuple[BillRow, ...]
    leavers: tuple[LeaverRow, ...]
    unreachable: tuple[UnreachableRow, ...]
    notes: tuple[ObjectionRow, ...]
    openings: tuple[RefusedOpening, ...]
    failed_messages: int
    has_crowd: bool
    bot_refused_since: datetime | None

    @property
    def are_none(self) -> bool:
        """Tell whether nothing waits."""
        lists = (self.bills, self.leavers, self.unreachable, self.notes, self.openings)
        return not any(lists) and not self.failed_messages and self.bot_refused_since is None

    @property
    def cut_off(self) -> tuple[UnreachableRow, ...]:
        """Those without an address that works."""
        return tuple(row for row in self.unreachable if row.why != "unsubscribed")

    @property
    def unsubscribed(self) -> tuple[UnreachableRow, ...]:
        """Those who asked to get no requests."""
        return tuple(row for row in self.unreachable if row.why == "unsubscribed")


def load_needs(
    session: Session,
    workspace_id: int,
    signs: Signs,
    longest: LongestDue,
    *,
    has_bot: bool = False,
    today: date,
    now: datetime,
) -> Needs:
    """Load what waits for an admin of a workspace; a statement for each kind, fewer where there is none."""
    return Needs(
        bills=_bills(session, workspace_id) if signs.has_bills else (),
        leavers=load_leavers(session, longest, today=today),
        unreachable=load_unreachable(session, workspace_id, longest, today=today),
        notes=list_objections(session, workspace_id) if signs.has_notes else (),
        openings=_openings(session, workspace_id, now) if signs.has_refused_openings else (),
        failed_messages=signs.failed_messages,
        has_crowd=signs.has_crowd,
        bot_refused_since=find_bot_refusal(session, workspace_id) if has_bot else None,
    )


def _bills(session: Session, workspace_id: int) -> tuple[BillRow, ...]:
    return tuple(
        BillRow(public_id, group, group_public_id, currency, Span(*span), due_on, version)
        for public_id, group, group_public_id, currency, *span, due_on, version in session.execute(
            *_unbilled(workspace_id)
        )
    )


@prepared
def _unbilled(workspace_id: int) -> Select[*tuple[Any, ...]]:
    columns = (
        Period.public_id,
        Group.name,
        Group.public_id,
        Group.currency,
        Group.unit,
        Group.every,
        Period.starts_on,
        Period.ends_on,
        Period.due_on,
        Period.version,
    )
    return unbilled(workspace_id, *columns).order_by(Period.due_on, Period.id).limit(SHOWN)


def _openings(session: Session, workspace_id: int, now: datetime) -> tuple[RefusedOpening, ...]:
    found = session.execute(*_refused_openings(workspace_id, now - REFUSED_LATELY))
    last = {row.public_id: RefusedOpening(row.public_id, row.name, row.reason or "", row.at)
            for row in found}  # fmt: skip
    return tuple(last.values())


@prepared
def _refused_openings(workspace_id: int, since: datetime) -> Select[*tuple[Any, ...]]:
    columns = (Group.public_id, Group.name, Event.reason, Event.at)
    return refused_openings(workspace_id, since, *columns).order_by(Event.id)
