"""Who reads a member's page, and how what we tell them reaches them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from substrack.domain.notices import Channel, Notice, ways
from substrack.queries.prepared import prepared
from substrack.store import Address, Contact, Workspace


@dataclass(frozen=True)
class Reader:
    """One person, and how they are reached.

    `answers` and `requests` are the channels by which those come; none when only the page tells. `mailbox_id`
    is the address that works, and `is_quiet` when it gets no requests. `language` is the one they chose,
    `home_language` the workspace's.
    """

    name: str
    language: str | None
    home_language: str
    time_zone: str
    answers: frozenset[Channel]
    requests: frozenset[Channel]
    mailbox_id: int | None
    is_quiet: bool


def load_reader(session: Session, contact_id: int) -> Reader:
    """Load who reads a page; one statement."""
    rows = session.execute(*_with_addresses(contact_id)).all()
    reader, found = rows[0], [row for row in rows if row.id is not None]
    mailbox = next((row for row in found if row.channel is Channel.EMAIL), None)
    reached = {row.channel for row in found}
    asked = {row.channel for row in found if not row.unsubscribed_at}
    return Reader(
        name=reader.name,
        language=reader.language,
        home_language=reader.home_language,
        time_zone=reader.time_zone,
        answers=ways(Notice.RECEIVED, reader.channel_choice, reached),
        requests=ways(Notice.REQUEST, reader.channel_choice, asked),
        mailbox_id=mailbox.id if mailbox else None,
        is_quiet=bool(mailbox and mailbox.unsubscribed_at),
    )


@prepared
def _with_addresses(contact_id: int) -> Select[*tuple[Any, ...]]:
    """Select a contact with each address that works; alone when none does."""
    works = and_(Address.contact_id == Contact.id, Address.value != "", Address.refused_since.is_(None))
    return (
        select(
            Contact.name,
            Contact.language,
            Workspace.language.label("home_language"),
            _time_zone().label("time_zone"),
            Contact.channel_choice,
            Address.id,
            Address.channel,
            Address.unsubscribed_at,
        )
        .join(Workspace, Workspace.id == Contact.workspace_id)
        .outerjoin(Address, works)
        .where(Contact.id == contact_id)
        .order_by(Address.id)
    )


def zone_of(session: Session, contact_id: int) -> str:
    """Name the time zone a contact lives in: their own, or the workspace's."""
    zone: str = session.execute(*_zone(contact_id)).scalar_one()
    return zone


@prepared
def _zone(contact_id: int) -> Select[str]:
    query = select(_time_zone()).join(Workspace, Workspace.id == Contact.workspace_id)
    return query.where(Contact.id == contact_id)


def _time_zone() -> ColumnElement[str]:
    return func.coalesce(Contact.time_zone, Workspace.time_zone)
