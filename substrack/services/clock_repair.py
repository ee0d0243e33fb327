"""What a clock that ran ahead leaves behind once it is put right: leases, pauses and notices of a later time.

Nobody would wait for them until that time comes. What was decided meanwhile keeps its dates.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.services.leases import lock_messages
from substrack.store import Inbound, Lane, Message

LONGEST: Final = timedelta(hours=1)
"""For how long anything is leased at the most, a turn to speak lies ahead, and an answer to an act waits.

So long the pauses are as well that we take by ourselves.
"""


def bring_back(session: Session, *, now: datetime, longest_pause: timedelta = LONGEST) -> None:
    """End leases, pauses and turns to speak that lie further ahead than any that began by now.

    Answers that were written after `now` are due as long after it as they were to wait. A pause that Telegram
    asked for may be longer than ours: where it is not known that a clock was wrong, say LONGEST_PAUSE.
    """
    late, too_late_for_a_pause = now + LONGEST, now + longest_pause
    lock_messages(session, Message.lease_until > late)
    session.execute(update(Message).where(Message.lease_until > late).values(lease_until=now))
    session.execute(update(Inbound).where(Inbound.lease_until > too_late_for_a_pause).values(lease_until=now))
    session.execute(update(Lane).where(Lane.paused_until > too_late_for_a_pause).values(paused_until=now))
    session.execute(update(Lane).where(Lane.next_at > late).values(next_at=now))
    written_later = select(Message).where(Message.state == MessageState.QUEUED, Message.created_at > now)
    for message in session.scalars(written_later):
        wait = message.due_at - message.created_at
        if wait <= LONGEST:
            message.due_at, message.created_at = now + wait, now
