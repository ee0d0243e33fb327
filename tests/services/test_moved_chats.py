"""Claims about a chat that goes on under another number: it is followed, and not for ever."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from substrack.channels.telegram_errors import ChatMoved
from substrack.domain.actors import Actor, Via
from substrack.domain.delivery import BACKOFF, MessageState
from substrack.domain.notices import Channel, Notice
from substrack.services.chat_rows import queue_into, write_chat
from substrack.services.delivery import build_message, claim_messages
from substrack.services.outcomes import Accepted, follow_move, mark_sent
from substrack.store import Address, Contact, Member, Message
from tests.support.cast import START, Cast

pytestmark = pytest.mark.only_sqlite
LEASE = timedelta(minutes=5)


@pytest.fixture
def ben(cast: Cast) -> Member:
    member = cast.join(cast.group(), "Ben")
    link(cast, member, "-5")
    return member


def link(cast: Cast, member: Member, chat: str) -> None:
    with cast.runtime.transaction() as session:
        by = Actor.contact(member.contact_id, Via.TELEGRAM)
        contact = session.get_one(Contact, member.contact_id)
        address = session.scalar(select(Address).where(Address.value == "-5"))
        write_chat(session, contact, address, chat, key=f"test:{chat}", by=by, now=START)


def chat_of(cast: Cast, member: Member) -> str:
    query = select(Address.value).where(
        Address.contact_id == member.contact_id, Address.channel == Channel.TELEGRAM
    )
    return cast.read(lambda session: session.scalars(query).one())


def newest(cast: Cast) -> Message:
    return cast.messages(channel=Channel.TELEGRAM)[-1]


def move(cast: Cast, to: int, now: datetime = START) -> None:
    """Try to send what is due, and hear that the chat has moved."""
    with cast.runtime.transaction() as session:
        [claimed] = claim_messages(session, newest(cast).lane, limit=1, lease=LEASE, now=now)
        built = build_message(session, claimed, signer=cast.runtime.signer, now=now)
        assert built is not None
        follow_move(session, claimed, ChatMoved(to), sent_to=built.to, to=str(to), now=now)


def test_the_message_goes_there_at_once(cast: Cast, ben: Member) -> None:
    move(cast, -1005)
    message = newest(cast)
    assert (message.state, message.due_at, message.attempts) == (MessageState.QUEUED, START, 1)
    assert chat_of(cast, ben) == "-1005"


def test_one_that_is_sent_on_and_on_comes_to_an_end(cast: Cast, ben: Member) -> None:
    for number in range(len(BACKOFF) + 1):
        move(cast, -1005 - number, newest(cast).due_at)
    assert newest(cast).state is MessageState.DEAD


def test_what_the_chat_shows_is_edited_no_more(cast: Cast, ben: Member) -> None:
    """The numbers of messages begin anew in a supergroup."""
    with cast.runtime.transaction() as session:
        [claimed] = claim_messages(session, newest(cast).lane, limit=1, lease=LEASE, now=START)
        mark_sent(session, [Accepted(claimed, "7")], now=START)
    with cast.runtime.transaction() as session:
        address = session.scalars(select(Address).where(Address.value == "-5")).one()
        contact = session.get_one(Contact, ben.contact_id)
        queue_into(session, contact, address, Notice.TEST, "again", START)
    move(cast, -1005)
    assert cast.messages(id=claimed.id)[0].provider_id is None


def test_a_former_chat_that_moved_changes_nothing_about_the_present_one(cast: Cast, ben: Member) -> None:
    with cast.runtime.transaction() as session:
        [claimed] = claim_messages(session, newest(cast).lane, limit=1, lease=LEASE, now=START)
        mark_sent(session, [Accepted(claimed, "7")], now=START)
    link(cast, ben, "1001")
    move(cast, -1005)
    [replaced] = cast.messages(notice=Notice.CHAT_REPLACED)
    assert (replaced.state, chat_of(cast, ben)) == (MessageState.DEAD, "1001")
