"""What became of messages, read from the relay's book and the tables, once the outbox is empty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.notices import Channel
from substrack.store import Message
from tests.chaos.relay import Accepted
from tests.chaos.whole.deeds import Journal, undone_by

TOLD: Final = frozenset({"confirm", "reject", "waive", "receive"})
"""Decisions of which the member always hears."""


def judge_mails(session: Session, accepted: Sequence[Accepted], journal: Journal) -> Iterator[str]:
    """Say which messages were lost, changed or left, and of which decisions people heard wrongly."""
    digests: dict[str, set[str]] = defaultdict(set)
    for mail in accepted:
        digests[mail.message].add(mail.digest)
    of_decision: dict[str, list[Message]] = defaultdict(list)
    for message in session.scalars(select(Message)):
        if message.correlation_id is not None:
            of_decision[message.correlation_id].append(message)
        is_mail = message.channel is Channel.EMAIL
        if is_mail and message.state is MessageState.SENT and message.public_id not in digests:
            yield f"message {message.public_id} is marked sent and was never accepted"
        if message.state not in (MessageState.SENT, MessageState.CANCELLED):
            yield f"message {message.public_id} ({message.notice}) is {message.state}: {message.last_error}"
    for name, texts in digests.items():
        if len(texts) > 1:
            yield f"message {name} was accepted with {len(texts)} texts"
    yield from _decisions(journal, digests, of_decision)


def _decisions(
    journal: Journal, digests: dict[str, set[str]], of_decision: dict[str, list[Message]]
) -> Iterator[str]:
    undone = {name for deed in journal.deeds.values() for name in undone_by(journal, deed)}
    for deed in journal.deeds.values():
        messages = of_decision[deed.correlation_id]
        if deed.correlation_id in undone:
            if any(one.public_id in digests or one.state is MessageState.SENT for one in messages):
                yield f"undone, and told all the same: {'; '.join(map(str, deed.own))}"
        elif TOLD & {line.verb for line in deed.own} and not messages:
            yield f"nobody heard of {'; '.join(map(str, deed.own))}"
