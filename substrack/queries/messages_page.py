"""The messages page: what was said to whom and how far it got, and one message with its exact text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.delivery import Fate, MessageState
from substrack.domain.notices import Channel, Notice
from substrack.queries.message_lists import IS_KEPT, MessageRow, find_message, list_messages, load_message
from substrack.queries.namesakes import tell_apart
from substrack.queries.people_choices import load_people_choices
from substrack.store import Contact, Group, Message, MessageItem, Payment, Workspace

MESSAGES_A_PAGE: Final = 20
CHOICES: Final = 300
"""How many groups a filter offers at most."""

_ACTS_FOR_ANOTHER = re.compile(r"(/(?:reset|decide)/)[\w.~-]+")
"""Links that act as one certain admin; nobody else is shown them."""


@dataclass(frozen=True)
class MessagePage:
    """Some messages, newest first; `older_than` is where to go on, `counts` are of all."""

    rows: tuple[MessageRow, ...]
    counts: Mapping[Fate, int]
    older_than: int | None


@dataclass(frozen=True)
class MessageChoices:
    """The people and the groups a list of messages can be narrowed to, by public id and name.

    `knows_others`: there are more people than are listed; they are found by typing.
    """

    people: tuple[tuple[str, str], ...]
    groups: tuple[tuple[str, str], ...]
    knows_others: bool = False


@dataclass(frozen=True)
class MessageDetail:
    """One message: its row, its text as `reader` may see it, where it was kept, and the payments it names.

    `html` is how a mail looks, `buttons` are those that stood under a message in a chat. `contact` is the
    public id of who gets it, `time_zone` theirs. `emptied_at` is when the text was deleted.
    """

    row: MessageRow
    text: str | None
    html: str | None
    buttons: tuple[str, ...]
    provider_id: str | None
    payments: tuple[tuple[str, str], ...]
    contact: str | None
    time_zone: str
    emptied_at: datetime | None

    @property
    def can_cancel(self) -> bool:
        """Tell whether it waits for another try or failed for good."""
        return self.row.state in (MessageState.DEAD, MessageState.QUEUED)

    @property
    def can_retry(self) -> bool:
        """Tell whether it can be sent after all: what it said is still known."""
        return self.can_cancel and self.emptied_at is None


def load_messages(
    session: Session,
    workspace_id: int,
    *,
    fate: Fate | None = None,
    notice: Notice | None = None,
    contact_id: int | None = None,
    called: str = "",
    group_id: int | None = None,
    before_id: int | None = None,
) -> MessagePage:
    """Load one page of messages and how many there are of each state; two statements.

    `called` is a piece of the name of those they went to.
    """
    limit = MESSAGES_A_PAGE
    found = list_messages(
        session,
        workspace_id,
        fate=fate,
        notice=notice,
        contact_id=contact_id,
        called=called,
        group_id=group_id,
        before_id=before_id,
        limit=limit + 1,
    )
    rows = tell_apart(session, found[:limit], field="to")
    return MessagePage(rows, _counts(session, workspace_id), rows[-1].id if len(found) > limit else None)


def _counts(session: Session, workspace_id: int) -> dict[Fate, int]:
    counted = session.execute(
        select(Message.state, IS_KEPT, func.count())
        .where(Message.workspace_id == workspace_id)
        .group_by(Message.state, IS_KEPT)
    )
    counts: dict[Fate, int] = {}
    for state, is_kept, count in counted:
        fate = Fate.KEPT if is_kept and state is MessageState.SENT else Fate(state.value)
        counts[fate] = counts.get(fate, 0) + count
    return counts


def load_message_choices(session: Session, workspace_id: int, *wanted: str) -> MessageChoices:
    """Load whom and what a list of messages can be narrowed to, those `wanted` among them."""
    people = load_people_choices(session, workspace_id, wanted)
    groups = session.execute(
        select(Group.public_id, Group.name)
        .where(Group.workspace_id == workspace_id)
        .order_by(func.lower(Group.name), Group.id)
        .limit(CHOICES)
    )
    return MessageChoices(
        people=tuple((one.public_id, one.name) for one in people.rows),
        groups=tuple((row.public_id, row.name) for row in groups),
        knows_others=people.is_cut,
    )


def load_message_detail(
    session: Session, workspace_id: int, public_id: str, *, reader_contact_id: int
) -> MessageDetail:
    """Load one message; links that act as another admin are cut short. Raises NotListed."""
    message_id = find_message(session, workspace_id, public_id)
    row = load_message(session, message_id)
    message, contact, home_zone = session.execute(
        select(Message, Contact, Workspace.time_zone)
        .join(Workspace, Workspace.id == Message.workspace_id)
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .where(Message.id == message_id)
    ).one()
    named = session.execute(
        select(Payment.public_id, Payment.reference)
        .join(MessageItem, MessageItem.payment_id == Payment.id)
        .where(MessageItem.message_id == message_id)
        .order_by(MessageItem.id)
    )
    is_own = message.contact_id == reader_contact_id
    stored = message.rendered or {}
    html = stored.get("html") if row.channel is Channel.EMAIL else None
    return MessageDetail(
        row=row,
        text=_readable(row.text, is_own),
        html=_readable(html, is_own),
        buttons=tuple(key["text"] for keys in stored.get("keys", ()) for key in keys),
        provider_id=message.provider_id,
        payments=tuple((payment, reference) for payment, reference in named),
        contact=contact.public_id if contact else None,
        time_zone=(contact.time_zone if contact else None) or home_zone,
        emptied_at=message.emptied_at,
    )


def _readable(text: str | None, is_own: bool) -> str | None:
    return text if is_own or text is None else _ACTS_FOR_ANOTHER.sub(r"\1…", text)
