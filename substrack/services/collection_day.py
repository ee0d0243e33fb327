"""Collection days: the one day of the month on which a workspace, or a person, is first asked for everything.

A person's own day goes before the workspace's. What is open is rescheduled; who was asked already goes on in
the rhythm of their groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.collecting import check_collection_day
from substrack.domain.payments import OPEN
from substrack.services.access import check_admin
from substrack.services.contact_rows import UnknownContact, hold_contact, record_contact
from substrack.services.group_rows import is_admin
from substrack.services.journal import record
from substrack.services.locks import lock_contacts
from substrack.services.schedule import reschedule_contacts
from substrack.store import Contact, Payment, Workspace

PEOPLE_AT_ONCE: Final = 500


def set_workspace_collection_day(
    session: Session, workspace_id: int, day: int | None, *, by: Actor, now: datetime
) -> None:
    """Let everybody without a day of their own first be asked on this day of the month; None ends it.

    The same again writes nothing.

    Raises:
        CollectionDayOutOfRange.
    """
    check_admin(session, by, workspace_id)
    query = select(Workspace).where(Workspace.id == workspace_id).with_for_update(key_share=True)
    workspace = session.scalars(query.execution_options(populate_existing=True)).one()
    before, after = workspace.collection_day, check_collection_day(day)
    if before == after:
        return
    workspace.collection_day = after
    record(
        session,
        "collection_day",
        by=by,
        now=now,
        workspace_id=workspace_id,
        subject_kind="workspace",
        subject_id=workspace_id,
        before={"day": before},
        after={"day": after},
    )
    session.flush()
    # Whoever comes to owe something at this moment is waited for, or waits for the day.
    lock_contacts(session, session.scalars(_without_a_day(workspace_id)))
    owing = _owing_without_a_day(session, workspace_id)
    for start in range(0, len(owing), PEOPLE_AT_ONCE):
        reschedule_contacts(session, owing[start : start + PEOPLE_AT_ONCE], now=now)


def set_contact_collection_day(
    session: Session, contact_id: int, day: int | None, *, by: Actor, now: datetime
) -> None:
    """Let one person first be asked on this day of the month; None lets the workspace's hold for them.

    The same again writes nothing.

    Raises:
        UnknownContact: not there, or not this actor's to change; CollectionDayOutOfRange.
    """
    contact = hold_contact(session, contact_id)
    if not is_admin(session, by, contact.workspace_id):
        raise UnknownContact
    before, after = contact.collection_day, check_collection_day(day)
    if before == after:
        return
    contact.collection_day = after
    record_contact(
        session, "collection_day", contact, by=by, now=now, before={"day": before}, after={"day": after}
    )
    reschedule_contacts(session, [contact_id], now=now)


def _without_a_day(workspace_id: int) -> Select[int]:
    """Select whom the workspace's day holds for."""
    return select(Contact.id).where(Contact.workspace_id == workspace_id, Contact.collection_day.is_(None))


def _owing_without_a_day(session: Session, workspace_id: int) -> Sequence[int]:
    """List whom the workspace's day holds for and who owes anything, in the order of locks."""
    owing = Payment.workspace_id == workspace_id, Payment.status.in_(OPEN)
    query = select(Payment.contact_id).distinct().join(Contact, Contact.id == Payment.contact_id)
    query = query.where(*owing, Contact.collection_day.is_(None))
    return session.scalars(query.order_by(Payment.contact_id)).all()
