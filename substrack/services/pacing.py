"""Pacing: how fast a bot may speak, over all workers together.

Telegram takes about 30 messages a second from a bot and one a second into a chat (Bot API FAQ, "My bot is
hitting limits"); an edit counts like a message, the answer to a press does not. Every send reserves its
instant in the lanes' rows first, so that sends are spread, whoever sends. A send may be late all the same,
or long on its way, and what was spread may arrive together. So each also takes its chat, and one of fewer
than 30 seats, until a second after it was answered: all that arrives within a second has a seat of its own.
Both are leased: who speaks for long renews them, and those of a worker that dies are free when that ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from substrack.domain.delivery import DeliveryFailed, Scope
from substrack.domain.notices import Channel
from substrack.store import Lane
from substrack.store.upserts import insert_into

BOT_GAP: Final = timedelta(seconds=1) / 26
"""Below the limit of 30, so that sends that run late do not bunch up above it."""

CHAT_GAP: Final = timedelta(seconds=1.05)

MOST_WAITED: Final = timedelta(seconds=10)
"""Until the end of a pause; a longer one is a failure, so that whatever waits can be laid down."""

SEATS: Final = 29
"""How many may be on their way at once, or have been answered within the last second."""

SEAT_REST: Final = timedelta(seconds=1)

LEASE: Final = timedelta(seconds=30)
"""For how long a seat and its chat are held without an answer, unless that is renewed."""

IDLE: Final = timedelta(days=1)
"""After a chat has rested for so long, its row is forgotten."""

LOOK_AGAIN: Final = timedelta(milliseconds=100)
"""Until a seat may be free, when none is."""


@dataclass(frozen=True)
class Slot:
    """When a message may go out, if `is_reserved`; else when to ask again: the chat or the bot rests."""

    at: datetime
    is_reserved: bool


@dataclass(frozen=True)
class Seat:
    """The right to say one thing into one chat now; `held_until` stands in both rows while they are ours."""

    row_id: int
    chat_row_id: int
    held_until: datetime


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
        return _resting(chat_row.next_at, now)
    at = max(now, bot_row.next_at or now)
    bot_row.next_at, chat_row.next_at = at + BOT_GAP, at + CHAT_GAP
    session.flush()
    return Slot(at, is_reserved=True)


def use_slot(session: Session, pace: str, chat: str, slot: Slot, *, now: datetime) -> Slot | Seat:
    """Use a reserved instant that has come: take a seat and the chat and speak, or hear when to try again.

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
        return _resting(rests_until, now)
    held_until = now + LEASE
    row_id = _take_seat(session, pace, held_until, now)
    if row_id is None:
        return Slot(now + LOOK_AGAIN, is_reserved=True)
    chat_row.next_at = held_until
    session.flush()
    return Seat(row_id, chat_row.id, held_until)


def renew_seat(session: Session, seat: Seat, *, now: datetime) -> Seat:
    """Hold a seat and its chat for longer while no answer is there; what was lost meanwhile stays lost."""
    until, rows = now + LEASE, Lane.id.in_((seat.row_id, seat.chat_row_id))
    session.execute(update(Lane).where(rows, Lane.next_at == seat.held_until).values(next_at=until))
    return replace(seat, held_until=until)


def leave_seat(session: Session, seat: Seat, *, now: datetime) -> None:
    """Give a seat and its chat back once the answer is there, or will not come; both rest from now on.

    What somebody else holds by now, because the lease ran out, is left to them.
    """
    for row_id, rest in ((seat.chat_row_id, CHAT_GAP), (seat.row_id, SEAT_REST)):
        until = now + rest
        is_free_for_us = or_(Lane.next_at == seat.held_until, Lane.next_at < until)
        session.execute(update(Lane).where(Lane.id == row_id, is_free_for_us).values(next_at=until))


def pause_bot(session: Session, pace: str, rest: timedelta, *, now: datetime) -> None:
    """Have a bot say nothing anywhere for as long as Telegram asks (Bot API, `retry_after`)."""
    row = _row(session, pace)
    row.paused_until = max(row.paused_until or now, now + rest)
    session.flush()


def chat_rows(before: datetime) -> Select[int]:
    """Select the rows of chats into which nothing was said since; old ones pace nothing, and name people."""
    bots = f"{Channel.TELEGRAM.value}:bot"
    return (
        select(Lane.id)
        .where(
            Lane.name.between(bots, f"{bots}~"),
            Lane.name.like(f"{bots}%:%"),
            Lane.name.not_like(f"{bots}%:seat%"),
            Lane.next_at < before,
        )
        .order_by(Lane.name)
    )


def _resting(until: datetime, now: datetime) -> Slot:
    """Say when to ask again for a chat: if it is held, it will rest for a second from its answer at least."""
    return Slot(min(until, now + max(CHAT_GAP, LOOK_AGAIN)), is_reserved=False)


def _take_seat(session: Session, pace: str, until: datetime, now: datetime) -> int | None:
    """Take a seat that nobody holds and return its row; the first time there are none yet."""
    names = [f"{pace}:seat{number}" for number in range(SEATS)]
    is_free = or_(Lane.next_at.is_(None), Lane.next_at <= now)
    free = select(Lane.id).where(Lane.name.in_(names), is_free).limit(1).with_for_update(skip_locked=True)
    key = session.scalar(free)
    if key is None and session.scalar(select(Lane.id).where(Lane.name == names[-1])) is None:
        _insert(session, names)
        key = session.scalar(free)
    if key is not None:
        session.execute(update(Lane).where(Lane.id == key).values(next_at=until))
    return key


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
    rows = [{"name": name} for name in names]
    session.execute(insert_into(session, Lane).values(rows).on_conflict_do_nothing())
