"""Outcomes: what became of a message that was tried, and what follows for its address and its lane.

Sent, to be tried again, or dead; each is written by the token of the lease. Nothing here sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from substrack.domain.delivery import DeliveryFailed, MessageState, Scope, after_failure, channel_of, fate_of
from substrack.domain.notices import Channel
from substrack.services.addresses import mark_refused
from substrack.services.chat_rows import leave_as_shown, lose_chat
from substrack.services.connections import mark_bot_refused
from substrack.services.counting import count_ends
from substrack.services.lanes import pause_lane, probe_again, resume_lane
from substrack.services.leases import ClaimedMessage, destination_of, held_message, mark, write_end
from substrack.services.outbox import fall_back_to_mail
from substrack.store import Address, Message

MAX_PROVIDER_ID = 200


class Outcome(StrEnum):
    """What became of a try that failed. `LOST`: the lease had run out, and it is another worker's now."""

    RETRYING = "retrying"
    DEAD = "dead"
    LOST = "lost"


@dataclass(frozen=True)
class Accepted:
    """A message that the other side took, and what it calls it."""

    claimed: ClaimedMessage
    provider_id: str | None


@dataclass(frozen=True)
class Failed:
    """The outcome of a failed try, and whether it has just paused the lane, or opened it again."""

    outcome: Outcome
    has_paused_lane: bool = False
    has_opened_lane: bool = False


def follow_move(
    session: Session, claimed: ClaimedMessage, moved: DeliveryFailed, *, sent_to: str, to: str, now: datetime
) -> Failed:
    """Note that a chat has another number now; the message goes there next, the first time at once.

    Each move costs an attempt, so that one who is sent on and on comes to an end. A former chat that moved is
    not where the person is reached now, and is given up.
    """
    message = held_message(session, claimed)
    if message is None:
        return Failed(Outcome.LOST)
    address = session.get(Address, message.address_id) if message.address_id else None
    leads_there = address is not None and address.value == sent_to
    moved.permanent = not leads_there
    verdict = after_failure(moved, attempts=message.attempts, due_at=message.due_at, now=now)
    if leads_there and address is not None:
        address.value = address.value_key = to
        session.flush()
        leave_as_shown(session, address)
    is_first = verdict.state is MessageState.QUEUED and not message.attempts
    mark(
        session,
        claimed,
        state=verdict.state,
        due_at=message.due_at if is_first else verdict.due_at,
        attempts=verdict.attempts,
        last_error=moved.reason,
    )
    is_dead = verdict.state is MessageState.DEAD
    fall_back_to_mail(session, [message] if is_dead else [], now=now)
    has_opened = _lane_works(session, claimed, sent_to)
    return Failed(Outcome.DEAD if is_dead else Outcome.RETRYING, has_opened_lane=has_opened)


def mark_sent(session: Session, accepted: Sequence[Accepted], *, now: datetime) -> list[ClaimedMessage]:
    """Note that messages were accepted, and return those that are marked now.

    Left out, and unchanged, is whose lease had run out: it is another worker's.
    """
    in_order = sorted(accepted, key=lambda one: one.claimed.id)
    marked = [one for one in in_order if _write_sent(session, one, now)]
    fates = [(one.claimed, fate_of(MessageState.SENT, one.provider_id)) for one in marked]
    count_ends(session, [(channel_of(held.lane), fate, held.token) for held, fate in fates])
    return [one.claimed for one in marked]


def _write_sent(session: Session, one: Accepted, now: datetime) -> bool:
    provider_id = one.provider_id[:MAX_PROVIDER_ID] if one.provider_id else None
    return write_end(
        session, one.claimed, state=MessageState.SENT, sent_at=now, provider_id=provider_id, last_error=None
    )


def mark_failed(
    session: Session,
    claimed: ClaimedMessage,
    failure: DeliveryFailed,
    *,
    sent_to: str | None,
    is_repeat: bool = False,
    now: datetime,
) -> Failed:
    """Note a failed try: later, never again, or, when the whole lane fails, again without a counted attempt.

    The stored text is dropped, so that the next try says what is true then, unless this one may have arrived,
    or was itself the repeat of one that may have: a repeat must not differ. An address refused for good is
    marked and admins are told; one that was corrected since is not blamed, and the message goes there.
    `sent_to` is where it was sent, None when it did not come to that.
    """
    message = held_message(session, claimed)
    if message is None:
        return Failed(Outcome.LOST)
    address = session.get(Address, message.address_id) if message.address_id else None
    is_refused = failure.scope is Scope.ADDRESS and failure.permanent
    if is_refused and sent_to is not None and _leads_elsewhere(message, address, sent_to):
        mark(
            session, claimed, state=MessageState.QUEUED, due_at=now, rendered=None, last_error=failure.reason
        )
        return Failed(Outcome.RETRYING, has_opened_lane=_lane_works(session, claimed, sent_to))
    verdict = after_failure(failure, attempts=message.attempts, due_at=message.due_at, now=now)
    is_dead = verdict.state is MessageState.DEAD
    keeps_words = is_dead or failure.may_have_arrived or is_repeat
    mark(
        session,
        claimed,
        state=verdict.state,
        due_at=verdict.due_at,
        attempts=verdict.attempts,
        rendered=message.rendered if keeps_words else None,
        last_error=failure.reason,
    )
    if is_refused and address is not None and sent_to == address.value:
        lose = lose_chat if message.channel is Channel.TELEGRAM else mark_refused
        lose(session, address.id, reason=failure.reason, now=now)
    if message.channel is Channel.TELEGRAM:
        fall_back_to_mail(session, [message] if is_dead else [], now=now)
    if failure.scope is Scope.LANE:
        return _lane_fails(session, claimed, failure, address, now=now)
    has_opened = _lane_works(session, claimed, sent_to)
    return Failed(Outcome.DEAD if is_dead else Outcome.RETRYING, has_opened_lane=has_opened)


def _leads_elsewhere(message: Message, address: Address | None, sent_to: str) -> bool:
    """Tell whether the address was corrected since, so that it is not to blame."""
    return address is not None and destination_of(message, address) != sent_to


def _lane_fails(
    session: Session,
    claimed: ClaimedMessage,
    failure: DeliveryFailed,
    address: Address | None,
    *,
    now: datetime,
) -> Failed:
    """Pause the lane, and tell admins of a bot whose token is refused for good."""
    has_paused = pause_lane(session, claimed.lane, failure, now=now)
    if channel_of(claimed.lane) is Channel.TELEGRAM and failure.permanent and address is not None:
        mark_bot_refused(session, address.connection_id, now=now)
    return Failed(Outcome.RETRYING, has_paused_lane=has_paused)


def _lane_works(session: Session, claimed: ClaimedMessage, sent_to: str | None) -> bool:
    """Open the lane when its probe met a server that refused just this: it answers, so it works."""
    if not claimed.is_probe:
        return False
    if sent_to is None:
        probe_again(session, claimed.lane)
        return False
    return resume_lane(session, claimed.lane)
