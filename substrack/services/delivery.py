"""Delivery: claim messages for a while, put them into words, and mark what became of them.

At least once: a message is claimed by a lease with a token, its exact text is stored and committed before
anything is sent, and only the holder of the token can mark it. A worker that dies in between leaves a lease
that runs out, and another sends the same text under the same Message-ID. Nothing here sends.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from substrack.domain.delivery import (
    DeliveryFailed,
    MessageState,
    Scope,
    after_failure,
    channel_of,
    fate_of,
)
from substrack.domain.letters import Letter
from substrack.domain.notices import Channel
from substrack.queries.chat_cards import load_card
from substrack.queries.delivery import is_claimable
from substrack.queries.installation import load_installation
from substrack.queries.letters import load_letter
from substrack.services.chat_building import ChatWords, chat_words, is_silent
from substrack.services.chat_rows import leave_as_shown, lose_chat
from substrack.services.concealing import conceal, reveal
from substrack.services.connections import mark_bot_refused
from substrack.services.counting import COUNTED, count_end
from substrack.services.diverting import divert_waiting
from substrack.services.lanes import Room, find_room, pause_lane, probe_again, resume_lane
from substrack.services.ledger import lock_contacts
from substrack.services.letter_links import links_for
from substrack.services.links import LinkSigner
from substrack.services.mailboxes import mark_refused
from substrack.services.outbox import fall_back_to_mail
from substrack.services.staleness import cancel_stale
from substrack.services.withholding import GONE, Objection, find_objection, rests_until
from substrack.store import Address, Contact, Message, Workspace, new_public_id
from substrack.texts.letters import RenderedLetter, render

MAX_PROVIDER_ID = 200

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


@dataclass(frozen=True)
class BuiltMessage:
    """What is to be sent: one letter to one address. `message_id` and `date` stay the same in a repeat.

    `letter` are the words of a mail, `chat` those of a chat message; one of them is there. `held_until`: from
    then on the message may be another worker's.
    """

    message_id: str
    to: str
    letter: RenderedLetter | None
    date: datetime
    chat: ChatWords | None = None
    is_silent: bool = False
    held_until: datetime = field(kw_only=True, compare=False)


class Outcome(StrEnum):
    """What became of a try that failed. `LOST`: the lease had run out, and it is another worker's now."""

    RETRYING = "retrying"
    DEAD = "dead"
    LOST = "lost"


@dataclass(frozen=True)
class Failed:
    """The outcome of a failed try, and whether it has just paused the lane, or opened it again."""

    outcome: Outcome
    has_paused_lane: bool = False
    has_opened_lane: bool = False


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
    message = _held(session, claimed)
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
    if message.rendered is None:
        message.rendered = conceal(_put_into_words(session, message, letter, now), signer)
    # Addresses change; the log says where this message really went.
    message.rendered = {**message.rendered, "to": _destination(message, address)}
    message.lease_until = now + claimed.lease
    session.flush()
    return _built(session, message, address, reveal(message.rendered, signer), now)


def release_messages(session: Session, claimed: Sequence[ClaimedMessage], *, worded: Collection[int]) -> None:
    """Put back into the queue what was claimed and not begun, in its old place.

    Of the keys `worded` the text was only just written and never sent; it is dropped, so that the next says
    what is true then.
    """
    for one in claimed:
        text = {"rendered": None} if one.id in worded else {}
        _mark(session, one, state=MessageState.QUEUED, **text)
        _pass_probe_on(session, one)


def follow_move(
    session: Session, claimed: ClaimedMessage, moved: DeliveryFailed, *, sent_to: str, to: str, now: datetime
) -> Failed:
    """Note that a chat has another number now; the message goes there next, the first time at once.

    Each move costs an attempt, so that one who is sent on and on comes to an end. A former chat that moved is
    not where the person is reached now, and is given up.
    """
    message = _held(session, claimed)
    if message is None:
        return Failed(Outcome.LOST)
    address = session.get(Address, message.address_id) if message.address_id else None
    leads_there = address is not None and address.value == sent_to
    moved.permanent = not leads_there
    verdict = after_failure(moved, attempts=message.attempts, due_at=message.due_at, now=now)
    if leads_there and address is not None:
        address.value = address.value_key = to
        session.flush()
        leave_as_shown(session, address)
    is_first = verdict.state is MessageState.QUEUED and not message.attempts
    _mark(
        session,
        claimed,
        state=verdict.state,
        due_at=message.due_at if is_first else verdict.due_at,
        attempts=verdict.attempts,
        last_error=moved.reason,
    )
    is_dead = verdict.state is MessageState.DEAD
    fall_back_to_mail(session, [message] if is_dead else [], now=now)
    has_opened = _lane_works(session, claimed, sent_to)
    return Failed(Outcome.DEAD if is_dead else Outcome.RETRYING, has_opened_lane=has_opened)


def mark_sent(session: Session, claimed: ClaimedMessage, *, provider_id: str | None, now: datetime) -> bool:
    """Note that a message was accepted.

    False, and nothing changes, when the lease had run out and the message is another worker's.
    """
    return _mark(
        session,
        claimed,
        state=MessageState.SENT,
        sent_at=now,
        provider_id=provider_id[:MAX_PROVIDER_ID] if provider_id else None,
        last_error=None,
    )


def mark_failed(
    session: Session,
    claimed: ClaimedMessage,
    failure: DeliveryFailed,
    *,
    sent_to: str | None,
    now: datetime,
) -> Failed:
    """Note a failed try: later, never again, or, when the whole lane fails, again without a counted attempt.

    The stored text is dropped, so that the next try says what is true then. An address refused for good is
    marked and admins are told; one that was corrected since is not blamed, and the message goes there.
    `sent_to` is where it was sent, None when it did not come to that.
    """
    message = _held(session, claimed)
    if message is None:
        return Failed(Outcome.LOST)
    address = session.get(Address, message.address_id) if message.address_id else None
    is_refused = failure.scope is Scope.ADDRESS and failure.permanent
    if (
        is_refused
        and sent_to is not None
        and address is not None
        and _destination(message, address) != sent_to
    ):
        _mark(
            session, claimed, state=MessageState.QUEUED, due_at=now, rendered=None, last_error=failure.reason
        )
        return Failed(Outcome.RETRYING, has_opened_lane=_lane_works(session, claimed, sent_to))
    verdict = after_failure(failure, attempts=message.attempts, due_at=message.due_at, now=now)
    _mark(
        session,
        claimed,
        state=verdict.state,
        due_at=verdict.due_at,
        attempts=verdict.attempts,
        rendered=message.rendered if verdict.state is MessageState.DEAD else None,
        last_error=failure.reason,
    )
    lost = [message] if verdict.state is MessageState.DEAD else []
    if is_refused and address is not None and sent_to == address.value:
        lose = lose_chat if message.channel is Channel.TELEGRAM else mark_refused
        lose(session, address.id, reason=failure.reason, now=now)
    if message.channel is Channel.TELEGRAM:
        fall_back_to_mail(session, lost, now=now)
    if failure.scope is Scope.LANE:
        has_paused = pause_lane(session, claimed.lane, failure, now=now)
        if message.channel is Channel.TELEGRAM and failure.permanent and address is not None:
            mark_bot_refused(session, address.connection_id, now=now)
        return Failed(Outcome.RETRYING, has_paused_lane=has_paused)
    has_opened = _lane_works(session, claimed, sent_to)
    outcome = Outcome.DEAD if verdict.state is MessageState.DEAD else Outcome.RETRYING
    return Failed(outcome, has_opened_lane=has_opened)


def _lane_works(session: Session, claimed: ClaimedMessage, sent_to: str | None) -> bool:
    """Open the lane when its probe met a server that refused just this: it answers, so it works."""
    if not claimed.is_probe:
        return False
    if sent_to is None:
        probe_again(session, claimed.lane)
        return False
    return resume_lane(session, claimed.lane)


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
        _destination(message, address),
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


def _destination(message: Message, address: Address) -> str:
    """Say where a message goes as things stand; a replaced chat or mailbox is told itself."""
    return str(message.payload.get("former") or address.value)


def _held(session: Session, claimed: ClaimedMessage) -> Message | None:
    """Lock what this claim is about, the contact before the message, like every decision."""
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


def _give_up(
    session: Session, claimed: ClaimedMessage, message: Message, objection: Objection, now: datetime
) -> None:
    """Take a claimed message out of the queue; what a chat refuses goes by mail, like what waited there."""
    _mark(session, claimed, state=objection.state, last_error=objection.why)
    if objection.state is MessageState.DEAD and message.channel is Channel.TELEGRAM:
        fall_back_to_mail(session, [message], now=now)
    _pass_probe_on(session, claimed)


def _put_off(
    session: Session, claimed: ClaimedMessage, message: Message, until: datetime, now: datetime
) -> None:
    """Leave a request for the hours in which people are asked; waiting for them makes it no staler."""
    expires_at = message.expires_at + (until - now) if message.expires_at else None
    _mark(session, claimed, state=MessageState.QUEUED, due_at=until, expires_at=expires_at)
    _pass_probe_on(session, claimed)


def _pass_probe_on(session: Session, claimed: ClaimedMessage) -> None:
    if claimed.is_probe:
        probe_again(session, claimed.lane)


def _mark(session: Session, claimed: ClaimedMessage, *, state: MessageState, **values: Any) -> bool:
    """Write the end of a claim; the condition makes the late mark of a worker thought dead change nothing."""
    given = {"lease_token": None, "lease_until": None, "state": state, **values}
    held = {"key": claimed.id, "token": claimed.token}
    marked = session.execute(
        _marking(tuple(given)), held | {f"new_{name}": value for name, value in given.items()}
    ).first()
    fate = fate_of(state, values.get("provider_id"))
    if marked is not None and fate in COUNTED:
        count_end(session, channel_of(claimed.lane), fate, token=claimed.token)
    return marked is not None


@cache
def _marking(columns: tuple[str, ...]) -> ReturningUpdate[int]:
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
