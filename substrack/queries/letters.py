"""Letters read from the tables at the moment they are sent, so that none says what is no longer so.

A message names what it is about by ids; what it says is read here. When nothing is left to say the answer is
None and the message is cancelled. Nothing here writes or puts anything into words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.bills import Person
from substrack.domain.letter_links import LetterLinks
from substrack.domain.letters import Account, Introduction, Letter, Plain
from substrack.domain.notices import OPENS_AN_ACCOUNT, TO_ADMINS, TO_THE_FORMER, Channel, Notice
from substrack.queries import (
    admin_letters,
    changing_letters,
    member_letters,
    received_letters,
    trust_letters,
)
from substrack.queries.letter_facts import Facts, Reading
from substrack.queries.shared_facts import SharedFacts
from substrack.store import Link, Message, RoleGrant, User

EXPECTED: Final = frozenset(
    {*OPENS_AN_ACCOUNT, *TO_ADMINS, *TO_THE_FORMER, Notice.TEST, Notice.CHAT_LINKED, Notice.FRESH_LINK}
)
"""What only reaches somebody who knows of us already."""


def load_letter(
    session: Session,
    message: Message,
    *,
    links: LetterLinks,
    now: datetime,
    shared: SharedFacts | None = None,
) -> Letter | None:
    """Read what a message has to say as of `now`; None when nothing is left to say.

    The locale is the contact's or the workspace's, as stored; `texts` chooses the nearest it can write. The
    `shared` is there when several messages are read together.
    """
    reading = Reading(session, message, now, shared or SharedFacts(session, [message]))
    facts = _READERS[message.notice](reading)
    if facts is None:
        return None
    contact = reading.contact
    return Letter(
        notice=message.notice,
        locale=(contact.language if contact else None) or reading.workspace.language,
        to=Person(contact.name if contact else ""),
        links=links,
        content=facts.content,
        payers=facts.payers,
        groups=facts.groups,
        thread=facts.thread,
        reply_to=facts.reply_to or _only_email(facts.payers),
        introduction=_introduction(reading),
    )


def _introduction(reading: Reading) -> Introduction | None:
    """Say who added the reader of a mail, if it is the first they ever get; None for admins.

    Whoever was added on the command line is not told a name.
    """
    message = reading.message
    if message.notice in EXPECTED or message.channel is not Channel.EMAIL or message.contact_id is None:
        return None
    if reading.shared.is_known(message.contact_id):
        return None
    return Introduction(reading.shared.who_added(message.contact_id), reading.workspace.name)


def _account(reading: Reading) -> Facts | None:
    """A link that was used, revoked or has run out is not worth sending."""
    payload = reading.message.payload
    link = reading.session.get(Link, payload["link_id"])
    if link is None or link.used_at is not None or link.revoked_at is not None:
        return None
    if link.expires_at is not None and link.expires_at <= reading.now:
        return None
    until = link.expires_at.astimezone(ZoneInfo(reading.time_zone)) if link.expires_at else None
    user = reading.session.get(User, payload["invited_by"]) if payload.get("invited_by") else None
    return Facts(Account(reading.workspace.name, until, user.name if user else None))


def _plain(reading: Reading) -> Facts | None:
    return Facts(Plain(reading.workspace.name))


def _chat_linked(reading: Reading) -> Facts | None:
    """An admin is told what admins do in a chat."""
    grants = select(RoleGrant.id).join(User, User.id == RoleGrant.user_id)
    is_own = (RoleGrant.contact_id == reading.message.contact_id, User.deactivated_at.is_(None))
    is_admin = reading.session.scalar(grants.where(*is_own).limit(1)) is not None
    return Facts(Plain(reading.workspace.name, for_admin=is_admin))


def _only_email(payers: Sequence[Person]) -> str | None:
    return payers[0].email if len(payers) == 1 else None


_READERS: Mapping[Notice, Callable[[Reading], Facts | None]] = MappingProxyType(
    {
        Notice.REQUEST: member_letters.asking,
        Notice.REMINDER: member_letters.asking,
        Notice.PERIOD_OPENED: member_letters.period_opened,
        Notice.WELCOME: member_letters.welcome,
        Notice.HEADS_UP: member_letters.heads_up,
        Notice.PRICE_CHANGE: member_letters.price_change,
        Notice.SHARE_CHANGED: changing_letters.share_changed,
        Notice.CLAIM_RECEIVED: admin_letters.claim_received,
        Notice.CLAIMS_WAITING: admin_letters.claims_waiting,
        Notice.RECEIVED: received_letters.received,
        Notice.PART_RECEIVED: received_letters.received,
        Notice.REJECTED: member_letters.rejected,
        Notice.WAIVED: member_letters.waived,
        Notice.OBJECTION_ANSWERED: member_letters.objection_answered,
        Notice.BILL_WANTED: admin_letters.bill_wanted,
        Notice.REQUESTS_EXHAUSTED: admin_letters.requests_exhausted,
        Notice.OBJECTION: admin_letters.objection,
        Notice.ADDRESS_REFUSED: admin_letters.address_refused,
        Notice.UNSUBSCRIBED: admin_letters.unsubscribed,
        Notice.INVITE: _account,
        Notice.SETUP: _account,
        Notice.RESET: _account,
        Notice.FRESH_LINK: _plain,
        Notice.TEST: _plain,
        Notice.CHAT_LINKED: _chat_linked,
        Notice.CHAT_REPLACED: _plain,
        Notice.STALE_CODE: admin_letters.stale_code,
        Notice.BOT_REFUSED: admin_letters.bot_refused,
        Notice.MAILBOX_REPLACED: trust_letters.mailbox_replaced,
        Notice.PAY_DETAILS_CHANGED: trust_letters.pay_details_changed,
        Notice.CHAT_DISPUTED: trust_letters.chat_disputed,
    }
)
