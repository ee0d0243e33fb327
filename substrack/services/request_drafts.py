"""One request to one person: its message, and what it counts for in the payments it lists.

Whoever asks, a sweep or an admin, asks by this; the key lets nobody be asked twice on one local day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from substrack.domain.asking import AT_ANY_HOUR
from substrack.domain.cycles import local_date
from substrack.domain.notices import Notice
from substrack.domain.requests import is_used_up
from substrack.services.correlation import new_correlation_id
from substrack.services.outbox import Draft, Item
from substrack.services.schedule import DuePayment
from substrack.store import Contact, Payment, Workspace

# On the plain tables: an update of entities looks at each row by itself.
_PAYMENTS: Any = Payment.__table__
_WRITTEN: Final = ("requests_sent", "requested_on", "exhausted_at", "nudged_at")
_SLOTS: Final = (
    update(_PAYMENTS)
    .where(_PAYMENTS.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in (*_WRITTEN, "next_action_at")})
)
_CONTACTS: Any = Contact.__table__
_ASKED_ON: Final = (
    update(_CONTACTS).where(_CONTACTS.c.id == bindparam("key")).values(requested_on=bindparam("requested_on"))
)


def draft_request(
    contact_id: int,
    asked: Sequence[DuePayment],
    *,
    now: datetime,
    due_at: datetime | None = None,
    correlation_id: str | None = None,
    at_any_hour: bool = False,
    is_second: bool = False,
) -> Draft:
    """Draft the message that asks somebody for payments, as `count_as_asked` gave them; to go at `due_at`.

    It waits for the hours in which people are asked, unless it is to go `at_any_hour`. `is_second`: they were
    asked today for something else, and an admin wants them to be asked for this as well.
    """
    first = asked[0]
    key = request_key(contact_id, first.home_today)
    is_first = all(entry.payment.requests_sent == 1 for entry in asked)
    return Draft(
        workspace_id=first.payment.workspace_id,
        contact_id=contact_id,
        notice=Notice.REQUEST if is_first else Notice.REMINDER,
        dedupe_key=f"{key}:also:{min(entry.payment.id for entry in asked)}" if is_second else key,
        due_at=due_at or now,
        payload={AT_ANY_HOUR: True} if at_any_hour else {},
        items=[Item(entry.payment.id, entry.payment.requests_sent) for entry in asked],
        correlation_id=correlation_id or new_correlation_id(),
    )


def request_key(contact_id: int, day: date | None) -> str:
    """Name the request to somebody on a day by their workspace's clock, whichever ways it goes."""
    return f"request:{contact_id}:{day}"


def count_as_asked(entries: Iterable[DuePayment]) -> list[DuePayment]:
    """Let each payment have had one request more, and its next slot follow from today; write nothing.

    Where the maximum was raised after the admins were told, they are to be told again.
    """
    return [
        entry.changed(
            requests_sent=entry.payment.requests_sent + 1,
            requested_on=entry.today,
            exhausted_at=entry.payment.exhausted_at if is_used_up(entry.facts, entry.rules) else None,
            anything_requested_on=entry.home_today,
        )
        for entry in entries
    ]


def write_asked(session: Session, asked: Sequence[DuePayment]) -> None:
    """Write what `count_as_asked` counted, of payments and of their contacts."""
    write_slots(session, [(entry, entry.next_action_at()) for entry in asked])
    write_asked_on(session, asked)


def write_slots(session: Session, slots: Sequence[tuple[DuePayment, datetime | None]]) -> None:
    """Write how often payments were asked for, what admins were told of, and when time acts on them next."""
    if slots:
        session.execute(
            _SLOTS,
            [
                {"key": entry.payment.id, "next_action_at": at}
                | {name: getattr(entry.payment, name) for name in _WRITTEN}
                for entry, at in slots
            ],
        )


def write_asked_on(session: Session, asked: Iterable[DuePayment]) -> None:
    """Write on which day people were last asked for anything."""
    days = {entry.payment.contact_id: entry.payment.anything_requested_on for entry in asked}
    if days:
        session.execute(_ASKED_ON, [{"key": key, "requested_on": day} for key, day in sorted(days.items())])


def workspace_day(session: Session, workspace_id: int, now: datetime) -> date:
    """Say which local date it is for a workspace."""
    return local_date(now, session.get_one(Workspace, workspace_id).time_zone)
