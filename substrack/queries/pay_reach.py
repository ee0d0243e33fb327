"""Who reads a member's page, and how what we tell them reaches them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from substrack.domain.notices import Channel, ChannelChoice, Notice, ways
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
    """Load who reads a page; two statements."""
    name, language, home_language, time_zone, choice = _reader(session, contact_id)
    found = session.execute(*_addresses(contact_id)).all()
    mailbox = next((row for row in found if row.channel is Channel.EMAIL), None)
    return Reader(
        name=name,
        language=language,
        home_language=home_language,
        time_zone=time_zone,
        answers=ways(Notice.RECEIVED, choice, {row.channel for row in found}),
        requests=ways(Notice.REQUEST, choice, {row.channel for row in found if not row.unsubscribed_at}),
        mailbox_id=mailbox.id if mailbox else None,
        is_quiet=bool(mailbox and mailbox.unsubscribed_at),
    )


def zone_of(session: Session, contact_id: int) -> str:
    """Name the time zone a contact lives in: their own, or the workspace's."""
    return _reader(session, contact_id)[3]


def _reader(session: Session, contact_id: int) -> tuple[str, str | None, str, str, ChannelChoice]:
    row = session.execute(*_contact(contact_id)).one()
    return row[0], row[1], row[2], row[3], row[4]


@prepared
def _contact(contact_id: int) -> Select[str, str | None, str, str, ChannelChoice]:
    return (
        select(
            Contact.name,
            Contact.language,
            Workspace.language,
            func.coalesce(Contact.time_zone, Workspace.time_zone),
            Contact.channel_choice,
        )
        .join(Workspace, Workspace.id == Contact.workspace_id)
        .where(Contact.id == contact_id)
    )


@prepared
def _addresses(contact_id: int) -> Select[int, Channel, datetime | None]:
    query = select(Address.id, Address.channel, Address.unsubscribed_at).where(
        Address.contact_id == contact_id, Address.value != "", Address.refused_since.is_(None)
    )
    return query.order_by(Address.id)
