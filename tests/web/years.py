"""A workspace with years behind it: many groups whose periods have opened, been paid, asked for and claimed.

Time and the services make what they make in batches anyway. What thousands of presses would have left behind
is copied from one real press, in a statement a table, so that years take seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from dateutil.relativedelta import relativedelta
from sqlalchemy import ColumnElement, FromClause, and_, func, insert, null, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.pay_methods import pay_method
from substrack.domain.payments import PaymentKind, Status
from substrack.services.addresses import mark_refused, unsubscribe
from substrack.services.members import leave_group
from substrack.services.payments import confirm_payment
from substrack.services.putting_off import object_to_payments
from substrack.services.receipts import record_receipt
from substrack.store import Address, Allocation, Attempt, Event, Member, Message, Payment, Period, Receipt
from tests.support.cast import Cast, money
from tests.web.scenes import claim
from tests.web.support import NOW

Members = dict[tuple[int, str], Member]

LATELY: Final = 3
"""How many periods of a group are not all paid; those before were."""

BANK: Final = pay_method("iban", {"iban": "DE02120300000000202051", "holder": "Olga Example"})


@dataclass(frozen=True)
class Years:
    """What there is after the years: the members by number of the group and name, and a claim to check."""

    cast: Cast
    now: datetime
    members: Members
    attempt: Attempt


def live_through(cast: Cast, *, groups: int, people: int, periods: int) -> Years:
    """Share `groups` things in `people` for `periods` months until March 2026; Ben is in all of them."""
    members = _share(cast, groups, people - 2, date(2026, 3, 1) - relativedelta(months=periods - 1))
    cast.tick(NOW)
    ben = cast.payment_of(members[0, "Ben"])
    cast.do(confirm_payment, ben.id, by=cast.olga, now=NOW)
    cast.do(_confirm_alike, ben.id, until=periods - LATELY)
    attempt = _claims(cast, members, periods)
    now = NOW + timedelta(days=3, hours=1)
    cast.tick(now)
    cast.send(now)
    cast.do(_send_again, times=periods)
    _troubles(cast, members, periods, now)
    return Years(cast, now, members, attempt)


def _share(cast: Cast, groups: int, guests: int, starts_on: date) -> Members:
    """Set the groups up: each has guests of its own, and Ben."""
    members = {}
    for number in range(groups):
        group = cast.group(f"Subscription {number:02}", "18.00", starts_on=starts_on, pay_methods=(BANK,))
        for name in ("Ben", *(f"Guest {number:02}-{guest}" for guest in range(guests))):
            email = f"{name.replace(' ', '.').lower()}@example.org"
            members[number, name] = cast.join(group, name, email=email, joined_on=starts_on)
    return members


def _confirm_alike(session: Session, like: int, *, until: int) -> None:
    """Repeat what confirming one payment wrote for all others up to a period; all owe the same amount."""
    payment: Any = Payment.__table__
    receipt: Any = Receipt.__table__
    allocation: Any = Allocation.__table__
    event: Any = Event.__table__
    old = select(Period.id).where(Period.sequence <= until)
    others = (payment.c.kind == PaymentKind.DUES, payment.c.period_id.in_(old), payment.c.id != like)
    came = (
        receipt.c.id == select(Allocation.receipt_id).where(Allocation.payment_id == like).scalar_subquery()
    )
    of_whom = {"contact_id": payment.c.contact_id, "received_on": payment.c.due_on}
    of_whom["external_key"] = payment.c.reference
    _copy(session, receipt, receipt.join(payment, and_(came, *others)), **of_whom)
    its_receipt = receipt.c.external_key == payment.c.reference
    settled = allocation.join(payment, and_(allocation.c.payment_id == like, *others)).join(
        receipt, its_receipt
    )
    _copy(session, allocation, settled, receipt_id=receipt.c.id, payment_id=payment.c.id)
    confirmed = and_(event.c.payment_id == like, event.c.verb == "confirm", *others)
    of_what = {"payment_id": payment.c.id, "subject_id": payment.c.id, "group_id": payment.c.group_id}
    _copy(session, event, event.join(payment, confirmed), correlation_id=_random_id(), **of_what)
    closed = {"closed_at": NOW, "next_action_at": None, "received_minor": payment.c.amount_minor}
    session.execute(update(payment).where(*others).values(status=Status.CONFIRMED, version=2, **closed))
    session.execute(update(receipt).values(external_key=null()))


def _copy(
    session: Session, table: Any, joined: FromClause, *where: ColumnElement[bool], **changed: Any
) -> None:
    """Copy rows of a table, with some columns taken from what it is joined with."""
    fresh = {"public_id": _random_id()} if "public_id" in table.c else {}
    columns = {column.name: column for column in table.c if column.name != "id"} | fresh | changed
    rows = select(*columns.values()).select_from(joined).where(*where)
    session.execute(insert(table).from_select(list(columns), rows))


def _random_id() -> ColumnElement[str]:
    return func.lower(func.hex(func.randomblob(6)))


def _claims(cast: Cast, members: Members, periods: int) -> Attempt:
    """Let the first guest of every group say that they paid; the very first with all there is to say."""
    first, *others = (member for (_group, name), member in members.items() if name.endswith("-0"))
    for member in others:
        claim(cast, member, periods - 1, note="By bank transfer")
    return claim(cast, first, periods - 2, periods - 1, method="PayPal", note="Both at once", flagged=True)


def _send_again(session: Session, *, times: int) -> None:
    """Repeat every message that was sent; the copies are as many as if it had gone out every month."""
    message: Any = Message.__table__
    last = session.scalar(select(func.max(Message.id)))
    for _month in range(1, times):
        _copy(session, message, message, message.c.id <= last, dedupe_key=_random_id())


def _troubles(cast: Cast, members: Members, periods: int, now: datetime) -> None:
    """In every group somebody can't be reached, somebody left owing, and somebody says it can't be right."""
    olga: dict[str, Any] = {"by": cast.olga, "now": now}
    for (_group, name), member in members.items():
        by = Actor.contact(member.contact_id)
        last = cast.payment_of(member, periods).id
        if name.endswith("-1"):
            cast.do(leave_group, member.id, left_on=now.date(), **olga)
        elif name.endswith("-2"):
            cast.do(mark_refused, _address(cast, member).id, reason="550 no such box", now=now)
            cast.do(object_to_payments, member.contact_id, [last], text="Too much", by=by, now=now)
        elif name.endswith("-3"):
            cast.do(unsubscribe, _address(cast, member).id, by=by, now=now)
            _pay_ahead(cast, member, olga)


def _pay_ahead(cast: Cast, member: Member, olga: dict[str, Any]) -> None:
    terms = {"contact_id": member.contact_id, "payer_id": cast.olga_contact, "amount": money("20")}
    cast.do(record_receipt, cast.workspace_id, **terms, **olga)


def _address(cast: Cast, member: Member) -> Address:
    query = select(Address).where(Address.contact_id == member.contact_id)
    return cast.read(lambda session: session.scalars(query).one())
