"""The messages page: what was said to whom and how far it got, and one message with its exact text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.queries.message_lists import MessageRow, find_message, list_messages, load_message
from substrack.store import Message, MessageItem, Payment

MESSAGES_A_PAGE = 50

_ACTS_FOR_ANOTHER = re.compile(r"(/(?:reset|decide)/)[\w.~-]+")
"""Links that act as one certain admin; nobody else is shown them."""


@dataclass(frozen=True)
class MessagePage:
    """Some messages, newest first; `older_than` is where to go on, `counts` are of all."""

    rows: tuple[MessageRow, ...]
    counts: Mapping[MessageState, int]
    older_than: int | None


@dataclass(frozen=True)
class MessageDetail:
    """One message: its row, its text as `reader` may see it, where it was kept, and the payments it names."""

    row: MessageRow
    text: str | None
    provider_id: str | None
    payments: tuple[tuple[str, str], ...]

    @property
    def can_retry(self) -> bool:
        """Tell whether it waits for another try or failed for good."""
        return self.row.state in (MessageState.DEAD, MessageState.QUEUED)


def load_messages(
    session: Session,
    workspace_id: int,
    *,
    state: MessageState | None = None,
    notice: Notice | None = None,
    before_id: int | None = None,
) -> MessagePage:
    """Load one page of messages and how many there are of each state; two statements."""
    limit = MESSAGES_A_PAGE
    found = list_messages(
        session, workspace_id, state=state, notice=notice, before_id=before_id, limit=limit + 1
    )
    rows = tuple(found[:limit])
    counted = session.execute(
        select(Message.state, func.count())
        .where(Message.workspace_id == workspace_id)
        .group_by(Message.state)
    )
    counts = dict(counted.all())
    return MessagePage(rows, counts, rows[-1].id if len(found) > limit else None)


def load_message_detail(
    session: Session, workspace_id: int, public_id: str, *, reader_contact_id: int
) -> MessageDetail:
    """Load one message; links that act as another admin are cut short. Raises NotListed."""
    message_id = find_message(session, workspace_id, public_id)
    row = load_message(session, message_id)
    contact_id, provider_id = session.execute(
        select(Message.contact_id, Message.provider_id).where(Message.id == message_id)
    ).one()
    named = session.execute(
        select(Payment.public_id, Payment.reference)
        .join(MessageItem, MessageItem.payment_id == Payment.id)
        .where(MessageItem.message_id == message_id)
        .order_by(MessageItem.id)
    )
    is_own = contact_id == reader_contact_id
    text = row.text if is_own or row.text is None else _ACTS_FOR_ANOTHER.sub(r"\1…", row.text)
    payments = tuple((payment, reference) for payment, reference in named)
    return MessageDetail(row, text, provider_id, payments)
