"""How mail is doing: what waits, what failed, when something last went out, and what became of a test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, String, cast, func, literal, select
from sqlalchemy.orm import Session

from substrack.domain.delivery import Fate, MessageState, fate_of
from substrack.domain.notices import Channel, Notice
from substrack.queries.chats import ENVIRONMENT
from substrack.queries.message_lists import IS_KEPT
from substrack.store import Connection, Lane, Message


@dataclass(frozen=True)
class SentTest:
    """The latest test of somebody."""

    public_id: str
    fate: Fate
    at: datetime
    last_error: str | None


@dataclass(frozen=True)
class MailStatus:
    """How the mail of a workspace is doing; `failing_since` while the server takes nothing from anybody.

    `last_error` is what the server said last, of everybody's mail or else of one that failed for good.
    `last_kept_at` is when a mail was last kept here, which nobody got.
    """

    failing_since: datetime | None
    last_error: str | None
    last_sent_at: datetime | None
    last_kept_at: datetime | None
    waiting: int
    failed: int
    test: SentTest | None


def load_mail_status(session: Session, workspace_id: int, contact_id: int) -> MailStatus:
    """Load how mail is doing, with the latest test of a contact (3 statements, and one where some failed)."""
    is_mail = (Message.workspace_id == workspace_id, Message.channel == Channel.EMAIL)
    last_sent_at, last_kept_at, waiting, failed = session.execute(
        select(
            func.max(Message.sent_at).filter(~IS_KEPT),
            func.max(Message.sent_at).filter(IS_KEPT),
            func.count().filter(Message.state.in_([MessageState.QUEUED, MessageState.SENDING])),
            func.count().filter(Message.state == MessageState.DEAD),
        ).where(*is_mail)
    ).one()
    lane = session.scalar(
        select(Lane)
        .join(Connection, Lane.name == literal(f"{Channel.EMAIL.value}:") + cast(Connection.id, String))
        .where(
            Connection.workspace_id == workspace_id,
            Connection.channel == Channel.EMAIL,
            Connection.name == ENVIRONMENT,
        )
    )
    test = session.scalar(
        select(Message)
        .where(*is_mail, Message.contact_id == contact_id, Message.notice == Notice.TEST)
        .order_by(Message.id.desc())
        .limit(1)
    )
    last_failure = _last_failure(session, *is_mail) if failed else None
    return MailStatus(
        failing_since=lane.failing_since if lane else None,
        last_error=(lane.last_error if lane else None) or last_failure,
        last_sent_at=last_sent_at,
        last_kept_at=last_kept_at,
        waiting=waiting,
        failed=failed,
        test=_test(test) if test else None,
    )


def _last_failure(session: Session, *is_mail: ColumnElement[bool]) -> str | None:
    """Say why mail failed for good that last did."""
    failed = select(Message.last_error).where(*is_mail, Message.state == MessageState.DEAD)
    return session.scalar(failed.order_by(Message.id.desc()).limit(1))


def _test(message: Message) -> SentTest:
    at = message.sent_at or message.created_at
    fate = fate_of(message.state, message.provider_id)
    return SentTest(message.public_id, fate, at, message.last_error)
