"""Letters of several claimed messages at once: read, put into words, and stored in one short transaction.

Reading takes no lock and comes after the claim, so what was claimed or confirmed before a message was claimed
is not in it. Storing makes sure that nothing has changed hands meanwhile. Only plain mails are written here;
whatever is out of the ordinary is left to `services.delivery.build_message`, one by one.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, func, select, update
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.letter_links import LetterLinks
from substrack.domain.letters import Letter
from substrack.domain.notices import OPENS_AN_ACCOUNT, TO_ADMINS, TO_THE_FORMER, Channel, rules_of
from substrack.queries.letters import load_letter
from substrack.queries.prepared import prepared
from substrack.queries.shared_facts import SharedFacts
from substrack.services.concealing import conceal, reveal
from substrack.services.delivery import BuiltMessage, mail_as_stored
from substrack.services.leases import ClaimedMessage
from substrack.services.letter_links import (
    PlannedLink,
    are_as_planned,
    key_of,
    load_live_links,
    plan_links,
    planned_urls,
    write_links,
)
from substrack.services.links import LinkSigner
from substrack.services.locks import lock_contacts
from substrack.services.withholding import find_objection, resting
from substrack.store import Address, Contact, Erasure, Message, Workspace
from substrack.store.base import Entity
from substrack.store.trouble import DatabaseTrouble
from substrack.texts.letters import render

log = logging.getLogger(__name__)

OUT_OF_THE_ORDINARY: Final = TO_ADMINS | OPENS_AN_ACCOUNT | TO_THE_FORMER
"""Notices whose addresses need a closer look, or that carry other links; there are few of them."""

_LAST_ERASURE: Final = select(func.max(Erasure.id))
_MESSAGES: Any = Message.__table__
_STORED: Final = (
    update(_MESSAGES)
    .where(_MESSAGES.c.id == bindparam("key"))
    .values(rendered=bindparam("words"), lease_until=bindparam("until"))
)


@dataclass(frozen=True)
class ReadLetter:
    """What a message has to say, and what that rests on: its address and links as they were read.

    `last_erasure` is the last there had been; a letter may not bring back somebody's name.
    """

    claimed: ClaimedMessage
    letter: Letter
    to: str
    links: tuple[PlannedLink, ...]
    last_erasure: int | None


@dataclass(frozen=True)
class WordedLetter:
    """A letter in the exact words in which it is sent, and as they are kept, without live links."""

    read: ReadLetter
    words: dict[str, Any]
    kept: dict[str, Any]


def read_letters(
    session: Session, claimed: Sequence[ClaimedMessage], *, signer: LinkSigner, now: datetime
) -> list[ReadLetter]:
    """Read what claimed messages have to say, in a dozen statements for all; the session may be read-only.

    Left out is what is no plain mail, has a text already, must not be sent now, or says nothing any more.
    """
    held = {one.id: one for one in claimed}
    found = session.scalars(*_by_keys(sorted(held)))
    messages = [one for one in found if _is_plain(one)]
    if not messages:
        return []
    last_erasure = session.scalar(_LAST_ERASURE)
    near = _Near(session, messages)
    live = load_live_links(session, near.contacts)
    rests = resting(session, [one.id for one in messages], now=now)
    shared = SharedFacts(session, messages)
    read = []
    for message in messages:
        address = near.addresses.get(message.address_id or 0)
        if message.id in rests or find_objection(session, message, address) or address is None:
            continue
        links = plan_links(message, live)
        live |= {key_of(link): link for link in links}
        letter = _read(session, message, shared, planned_urls(links, signer), now)
        if letter is not None:
            read.append(ReadLetter(held[message.id], letter, address.value, links, last_erasure))
    return read


def put_into_words(read: ReadLetter, *, signer: LinkSigner, now: datetime) -> WordedLetter:
    """Write the words, dated now; needs no database."""
    words = {**render(read.letter).as_dict(), "date": now.isoformat(), "to": read.to}
    kept = conceal(words, signer)
    return WordedLetter(read, reveal(kept, signer), kept)


def store_letters(
    session: Session, worded: Sequence[WordedLetter], *, now: datetime
) -> list[tuple[ClaimedMessage, BuiltMessage]]:
    """Store the words of messages that are still held, with their links, and hold them anew from now on.

    Left out is whose address or link is another by now, and everybody after somebody was erased.
    """
    contact_ids = {one.read.claimed.contact_id for one in worded if one.read.claimed.contact_id is not None}
    lock_contacts(session, contact_ids)
    live = load_live_links(session, contact_ids)
    held = {row.id: row for row in session.execute(*_held(worded))}
    last_erasure = session.scalar(_LAST_ERASURE)
    good = [
        one
        for one in worded
        if one.read.last_erasure == last_erasure
        and are_as_planned(one.read.links, live)
        and _is_as_read(one.read, held.get(one.read.claimed.id))
    ]
    if not good:
        return []
    write_links(session, [link for one in good for link in one.read.links], live, now=now)
    held_until = {one.read.claimed.id: now + one.read.claimed.lease for one in good}
    kept = {one.read.claimed.id: one.kept for one in good}
    session.execute(
        _STORED, [{"key": key, "words": words, "until": held_until[key]} for key, words in kept.items()]
    )
    return [(one.read.claimed, _mail(one, held_until[one.read.claimed.id])) for one in good]


def _mail(one: WordedLetter, held_until: datetime) -> BuiltMessage:
    return mail_as_stored(one.read.claimed.public_id, one.words, held_until=held_until)


class _Near:
    """The rows around some messages, held here so that the session finds them again without asking."""

    def __init__(self, session: Session, messages: Sequence[Message]) -> None:
        self.addresses = _by_key(session, Address, {one.address_id for one in messages})
        self.contacts = _by_key(session, Contact, {one.contact_id for one in messages})
        self.workspaces = _by_key(session, Workspace, {one.workspace_id for one in messages})


def _by_key(session: Session, table: type[Entity], keys: Collection[int | None]) -> dict[int, Entity]:
    query = select(table).where(table.id.in_([key for key in keys if key is not None]))
    return {one.id: one for one in session.scalars(query)}


def _is_plain(message: Message) -> bool:
    return (
        message.channel is Channel.EMAIL
        and message.notice not in OUT_OF_THE_ORDINARY
        and message.state is MessageState.SENDING
        and message.rendered is None
    )


def _read(
    session: Session, message: Message, shared: SharedFacts, links: LetterLinks, now: datetime
) -> Letter | None:
    """Read one letter; one that can't be read is left out here, and told of when it is built by itself."""
    try:
        return load_letter(session, message, links=links, now=now, shared=shared)
    except DatabaseTrouble:
        raise
    except Exception as error:
        log.debug("message %s is built by itself: %s", message.public_id, type(error).__name__)
        return None


@prepared
def _by_keys(message_ids: list[int]) -> Select[Message]:
    return select(Message).where(Message.id.in_(message_ids)).order_by(Message.id)


def _held(worded: Sequence[WordedLetter]) -> tuple[Any, dict[str, Any]]:
    claimed = [one.read.claimed for one in worded]
    return _still_held([one.id for one in claimed], sorted({one.token for one in claimed}))


@prepared
def _still_held(
    message_ids: list[int], tokens: list[str]
) -> Select[int, str, datetime | None, datetime | None]:
    return (
        select(Message.id, Address.value, Address.refused_since, Address.unsubscribed_at)
        .join(Address, Address.id == Message.address_id)
        .where(
            Message.id.in_(message_ids),
            Message.state == MessageState.SENDING,
            Message.lease_token.in_(tokens),
        )
        .order_by(Message.id)
        .with_for_update(of=Message)
    )


def _is_as_read(read: ReadLetter, row: Row[int, str, datetime | None, datetime | None] | None) -> bool:
    if row is None or row.value != read.to or row.refused_since is not None:
        return False
    return row.unsubscribed_at is None or not rules_of(read.letter.notice).is_asking
