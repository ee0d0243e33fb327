"""Purging: texts of messages, old updates and old traces are deleted once they have been kept long enough.

A step takes up to 200 rows of each kind, the oldest first, by an index of its own; it is idempotent, and two
workers do not wait for each other. None of it is part of the books.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, bindparam, delete, func, null, select, text, update
from sqlalchemy.orm import Session

from substrack.domain.delivery import KEPT_NAME, WAITING
from substrack.domain.keeping import FADING_SUBJECTS, KeepDays, kept_since
from substrack.domain.sifting import sift
from substrack.queries.prepared import prepared
from substrack.services.pacing import IDLE, chat_rows
from substrack.store import Event, Inbound, Lane, Link, Message, UserSession
from substrack.store.links import FADING as FADING_LINKS

BATCH: Final = 200

_IS_FADING: Final = text("subject_kind IN ({})".format(", ".join(f"'{kind}'" for kind in FADING_SUBJECTS)))
"""Literally the condition of the index, or SQLite does not use it."""


def has_old(session: Session, keep: KeepDays, *, now: datetime) -> bool:
    """Tell whether there is something for `purge`; reads only, a row by each index, all in one statement."""
    return session.scalar(*_first_old(*_limits(keep, now))) is not None


def purge(session: Session, keep: KeepDays, *, now: datetime) -> tuple[int, list[str]]:
    """Delete a batch of each kind; return how many rows that were, and the files of mails that were kept.

    The caller removes the files before it commits, so that none outlives its row.
    """
    texts, *others = _limits(keep, now)
    count, files = empty_texts(session, _old_texts(texts), now=now)
    for table, old in _old_rows(*others).items():
        keys = session.scalars(_some(old)).all()
        if keys:
            of_these = delete(table).where(table.id.in_(keys))
            session.execute(of_these.execution_options(synchronize_session=False))
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


def _limits(keep: KeepDays, now: datetime) -> tuple[datetime, datetime, datetime, datetime]:
    """Name the instants before which texts, updates, chats' rows and traces are old."""
    return (
        kept_since(now, keep.texts),
        kept_since(now, keep.inbound),
        now - IDLE,
        kept_since(now, keep.events),
    )


@prepared
def _first_old(texts: datetime, updates: datetime, chats: datetime, traces: datetime) -> Select[int | None]:
    oldest = (_old_texts(texts), *_old_rows(updates, chats, traces).values())
    return select(func.coalesce(*(old.limit(1).scalar_subquery() for old in oldest)))


def _old_texts(before: datetime) -> Select[int]:
    """Select messages that are old enough and no longer wait, whether or not they ever had a text."""
    return (
        select(Message.id)
        .where(text("emptied_at IS NULL"), Message.created_at < before, Message.state.not_in(WAITING))
        .order_by(Message.created_at)
    )


def _old_rows(updates: datetime, chats: datetime, traces: datetime) -> dict[Any, Select[int]]:
    """Select the old rows of the tables whose old rows go as a whole."""
    return {
        Inbound: select(Inbound.id)
        .where(Inbound.received_at < updates, Inbound.processed_at.is_not(None))
        .order_by(Inbound.received_at),
        Lane: chat_rows(chats),
        UserSession: select(UserSession.id).where(UserSession.seen_at < traces).order_by(UserSession.seen_at),
        Link: select(Link.id).where(FADING_LINKS, Link.expires_at < traces).order_by(Link.expires_at),
        Event: select(Event.id).where(_IS_FADING, Event.at < traces).order_by(Event.at),
    }


def _some(keys: Select[int]) -> Select[int]:
    return keys.limit(BATCH).with_for_update(skip_locked=True)
