"""Messages that a worker holds: what a lease says, and how it ends.

A lease has a token, and only its holder can mark the message; a late mark changes nothing. When and why
something is marked is decided by who calls this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from substrack.domain.delivery import MessageState, channel_of, fate_of
from substrack.services.counting import count_ends
from substrack.services.lanes import probe_again
from substrack.services.locks import lock_contacts
from substrack.store import Address, Message

_MESSAGES: Any = Message.__table__


@dataclass(frozen=True)
class ClaimedMessage:
    """A message this worker holds until its lease runs out; only the token can mark it.

    `lease` is how long it is held, anew from when it is put into words. `correlation_id` leads to its cause.
    `is_probe`: its lane was failing, and this one message tries whether it works again.
    """

    id: int
    public_id: str
    contact_id: int | None
    lane: str
    token: str
    lease: timedelta
    correlation_id: str | None = None
    is_probe: bool = False


def lock_messages(session: Session, *which: ColumnElement[bool]) -> None:
    """Lock messages in the order of their keys, as whoever marks several does, before all are changed.

    An UPDATE takes rows as it finds them, and two that find them differently may wait for each other.
    """
    session.execute(select(Message.id).where(*which).order_by(Message.id).with_for_update()).all()


def held_message(session: Session, claimed: ClaimedMessage) -> Message | None:
    """Give the message of a claim, locked after its contact, like in every decision.

    None where it is another worker's by now.
    """
    lock_contacts(session, [] if claimed.contact_id is None else [claimed.contact_id])
    return session.scalar(
        select(Message)
        .where(
            Message.id == claimed.id,
            Message.state == MessageState.SENDING,
            Message.lease_token == claimed.token,
        )
        .with_for_update()
    )


def mark(session: Session, claimed: ClaimedMessage, *, state: MessageState, **values: Any) -> bool:
    """Write the end of a claim, and count it; False where the message is another worker's by now."""
    is_marked = write_end(session, claimed, state=state, **values)
    if is_marked:
        fate = fate_of(state, values.get("provider_id"))
        count_ends(session, [(channel_of(claimed.lane), fate, claimed.token)])
    return is_marked


def write_end(session: Session, claimed: ClaimedMessage, *, state: MessageState, **values: Any) -> bool:
    """Write the end of a claim; the condition makes the late mark of a worker thought dead change nothing."""
    given = {"lease_token": None, "lease_until": None, "state": state, **values}
    held = {"key": claimed.id, "token": claimed.token}
    written = session.execute(
        _ending(tuple(given)), held | {f"new_{name}": value for name, value in given.items()}
    )
    return written.first() is not None


@cache
def _ending(columns: tuple[str, ...]) -> ReturningUpdate[int]:
    """Put the statement together once: every message is marked."""
    return (
        update(_MESSAGES)
        .where(
            _MESSAGES.c.id == bindparam("key"),
            _MESSAGES.c.state == MessageState.SENDING,
            _MESSAGES.c.lease_token == bindparam("token"),
        )
        .values({name: bindparam(f"new_{name}") for name in columns})
        .returning(_MESSAGES.c.id)
    )


def pass_probe_on(session: Session, claimed: ClaimedMessage) -> None:
    """Let another message probe the lane, when the one that should will not be sent."""
    if claimed.is_probe:
        probe_again(session, claimed.lane)


def destination_of(message: Message, address: Address) -> str:
    """Say where a message goes as things stand; a replaced chat or mailbox is told itself."""
    return str(message.payload.get("former") or address.value)
