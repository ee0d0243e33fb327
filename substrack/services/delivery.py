"""Delivery: claim messages for a while, and put them into words; what became of them is `services.outcomes`'.

At least once: a message is claimed by a lease with a token, its exact text is stored and committed before
anything is sent, and only the holder of the token can mark it. A worker that dies in between leaves a lease
that runs out, and another sends the same text under the same Message-ID. Nothing here sends.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.letters import Letter
from substrack.domain.notices import Channel
from substrack.queries.chat_cards import load_card
from substrack.queries.delivery import is_claimable
from substrack.queries.installation import load_installation
from substrack.queries.letters import load_letter
from substrack.services.chat_building import ChatWords, chat_words, is_silent
from substrack.services.concealing import conceal, reveal
from substrack.services.diverting import divert_waiting
from substrack.services.lanes import Room, find_room, probe_again
from substrack.services.leases import ClaimedMessage, destination_of, held_message, mark, pass_probe_on
from substrack.services.letter_links import links_for
from substrack.services.links import LinkSigner
from substrack.services.outbox import fall_back_to_mail
from substrack.services.staleness import cancel_stale
from substrack.services.withholding import GONE, Objection, find_objection, rests_until
from substrack.store import Address, Contact, Message, Workspace, new_public_id
from substrack.texts.letters import RenderedLetter, render


@dataclass(frozen=True)
class BuiltMessage:
    """What is to be sent: one letter to one address. `message_id` and `date` stay the same in a repeat.

    `letter` are the words of a mail, `chat` those of a chat message; one of them is there. `held_until`: from
    then on the message may be another worker's. `is_repeat`: a mail that an earlier try may have brought out.
    """

    message_id: str
    to: str
    letter: RenderedLetter | None
    date: datetime
    chat: ChatWords | None = None
    is_silent: bool = False
    held_until: datetime = field(kw_only=True, compare=False)
    is_repeat: bool = field(default=False, kw_only=True, compare=False)


def clear_lane(session: Session, lane: str, *, now: datetime) -> None:
    """Cancel what expired on a lane, and turn to mail what waits for a bot nobody reaches; not on hold.

    This looks at everything that waits, so it is done before a lane is emptied, not with every claim.
    """
    if load_installation(session).hold_reason is None:
        cancel_stale(session, lane, now=now)
        divert_waiting(session, lane, now=now)


def claim_messages(
    session: Session, lane: str, *, limit: int, lease: timedelta, now: datetime
) -> list[ClaimedMessage]:
    """Take up to `limit` due messages of a lane, oldest first; none on hold or while the lane is paused.

    Stale ones are left to `clear_lane`. Rows another worker is just taking are skipped, not waited for
    (PostgreSQL; on SQLite transactions that write follow each other).
    """
    if load_installation(session).hold_reason is not None:
        return []
    room = find_room(session, lane, limit=limit, now=now)
    due = (
        select(Message.id)
        .where(
            Message.lane == lane,
            is_claimable(now),
            or_(Message.expires_at.is_(None), Message.expires_at > now),
        )
        .order_by(*_order(room))
        .limit(room.places)
        .with_for_update(skip_locked=True)
    )
    keys = session.scalars(due).all() if room.places else []
    if room.is_probe and room.places and not keys:
        probe_again(session, lane)
    if not keys:
        return []
    token = new_public_id()
    claimed = session.execute(
        update(Message)
        .where(Message.id.in_(keys))
        .values(state=MessageState.SENDING, lease_token=token, lease_until=now + lease)
        .returning(Message.id, Message.public_id, Message.contact_id, Message.correlation_id)
        .execution_options(synchronize_session=False)
    )
    return [
        ClaimedMessage(key, public_id, contact_id, lane, token, lease, correlation_id, room.is_probe)
        for key, public_id, contact_id, correlation_id in sorted(claimed.all(), key=itemgetter(0))
    ]


def build_message(
    session: Session, claimed: ClaimedMessage, *, signer: LinkSigner, now: datetime
) -> BuiltMessage | None:
    """Put a claimed message into words and store them; None when it is not to be sent.

    A text that was stored before a crash is sent again as it is. The lease begins anew, so that a worker with
    much to build before does not send what it has lost. Nothing is sent, and the message is
    cancelled with the reason, when the address is gone, no longer wants it or is not the one an account is
    opened from, or when there is nothing left to say. It is dead, to be retried, when the address refuses
    mail, and a request waits for the hours in which people are asked.
    """
    message = held_message(session, claimed)
    if message is None:
        return None
    address = session.get(Address, message.address_id) if message.address_id else None
    objection = find_objection(session, message, address)
    if objection is not None or address is None:
        _give_up(session, claimed, message, objection or GONE, now)
        return None
    opens_at = rests_until(session, message, now=now)
    if opens_at is not None:
        _put_off(session, claimed, message, opens_at, now)
        return None
    letter = load_letter(session, message, links=links_for(session, message, signer, now=now), now=now)
    if letter is None:
        _give_up(session, claimed, message, Objection("nothing left to say"), now)
        return None
    is_repeat = message.rendered is not None
    if message.rendered is None:
        message.rendered = conceal(_put_into_words(session, message, letter, now), signer)
    # Addresses change; the log says where this message really went.
    message.rendered = {**message.rendered, "to": destination_of(message, address)}
    message.lease_until = now + claimed.lease
    session.flush()
    built = _built(session, message, address, reveal(message.rendered, signer), now)
    return replace(built, is_repeat=is_repeat and message.channel is Channel.EMAIL)


def release_messages(session: Session, claimed: Sequence[ClaimedMessage], *, worded: Collection[int]) -> None:
    """Put back into the queue what was claimed and not begun, in its old place.

    Of the keys `worded` the text was only just written and never sent; it is dropped, so that the next says
    what is true then.
    """
    for one in claimed:
        text = {"rendered": None} if one.id in worded else {}
        mark(session, one, state=MessageState.QUEUED, **text)
        pass_probe_on(session, one)


def _order(room: Room) -> tuple[Any, ...]:
    """The oldest first; a probe is any of them, since the oldest may be the one this server never takes."""
    return (func.random(),) if room.is_probe else (Message.due_at, Message.id)


def _put_into_words(session: Session, message: Message, letter: Letter, now: datetime) -> dict[str, Any]:
    """Write the words, dated now: what waited out three weeks of downtime must not sort three weeks back."""
    if message.channel is Channel.TELEGRAM:
        return chat_words(letter, load_card(session, message, now=now))
    return {**render(letter).as_dict(), "date": now.isoformat()}


def _built(
    session: Session, message: Message, address: Address, stored: dict[str, Any], now: datetime
) -> BuiltMessage:
    if message.channel is Channel.EMAIL:
        dated = {"date": message.due_at.isoformat()} | stored
        return mail_as_stored(message.public_id, dated, held_until=message.lease_until or now)
    return BuiltMessage(
        message.public_id,
        destination_of(message, address),
        None,
        datetime.fromisoformat(stored["date"]) if "date" in stored else message.due_at,
        ChatWords.from_dict(stored),
        is_silent(message.notice, now, _zone_of(session, message)),
        held_until=message.lease_until or now,
    )


def mail_as_stored(public_id: str, stored: dict[str, Any], *, held_until: datetime) -> BuiltMessage:
    """Read the mail to be sent from what is stored, so that a repeat is the same to the last byte."""
    return BuiltMessage(
        public_id,
        stored["to"],
        RenderedLetter.from_dict(stored),
        datetime.fromisoformat(stored["date"]),
        held_until=held_until,
    )


def _zone_of(session: Session, message: Message) -> str:
    """Say by whose clock it is night: that of who reads the message."""
    reader = session.get(Contact, message.contact_id) if message.contact_id else None
    own = reader.time_zone if reader else None
    return own or session.get_one(Workspace, message.workspace_id).time_zone


def _give_up(
    session: Session, claimed: ClaimedMessage, message: Message, objection: Objection, now: datetime
) -> None:
    """Take a claimed message out of the queue; what a chat refuses goes by mail, like what waited there."""
    mark(session, claimed, state=objection.state, last_error=objection.why)
    if objection.state is MessageState.DEAD and message.channel is Channel.TELEGRAM:
        fall_back_to_mail(session, [message], now=now)
    pass_probe_on(session, claimed)


def _put_off(
    session: Session, claimed: ClaimedMessage, message: Message, until: datetime, now: datetime
) -> None:
    """Leave a request for the hours in which people are asked; waiting for them makes it no staler."""
    expires_at = message.expires_at + (until - now) if message.expires_at else None
    mark(session, claimed, state=MessageState.QUEUED, due_at=until, expires_at=expires_at)
    pass_probe_on(session, claimed)
