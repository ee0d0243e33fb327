"""Pacing: how fast a bot may speak, over all workers together.

Telegram takes about 30 messages a second from a bot and one a second into a chat (Bot API FAQ, "My bot is
hitting limits"); an edit counts like a message, the answer to a press does not. Every send reserves its
instant in the lanes' rows first, so that sends are spread, whoever sends. A send may be late all the same, or
long on its way, and what was spread may arrive together. So each also takes a seat, of which there are fewer
than 30, until a second after it was answered: all that arrives within a second has a seat of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.domain.notices import Channel
from substrack.store import Lane

BOT_GAP: Final = timedelta(seconds=1) / 26
"""Below the limit of 30, so that sends that run late do not bunch up above it."""

CHAT_GAP: Final = timedelta(seconds=1.05)

MOST_WAITED: Final = timedelta(seconds=10)
"""Until the end of a pause; a longer one is a failure, so that whatever waits can be laid down."""

SEATS: Final = 29
"""How many may be on their way at once, or have been answered within the last second."""

SEAT_REST: Final = timedelta(seconds=1)

SEAT_LEASE: Final = timedelta(seconds=90)
"""Longer than any request: the seats of a worker that dies are free again then."""

LOOK_AGAIN: Final = timedelta(milliseconds=100)
"""Until a seat may be free, when none is."""


@dataclass(frozen=True)
class Slot:
    """When a message may go out, if `is_reserved`; else when to ask again: the chat or the bot rests."""

    at: datetime
    is_reserved: bool


@dataclass(frozen=True)
class Seat:
    """The right to say one thing now; `id` is that of its row."""

    id: int


def pace_of_bot(bot_id: int) -> str:
    """Name the row by which one bot is paced, whichever of its workspaces' connections it speaks for.

    `bot_id` is the number in its token: Telegram counts by bot, while lanes go by connection.
    """
    return f"{Channel.TELEGRAM.value}:bot{bot_id}"


def reserve_send(session: Session, pace: str, chat: str, *, now: datetime) -> Slot:
    """Reserve the next instant, never before `now`, at which a chat may get a message or an edit.

    `pace` is what `pace_of_bot` says. Nothing is reserved while the chat rests, so that one chat with much to
    hear holds no other up. `now` is the wall clock, also where the rest of the process lives by another one.

    Raises:
        DeliveryFailed: Telegram asked the bot for a pause that still goes on for long.
    """
    bot_row, chat_row = _row(session, pace), _row(session, f"{pace}:{chat}")
    if bot_row.paused_until is not None and bot_row.paused_until > now:
        return _paused(bot_row.paused_until, now)
    if chat_row.next_at is not None and chat_row.next_at > now:
        return Slot(chat_row.next_at, is_reserved=False)
    at = max(now, bot_row.next_at or now)
    bot_row.next_at, chat_row.next_at = at + BOT_GAP, at + CHAT_GAP
    session.flush()
    return Slot(at, is_reserved=True)


def use_slot(session: Session, pace: str, chat: str, slot: Slot, *, now: datetime) -> Slot | Seat:
    """Use a reserved instant that has come: take a seat and speak, or hear when to try again.

    The same slot is to be tried again while what is returned `is_reserved`; else it is lost, because the bot
    was asked for a pause or the chat has heard something since, and another is to be asked for then.

    Raises:
        DeliveryFailed: Telegram asked the bot for a pause that still goes on for long.
    """
    paused_until = session.scalar(select(Lane.paused_until).where(Lane.name == pace))
    if paused_until is not None and paused_until > now:
        return _paused(paused_until, now)
    chat_row = _row(session, f"{pace}:{chat}")
    rests_until = chat_row.next_at or now
    if rests_until > max(now, slot.at + CHAT_GAP):
        return Slot(rests_until, is_reserved=False)
    seat = _take_seat(session, pace, now)
    if seat is None:
        return Slot(now + LOOK_AGAIN, is_reserved=True)
    chat_row.next_at = max(rests_until, now + CHAT_GAP)
    session.flush()
    return seat


def leave_seat(session: Session, seat: Seat, *, now: datetime) -> None:
    """Give a seat back once the answer is there, or will not come; it rests for a second."""
    session.execute(update(Lane).where(Lane.id == seat.id).values(next_at=now + SEAT_REST))


def rest_chat(session: Session, pace: str, chat: str, *, now: datetime) -> None:
    """Let a chat rest from when a message really went out, which may be later than its slot."""
    row = _row(session, f"{pace}:{chat}")
    row.next_at = max(row.next_at or now, now + CHAT_GAP)
    session.flush()


def pause_bot(session: Session, pace: str, rest: timedelta, *, now: datetime) -> None:
    """Have a bot say nothing anywhere for as long as Telegram asks (Bot API, `retry_after`)."""
    row = _row(session, pace)
    row.paused_until = max(row.paused_until or now, now + rest)
    session.flush()


def _take_seat(session: Session, pace: str, now: datetime) -> Seat | None:
    """Take a seat that nobody holds; the first time there are none yet."""
    names = [f"{pace}:seat{number}" for number in range(SEATS)]
    is_free = or_(Lane.next_at.is_(None), Lane.next_at <= now)
    free = select(Lane.id).where(Lane.name.in_(names), is_free).limit(1).with_for_update(skip_locked=True)
    key = session.scalar(free)
    if key is None and session.scalar(select(Lane.id).where(Lane.name == names[-1])) is None:
        _insert(session, names)
        key = session.scalar(free)
    if key is None:
        return None
    session.execute(update(Lane).where(Lane.id == key).values(next_at=now + SEAT_LEASE))
    return Seat(key)


def _paused(until: datetime, now: datetime) -> Slot:
    rest = until - now
    if rest > MOST_WAITED:
        raise DeliveryFailed("Telegram asked for a pause", scope=Scope.LANE, retry_after=rest)
    return Slot(until, is_reserved=False)


def _row(session: Session, name: str) -> Lane:
    query = select(Lane).where(Lane.name == name).with_for_update()
    found = session.scalar(query)
    if found is None:
        _insert(session, [name])
        found = session.scalars(query).one()
    return found


def _insert(session: Session, names: Sequence[str]) -> None:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    rows = [{"name": name} for name in names]
    session.execute(dialect.insert(Lane.__table__).values(rows).on_conflict_do_nothing())
