"""Pacing: how fast a bot may speak, over all workers together.

Telegram takes about 30 messages a second from a bot and one a second into a chat (Bot API FAQ, "My bot is
hitting limits"); an edit counts like a message, the answer to a press does not. Every send reserves its
instant in the lanes' rows first, so the limits hold whoever sends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
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

SLACK: Final = timedelta(milliseconds=100)
"""How late a reserved instant may be used: 26 a second and those of a tenth before are less than 30."""


@dataclass(frozen=True)
class Slot:
    """When a message may go out, if `is_reserved`; else when to ask again: the chat or the bot rests."""

    at: datetime
    is_reserved: bool


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


def is_usable(session: Session, pace: str, slot: Slot, *, slack: timedelta, now: datetime) -> bool:
    """Tell whether a reserved instant may be used now: it has not long passed, and no pause came up since."""
    if now > slot.at + slack:
        return False
    paused_until = session.scalar(select(Lane.paused_until).where(Lane.name == pace))
    return paused_until is None or paused_until <= now


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


def _paused(until: datetime, now: datetime) -> Slot:
    rest = until - now
    if rest > MOST_WAITED:
        raise DeliveryFailed("Telegram asked for a pause", scope=Scope.LANE, retry_after=rest)
    return Slot(until, is_reserved=False)


def _row(session: Session, name: str) -> Lane:
    query = select(Lane).where(Lane.name == name).with_for_update()
    found = session.scalar(query)
    if found is None:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(dialect.insert(Lane.__table__).values(name=name).on_conflict_do_nothing())
        found = session.scalars(query).one()
    return found
