"""Faults to plant in a worker's process: each breaks one promise of delivery, and must be noticed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from substrack.services import outcomes
from substrack.services.delivery import claim_messages
from substrack.services.leases import ClaimedMessage
from substrack.services.outcomes import Accepted
from substrack.store import Message
from substrack.worker import outbox_steps
from substrack.worker.outbox_steps import Steps
from tests.chaos.crew import around

FOR_EVER = timedelta(days=365)
MARK_SECONDS = 1.0


def mark_before_sending() -> None:
    """Note a message as sent once it is put into words, and send it then."""

    def mark(built: object, post: Steps, claimed: ClaimedMessage) -> None:
        if built is not None:
            post.accept([Accepted(claimed, "")])

    def mark_all(stored: Sequence[tuple[ClaimedMessage, object]], post: Steps, *_given: Any) -> None:
        for claimed, built in stored:
            mark(built, post, claimed)

    around(Steps, "build", after=mark)
    around(Steps, "store", after=mark_all)


def claim_without_lease() -> None:
    """Hold what was claimed for good."""

    def claim(session: Session, lane: str, **named: Any) -> list[ClaimedMessage]:
        return claim_messages(session, lane, **named | {"lease": FOR_EVER})

    vars(outbox_steps)["claim_messages"] = claim


def mark_without_token() -> None:
    """Mark a message whoever holds it now."""

    def mark(session: Session, claimed: ClaimedMessage, **values: Any) -> bool:
        marking = update(Message).where(Message.id == claimed.id).values(lease_token=None, **values)
        return session.execute(marking.returning(Message.id)).first() is not None

    vars(outcomes)["write_end"] = mark
    # Marks take their time, so that a disaster finds some of them on their way.
    around(Steps, "accept", before=lambda *_given: time.sleep(MARK_SECONDS))


def forget_the_text() -> None:
    """Put a message into words anew whenever it is tried."""

    def forget(session: Session, claimed: ClaimedMessage) -> None:
        session.execute(update(Message).where(Message.id == claimed.id).values(rendered=None))

    around(outbox_steps, "build_message", before=forget)
