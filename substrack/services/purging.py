"""Purging: texts of messages, old updates and old traces are deleted once they have been kept long enough.

A step takes up to 200 rows of each kind, the oldest first, by an index of its own; it is idempotent, and two
workers do not wait for each other. None of it is part of the books.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Select, bindparam, delete, null, select, text, update
from sqlalchemy.orm import Session

from substrack.domain.delivery import KEPT_NAME, WAITING
from substrack.domain.keeping import FADING_SUBJECTS, KeepDays, kept_since
from substrack.domain.sifting import sift
from substrack.services.pacing import old_chat_rows
from substrack.store import Event, Inbound, Lane, Link, Message, UserSession
from substrack.store.links import FADING as FADING_LINKS

BATCH: Final = 200

_IS_FADING: Final = text("subject_kind IN ({})".format(", ".join(f"'{kind}'" for kind in FADING_SUBJECTS)))
"""Literally the condition of the index, or SQLite does not use it."""


def has_old(session: Session, keep: KeepDays, *, now: datetime) -> bool:
    """Tell whether there is something for `purge`; reads only, a row by each index."""
    oldest = (old(keep, now).limit(1) for old in (_old_texts, *_OLD_ROWS.values()))
    return any(session.scalar(keys) is not None for keys in oldest)


def purge(session: Session, keep: KeepDays, *, now: datetime) -> tuple[int, list[str]]:
    """Delete a batch of each kind; return how many rows that were, and the files of mails that were kept.

    The caller removes the files before it commits, so that none outlives its row.
    """
    count, files = empty_texts(session, _old_texts(keep, now), now=now)
    for table, old in _OLD_ROWS.items():
        keys = session.scalars(_some(old(keep, now))).all()
        session.execute(delete(table).where(table.id.in_(keys)).execution_options(synchronize_session=False))
        count += len(keys)
    return count, files


def empty_texts(session: Session, keys: Select[int], *, now: datetime) -> tuple[int, list[str]]:
    """Delete the texts of up to 200 of these messages; return how many, and the files of kept mails."""
    chosen = session.scalars(_some(keys)).all()
    found = session.execute(
        select(Message.id, Message.payload, Message.provider_id).where(Message.id.in_(chosen))
    ).all()
    if found:
        messages: Any = Message.__table__
        sifted = bindparam("sifted", type_=messages.c.payload.type)
        emptied = update(messages).where(messages.c.id == bindparam("key"))
        session.execute(
            emptied.values(rendered=null(), emptied_at=now, payload=sifted),
            [{"key": key, "sifted": sift(payload)} for key, payload, _provider_id in found],
        )
    return len(found), [name for _key, _payload, name in found if name and KEPT_NAME.fullmatch(name)]


def _old_texts(keep: KeepDays, now: datetime) -> Select[int]:
    """Select messages that are old enough and no longer wait, whether or not they ever had a text."""
    return (
        select(Message.id)
        .where(
            text("emptied_at IS NULL"),
            Message.created_at < kept_since(now, keep.texts),
            Message.state.not_in(WAITING),
        )
        .order_by(Message.created_at)
    )


def _old_updates(keep: KeepDays, now: datetime) -> Select[int]:
    is_old = Inbound.received_at < kept_since(now, keep.inbound)
    return select(Inbound.id).where(is_old, Inbound.processed_at.is_not(None)).order_by(Inbound.received_at)


def _old_chats(_keep: KeepDays, now: datetime) -> Select[int]:
    return old_chat_rows(now)


def _old_sessions(keep: KeepDays, now: datetime) -> Select[int]:
    is_old = UserSession.seen_at < kept_since(now, keep.events)
    return select(UserSession.id).where(is_old).order_by(UserSession.seen_at)


def _old_links(keep: KeepDays, now: datetime) -> Select[int]:
    is_old = Link.expires_at < kept_since(now, keep.events)
    return select(Link.id).where(FADING_LINKS, is_old).order_by(Link.expires_at)


def _old_events(keep: KeepDays, now: datetime) -> Select[int]:
    return select(Event.id).where(_IS_FADING, Event.at < kept_since(now, keep.events)).order_by(Event.at)


_OLD_ROWS: Final[Mapping[Any, Callable[[KeepDays, datetime], Select[int]]]] = MappingProxyType(
    {
        Inbound: _old_updates,
        Lane: _old_chats,
        UserSession: _old_sessions,
        Link: _old_links,
        Event: _old_events,
    }
)
"""Tables whose old rows go as a whole, and which of them are old."""


def _some(keys: Select[int]) -> Select[int]:
    return keys.limit(BATCH).with_for_update(skip_locked=True)
