"""Reads about collection days: the one day of the month on which somebody is first asked for everything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from substrack.queries.batches import in_batches
from substrack.queries.prepared import prepared
from substrack.store import Address, Contact, Group, Member, Workspace


def collection_day() -> ColumnElement[int | None]:
    """Select the day that holds for a contact of a workspace: their own before the workspace's."""
    return func.coalesce(Contact.collection_day, Workspace.collection_day)


def load_collection_days(session: Session, contact_ids: Iterable[int]) -> dict[int, int]:
    """Find the collection days of people, by contact; who has none is left out."""
    day = collection_day()
    query = select(Contact.id, day).join(Workspace, Workspace.id == Contact.workspace_id)
    query = query.where(day.is_not(None))
    found: dict[int, int] = {}
    for batch in in_batches(contact_ids):
        rows = session.execute(query.where(Contact.id.in_(batch)))
        found |= {key: day for key, day in rows if day is not None}
    return found


def load_askable(session: Session, contact_ids: Iterable[int]) -> dict[int, int | None]:
    """Find those of some people whom a request would reach, with their collection days, if any."""
    found: dict[int, int | None] = {}
    for batch in in_batches(contact_ids):
        found |= dict(session.execute(*_askable(batch)).all())
    return found


@prepared
def _askable(contact_ids: Sequence[int]) -> Select[int, int | None]:
    return (
        select(Contact.id, collection_day())
        .join(Workspace, Workspace.id == Contact.workspace_id)
        .where(_is_reached(), Contact.id.in_(contact_ids))
        .order_by(Contact.id)
    )


def days_in(group_id: int, *, after: date) -> Select[int | None]:
    """Select the different days, None for none, that hold for those whom a group can ask after a day."""
    return (
        select(collection_day().label("day"))
        .distinct()
        .select_from(Member)
        .join(Group, Group.id == Member.group_id)
        .join(Contact, Contact.id == Member.contact_id)
        .join(Workspace, Workspace.id == Contact.workspace_id)
        .where(
            Member.group_id == group_id,
            Member.contact_id != Group.payer_id,
            or_(Member.left_on.is_(None), Member.left_on > after),
            _is_reached(),
        )
    )


def find_collection_day(session: Session, workspace_id: int) -> int | None:
    """Find the day that holds for whoever has none of their own."""
    return session.scalar(select(Workspace.collection_day).where(Workspace.id == workspace_id))


def _is_reached() -> ColumnElement[bool]:
    return exists().where(
        Address.contact_id == Contact.id,
        Address.value != "",
        Address.refused_since.is_(None),
        Address.unsubscribed_at.is_(None),
    )
