"""Olga's workspace with people to write to: a backlog that never runs dry, and a world that goes on changing.

Messages are queued by the real service; names change while letters are on their way, so that a text that is
made twice says two things.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from sqlalchemy import exists, func, select

from substrack.bootstrap import Runtime
from substrack.domain.notices import Notice
from substrack.queries.delivery import is_claimable, is_waiting
from substrack.services.outbox import Draft, queue
from substrack.services.people import edit_contact
from substrack.store import Lane, Message
from tests.chaos.journals import Pen
from tests.support.post import Post, open_post

PEOPLE = 40
NAMES = ("Ben", "Mia", "Ada", "Tom", "Eva", "Jan", "Lea", "Max", "Ida", "Ole")
PIECES = 100


@dataclass
class PostOffice:
    """Who writes. `queued` counts what was accepted: queued in a transaction that was committed."""

    post: Post
    people: list[int]
    queued: int = 0
    _noted: set[str] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=count)

    def write(self, pieces: int) -> None:
        """Queue so many messages, due at once."""
        while pieces > 0:
            self._queue(min(pieces, PIECES))
            pieces -= PIECES

    def _queue(self, pieces: int) -> None:
        now = self.post.runtime.now()
        drafts = [
            Draft(
                self.post.workspace_id,
                random.choice(self.people),
                Notice.FRESH_LINK,
                f"chaos:{next(self._numbers)}",
                due_at=now,
            )
            for _piece in range(pieces)
        ]
        with self.post.runtime.transaction() as session:
            made = queue(session, drafts, now=now)
        self.queued += made

    def rename_somebody(self) -> None:
        """Let the world change."""
        name = f"{random.choice(NAMES)} {random.choice(NAMES)}"
        with self.post.runtime.transaction() as session:
            now = self.post.runtime.now()
            edit_contact(session, random.choice(self.people), name=name, by=self.post.olga, now=now)

    def count_waiting(self, seconds: float) -> int:
        """Count what has not gone out and may be claimed within so many seconds."""
        soon = is_claimable(self.post.runtime.now() + timedelta(seconds=seconds))
        waiting = select(func.count()).select_from(Message).where(soon)
        with self.post.runtime.reading() as session:
            return session.scalar(waiting) or 0

    def has_paused(self) -> bool:
        """Tell whether the way out is paused, so that nobody has anything to do but to probe it."""
        with self.post.runtime.reading() as session:
            return bool(session.scalar(select(exists().where(Lane.failing_since.is_not(None)))))

    def note_claims(self, pen: Pen) -> None:
        """Note the claims that hold now: a worker may die between its commit and its own note of it."""
        held = select(Message.lease_token).where(is_waiting(), Message.lease_token.is_not(None)).distinct()
        with self.post.runtime.reading() as session:
            tokens = {token for token in session.scalars(held) if token}
        for token in tokens - self._noted:
            pen.write(what="claimed", token=token)
        self._noted = tokens

    def states(self) -> dict[str, str]:
        """Look up how each message stands."""
        with self.post.runtime.reading() as session:
            rows = session.execute(select(Message.public_id, Message.state)).all()
        return {public_id: state.value for public_id, state in rows}


def open_post_office(runtime: Runtime, *, people: int = PEOPLE) -> PostOffice:
    """Found the workspace and let people move in."""
    post = open_post(runtime)
    return PostOffice(post, [post.person(f"P{number}") for number in range(people)])
