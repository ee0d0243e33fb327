"""What needs an admin now: people nobody reaches, leavers, notes, bills, openings that did not work.

Claims are `queries.review`'s, unclaimed debts `queries.owing`'s, invitations `queries.home_invites`', groups
and sums `queries.home_groups`'. A constant number of statements.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, exists, func, or_, select, union
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from substrack.domain.delivery import MessageState
from substrack.domain.letters import Span
from substrack.domain.money import Money
from substrack.domain.notices import Channel
from substrack.domain.payments import OPEN, PaymentKind
from substrack.queries.chats import find_bot_refusal
from substrack.queries.namesakes import tell_apart
from substrack.queries.objections import ObjectionRow, list_objections
from substrack.queries.open_payments import LOOKED_AT, longest_due
from substrack.queries.owing import is_unclaimed
from substrack.queries.prepared import prepared, written
from substrack.store import Address, Connection, Contact, Event, Group, Member, Message, Payment, Period

SHOWN: Final = 20
"""How many of a kind are listed; the rest comes up as these are done."""

SHUT: Final = 200
"""How many people are looked at of those whose address refuses, and of those who unsubscribed."""

REFUSED_LATELY: Final = timedelta(days=2)
"""An opening that fails is tried again every day, so one of the last two days still fails."""


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
class LeaverRow:
    """Somebody who left a group and still owes for it; `oldest` is the public id of their oldest payment."""

    contact_public_id: str
    name: str
    group: str
    left_on: date
    owed: Money
    oldest: str


@dataclass(frozen=True)
class UnreachableRow:
    """Somebody who is in a group or owes, and gets no requests.

    `why` is missing, refused or unsubscribed, and chat where a chat that refuses messages is all there is.
    """

    public_id: str
    name: str
    why: str
    since: datetime | None
    reason: str | None


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
    session: Session, workspace_id: int, *, has_bot: bool = False, today: date, now: datetime
) -> Needs:
    """Load what waits for an admin of a workspace; six statements, seven with a bot."""
    failed_messages, has_crowd = _counted(session, workspace_id)
    return Needs(
        bills=_bills(session, workspace_id),
        leavers=_leavers(session, workspace_id, today),
        unreachable=_unreachable(session, workspace_id, today),
        notes=list_objections(session, workspace_id),
        openings=_openings(session, workspace_id, now),
        failed_messages=failed_messages,
        has_crowd=has_crowd,
        bot_refused_since=find_bot_refusal(session, workspace_id) if has_bot else None,
    )


def _bills(session: Session, workspace_id: int) -> tuple[BillRow, ...]:
    return tuple(
        BillRow(
            public_id=period.public_id,
            group=group.name,
            group_public_id=group.public_id,
            currency=group.currency,
            span=Span(group.unit, group.every, period.starts_on, period.ends_on),
            due_on=period.due_on,
            version=period.version,
        )
        for period, group in session.execute(*_unbilled(workspace_id))
    )


@prepared
def _unbilled(workspace_id: int) -> Select[Period, Group]:
    unbilled = select(Period.id).where(Period.total_minor.is_(None), Period.voided_at.is_(None))
    return (
        select(Period, Group)
        .join(Group, Group.id == Period.group_id)
        .where(Period.id.in_(unbilled), Group.workspace_id == workspace_id)
        .order_by(Period.due_on, Period.id)
        .limit(SHOWN)
    )


def _leavers(session: Session, workspace_id: int, today: date) -> tuple[LeaverRow, ...]:
    """Find who left and owes, with all they owe: added up after the list is cut short."""
    rows = [
        LeaverRow(contact, name, group, left_on, Money(int(owed_minor), currency), oldest)
        for contact, name, group, left_on, oldest, _member, currency, owed_minor, _place in session.execute(
            *_left_owing(workspace_id, today)
        )
    ]
    return tell_apart(session, rows)


@prepared
def _left_owing(workspace_id: int, today: date) -> Select[*tuple[Any, ...]]:
    owing = select(Payment.member_id).where(Payment.id.in_(longest_due(workspace_id, *is_unclaimed())))
    gone = (
        select(Member.id)
        .where(Member.id.in_(owing), Member.left_on <= today)
        .order_by(Member.left_on, Member.id)
        .limit(SHOWN)
    )
    left = Payment.amount_minor - Payment.received_minor - Payment.written_off_minor
    by_age = (Payment.due_on, Payment.id)
    ranked = (
        select(
            Payment.public_id,
            Payment.member_id,
            Payment.currency,
            func.sum(left).over(partition_by=Payment.member_id).label("owed_minor"),
            func.row_number().over(partition_by=Payment.member_id, order_by=by_age).label("place"),
        )
        .where(Payment.member_id.in_(select(gone.subquery().c.id)), *is_unclaimed())
        .subquery()
    )
    return (
        select(Contact.public_id, Contact.name, Group.name, Member.left_on, ranked)
        .join(Member, Member.id == ranked.c.member_id)
        .join(Contact, Contact.id == Member.contact_id)
        .join(Group, Group.id == Member.group_id)
        .where(ranked.c.place == 1)
        .order_by(Member.left_on, Member.id)
    )


def _unreachable(session: Session, workspace_id: int, today: date) -> tuple[UnreachableRow, ...]:
    """Find the people who are to pay and have no address that takes requests; so many for each reason."""
    found = session.execute(*_without_address(workspace_id, today))
    rows = [UnreachableRow(row.public_id, row.name, row.why, row.since, row.reason) for row in found]
    return tell_apart(session, rows)


@prepared
def _without_address(workspace_id: int, today: date) -> Select[*tuple[Any, ...]]:
    looked_at = _looked_at(workspace_id, today)
    mailbox, chat = aliased(Address), aliased(Address)
    why = case(
        (and_(mailbox.value != "", mailbox.refused_since.is_not(None)), "refused"),
        (mailbox.value != "", "unsubscribed"),
        (chat.value != "", "chat"),
        else_="missing",
    )
    since = case(
        (why == "refused", mailbox.refused_since),
        (why == "chat", func.coalesce(chat.refused_since, chat.unsubscribed_at)),
        else_=mailbox.unsubscribed_at,
    )
    reason = case((why == "refused", mailbox.reason), (why == "chat", chat.reason))
    by_name = (func.lower(Contact.name), Contact.id)
    ranked = (
        select(
            Contact.id,
            Contact.public_id,
            Contact.name,
            why.label("why"),
            since.label("since"),
            reason.label("reason"),
            func.row_number().over(partition_by=why, order_by=by_name).label("place"),
        )
        .join(looked_at, looked_at.c.id == Contact.id)
        .outerjoin(mailbox, and_(mailbox.contact_id == Contact.id, mailbox.channel == Channel.EMAIL))
        .outerjoin(chat, and_(chat.contact_id == Contact.id, chat.channel == Channel.TELEGRAM))
        .where(
            Contact.erased_at.is_(None),
            ~_is_usable(),
            _is_to_pay(today),
        )
        .subquery()
    )
    shown = select(ranked).where(ranked.c.place <= SHOWN)
    return shown.order_by(func.lower(ranked.c.name), ranked.c.id)


def _looked_at(workspace_id: int, today: date) -> Subquery:
    """Select who may be out of reach: who owes the longest, as many of those who came last, and of all people
    those whose address has taken nothing for the longest. An address that is not there is in no index.
    """
    owing = select(Payment.contact_id).where(Payment.id.in_(longest_due(workspace_id)))
    newest = (
        select(Contact.id)
        .where(Contact.workspace_id == workspace_id)
        .order_by(Contact.id.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    shut = [_shut(workspace_id, today, since) for since in (Address.refused_since, Address.unsubscribed_at)]
    return union(
        owing.with_only_columns(Payment.contact_id.label("id")),
        select(newest.c.id),
        *(select(one.c.id) for one in shut),
    ).subquery()


def _shut(workspace_id: int, today: date, since: InstrumentedAttribute[datetime | None]) -> Subquery:
    """Select those to pay whose address takes nothing any more and who have no other, the longest first."""
    return (
        select(Contact.id)
        .join(Address, Address.contact_id == Contact.id)
        .join(Connection, Connection.id == Address.connection_id)
        .where(
            Connection.workspace_id == workspace_id,
            since.is_not(None),
            Contact.erased_at.is_(None),
            ~_is_usable(),
            _is_to_pay(today),
        )
        .order_by(since, Contact.id)
        .limit(SHUT)
        .subquery()
    )


def _is_to_pay(today: date) -> ColumnElement[bool]:
    """A contact shares in a group that runs, or owes something."""
    is_member = exists().where(
        Member.contact_id == Contact.id,
        Member.group_id == Group.id,
        Group.archived_at.is_(None),
        Group.payer_id != Contact.id,
        or_(Member.left_on.is_(None), Member.left_on > today),
    )
    owes = exists().where(
        Payment.contact_id == Contact.id,
        Payment.kind == PaymentKind.DUES,
        Payment.status.in_(OPEN),
        Payment.voided_at.is_(None),
    )
    return or_(is_member, owes)


def _is_usable() -> ColumnElement[bool]:
    """A contact has an address that takes requests."""
    any_address = aliased(Address)
    return exists().where(
        any_address.contact_id == Contact.id,
        any_address.value != "",
        any_address.refused_since.is_(None),
        any_address.unsubscribed_at.is_(None),
    )


def _openings(session: Session, workspace_id: int, now: datetime) -> tuple[RefusedOpening, ...]:
    found = session.execute(*_refused_openings(workspace_id, now - REFUSED_LATELY))
    last = {row.public_id: RefusedOpening(row.public_id, row.name, row.reason or "", row.at)
            for row in found}  # fmt: skip
    return tuple(last.values())


@prepared
def _refused_openings(workspace_id: int, since: datetime) -> Select[*tuple[Any, ...]]:
    return (
        select(Group.public_id, Group.name, Event.reason, Event.at)
        .join(Group, Group.id == Event.group_id)
        .where(
            Event.workspace_id == workspace_id,
            Event.at > since,
            Event.verb == written("opening_refused"),
            Group.next_open_at.is_not(None),
        )
        .order_by(Event.id)
    )


def _counted(session: Session, workspace_id: int) -> tuple[int, bool]:
    """Count the messages that failed, and tell whether there are more people than are looked at."""
    dead, is_crowd = session.execute(*_dead_and_crowd(workspace_id)).one()
    return dead or 0, bool(is_crowd)


@prepared
def _dead_and_crowd(workspace_id: int) -> Select[int | None, bool]:
    dead = select(func.count()).select_from(Message)
    dead = dead.where(Message.workspace_id == workspace_id, Message.state == written(MessageState.DEAD))
    last = select(Contact.id).where(Contact.workspace_id == workspace_id).order_by(Contact.id.desc())
    return select(dead.scalar_subquery(), last.limit(1).offset(LOOKED_AT).exists())
