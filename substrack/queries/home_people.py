"""People whom no request reaches: without an address, or with none that takes anything.

Every way of not being reached is looked for by itself and only so far, so that none hides another.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    ScalarSelect,
    Select,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from substrack.domain.notices import Channel
from substrack.domain.payments import ASKABLE, OPEN, PaymentKind
from substrack.queries.by_hand import asked_by_hand_on, last_by_hand
from substrack.queries.chats import ENVIRONMENT
from substrack.queries.leaving import gone_on
from substrack.queries.namesakes import tell_apart
from substrack.queries.open_payments import LOOKED_AT, LongestDue
from substrack.queries.prepared import prepared
from substrack.store import Address, Connection, Contact, Group, Member, Payment

SHOWN: Final = 20
"""How many are listed for each reason; the rest comes up as these are done."""


@dataclass(frozen=True)
class UnreachableRow:
    """Somebody who is in a group or owes, and gets no requests; without any address, only who owes.

    `why` is missing, refused or unsubscribed, and chat where a chat that refuses messages is all there is.
    `by_hand_on` is when an admin asked them instead, if that is the last they were asked. `is_to_ask` when
    there is something to ask for, and as long ago as their groups leave between two requests, or not at all.
    """

    public_id: str
    name: str
    why: str
    since: datetime | None
    reason: str | None
    by_hand_on: date | None = None
    is_to_ask: bool = False


def load_unreachable(
    session: Session, workspace_id: int, longest: LongestDue, *, today: date
) -> tuple[UnreachableRow, ...]:
    """List those who are to pay and have no address that takes requests, by name; one statement."""
    without = {row.contact_id for row in longest.rows if not row.has_address}
    found = session.execute(*_unreachable(workspace_id, today, sorted(without) or None))
    counts: Counter[str] = Counter()
    rows = []
    for row in found:
        counts[row.why] += 1
        if counts[row.why] <= SHOWN:
            rows.append(_row(row, today))
    return tell_apart(session, rows)


def _row(row: Row[*tuple[Any, ...]], today: date) -> UnreachableRow:
    by_hand_on = asked_by_hand_on(row.requested_on, row.by_hand)
    is_rested = by_hand_on is None or by_hand_on + timedelta(days=row.repeat_every_days or 0) <= today
    is_to_ask = row.repeat_every_days is not None and (is_rested or row.has_new)
    return UnreachableRow(
        row.public_id, row.name, row.why, row.since, row.reason, by_hand_on, is_to_ask=is_to_ask
    )


@prepared
def _unreachable(workspace_id: int, today: date, owing: list[int] | None) -> Select[*tuple[Any, ...]]:
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
    shut = [
        _shut(workspace_id, channel, since_when, today)
        for channel in (Channel.EMAIL, Channel.TELEGRAM)
        for since_when in (Address.refused_since, Address.unsubscribed_at)
    ]
    parts = (part.subquery() for part in (_without_any(workspace_id, owing), *shut))
    chosen = union_all(*(select(part.c.id) for part in parts))
    return (
        select(
            Contact.public_id,
            Contact.name,
            why.label("why"),
            since.label("since"),
            reason.label("reason"),
            Contact.requested_on,
            last_by_hand().label("by_hand"),
            _to_ask_for(today, func.min(Group.repeat_every_days)).label("repeat_every_days"),
            func.coalesce(_to_ask_for(today, func.max(_is_new())), 0).label("has_new"),
        )
        .outerjoin(mailbox, and_(mailbox.contact_id == Contact.id, mailbox.channel == Channel.EMAIL))
        .outerjoin(chat, and_(chat.contact_id == Contact.id, chat.channel == Channel.TELEGRAM))
        .where(Contact.id.in_(chosen))
        .order_by(func.lower(Contact.name), Contact.id)
    )


def _without_any(workspace_id: int, owing: list[int] | None) -> Select[int]:
    """Select those who owe and have no address, among who owes the longest and who came last.

    An address that is not there is in no index. Who owes nothing needs none: it is no fault to be without.
    """
    newest = (
        select(Contact.id)
        .where(Contact.workspace_id == workspace_id)
        .order_by(Contact.id.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    is_looked_at: ColumnElement[bool] = Contact.id.in_(select(newest.c.id))
    if owing is not None:
        is_looked_at = or_(is_looked_at, Contact.id.in_(owing))
    has_one = exists().where(Address.contact_id == Contact.id, Address.value != "")
    return (
        select(Contact.id)
        .where(is_looked_at, ~has_one, Contact.erased_at.is_(None), _owes())
        .order_by(func.lower(Contact.name), Contact.id)
        .limit(SHOWN)
    )


def _shut(
    workspace_id: int, channel: Channel, since: InstrumentedAttribute[datetime | None], today: date
) -> Select[int]:
    """Select those to pay whose address takes nothing any more and who have no other, the latest first."""
    connection = select(Connection.id).where(
        Connection.workspace_id == workspace_id,
        Connection.channel == channel,
        Connection.name == ENVIRONMENT,
    )
    return (
        select(Contact.id)
        .join(Address, Address.contact_id == Contact.id)
        .where(
            Address.connection_id == connection.scalar_subquery(),
            since.is_not(None),
            Contact.erased_at.is_(None),
            ~_is_usable(),
            _is_to_pay(today),
        )
        .order_by(since.desc())
        .limit(SHOWN)
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
    return or_(is_member, _owes())


def _to_ask_for(today: date, found: ColumnElement[int]) -> ScalarSelect[int]:
    """Select something of what a contact can be asked for today; null where that is nothing."""
    gone = gone_on()
    query = (
        select(found)
        .select_from(Payment)
        .join(Member, Member.id == Payment.member_id)
        .join(Group, Group.id == Payment.group_id)
        .where(
            Payment.contact_id == Contact.id,
            Payment.kind == PaymentKind.DUES,
            Payment.status.in_(ASKABLE),
            Payment.voided_at.is_(None),
            Payment.asked_on <= today,
            or_(Payment.snoozed_until.is_(None), Payment.snoozed_until <= today),
            or_(gone.is_(None), gone > today),
        )
    )
    return query.correlate(Contact).scalar_subquery()


def _is_new() -> ColumnElement[int]:
    """Select 1 for a payment that nobody was asked for yet."""
    return case((Payment.requested_on.is_(None), 1), else_=0)


def _owes() -> ColumnElement[bool]:
    """A contact owes something, said to be paid or not."""
    return exists().where(
        Payment.contact_id == Contact.id,
        Payment.kind == PaymentKind.DUES,
        Payment.status.in_(OPEN),
        Payment.voided_at.is_(None),
    )


def _is_usable() -> ColumnElement[bool]:
    """A contact has an address that takes requests."""
    any_address = aliased(Address)
    return exists().where(
        any_address.contact_id == Contact.id,
        any_address.value != "",
        any_address.refused_since.is_(None),
        any_address.unsubscribed_at.is_(None),
    )
