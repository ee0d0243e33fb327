"""What the outbox does in the database: each step a transaction of its own, made in the one thread for it.

Nothing is sent, counted or logged here; in which order the steps come is `worker.outbox`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from substrack.bootstrap import Clock, Runtime
from substrack.channels.telegram_errors import ChatMoved
from substrack.domain.delivery import DeliveryFailed
from substrack.domain.notices import Channel
from substrack.queries.delivery import due_lanes
from substrack.queries.installation import load_installation
from substrack.queries.message_lists import count_due
from substrack.services.delivery import (
    BuiltMessage,
    build_message,
    claim_messages,
    clear_lane,
    release_messages,
)
from substrack.services.lanes import resume_lane
from substrack.services.leases import ClaimedMessage
from substrack.services.letter_batches import WordedLetter, store_letters
from substrack.services.outcomes import Accepted, Failed, follow_move, mark_failed, mark_sent


class Steps:
    """The steps of one outbox, which serves some channels and holds what it claims for `lease`."""

    def __init__(
        self, runtime: Runtime, *, served: Sequence[Channel], lease: timedelta, clock: Clock
    ) -> None:
        self._runtime, self._served, self._lease, self._clock = runtime, served, lease, clock

    def due(self) -> list[str]:
        """Name the open lanes with something to do; none while sending is on hold."""
        with self._runtime.reading() as session:
            if load_installation(session).hold_reason is not None:
                return []
            return due_lanes(session, self._served, now=self._clock())

    def waiting(self) -> tuple[str | None, int]:
        """Say why sending is on hold, if it is, and how much is due."""
        with self._runtime.reading() as session:
            return load_installation(session).hold_reason, count_due(session, now=self._clock())

    def clear(self, lane: str) -> None:
        """Cancel what nobody waits for any more, before a lane is emptied."""
        with self._runtime.transaction() as session:
            clear_lane(session, lane, now=self._clock())

    def claim(self, lane: str, places: int) -> list[ClaimedMessage]:
        """Claim what is due, as much as there are places for."""
        with self._runtime.transaction() as session:
            return claim_messages(session, lane, limit=places, lease=self._lease, now=self._clock())

    def store(self, worded: Sequence[WordedLetter]) -> list[tuple[ClaimedMessage, BuiltMessage]]:
        """Store words that were written without a lock, where they still hold."""
        with self._runtime.transaction() as session:
            return store_letters(session, worded, now=self._clock())

    def build(self, claimed: ClaimedMessage) -> BuiltMessage | None:
        """Put one message into words by itself; None when there is nothing to send any more."""
        with self._runtime.transaction() as session:
            return build_message(session, claimed, signer=self._runtime.signer, now=self._clock())

    def release(self, claimed: Sequence[ClaimedMessage], worded: set[int]) -> None:
        """Give back what was claimed and not sent; `worded` are the keys of those whose words were stored."""
        with self._runtime.transaction() as session:
            release_messages(session, claimed, worded=worded)

    def accept(self, accepted: Sequence[Accepted]) -> tuple[list[ClaimedMessage], list[str]]:
        """Mark what was accepted; return which are marked now, and the lanes that this opened again.

        A commit takes its time, and what comes meanwhile shares the next.
        """
        probed = {one.claimed.lane for one in accepted if one.claimed.is_probe}
        with self._runtime.transaction() as session:
            marked = mark_sent(session, accepted, now=self._clock())
            opened = [lane for lane in sorted(probed) if resume_lane(session, lane)]
        return marked, opened

    def fail(self, claimed: ClaimedMessage, failure: DeliveryFailed, built: BuiltMessage | None) -> Failed:
        """Note what became of a message that was not taken, or could not be made."""
        sent_to, is_repeat = (built.to, built.is_repeat) if built else (None, False)
        with self._runtime.transaction() as session:
            return mark_failed(
                session, claimed, failure, sent_to=sent_to, is_repeat=is_repeat, now=self._clock()
            )

    def follow(self, claimed: ClaimedMessage, moved: ChatMoved, sent_to: str) -> Failed:
        """Note that a chat has another number now."""
        to, now = str(moved.new_chat_id), self._clock()
        with self._runtime.transaction() as session:
            return follow_move(session, claimed, moved, sent_to=sent_to, to=to, now=now)
