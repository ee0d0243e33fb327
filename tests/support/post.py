"""A workspace with people to write to, and the few lines it takes to queue a message."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from attrs import evolve
from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.domain.actors import OPERATOR, Actor
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.services.founding import found_workspace
from substrack.services.outbox import Draft, queue
from substrack.services.people import add_contact
from substrack.setting_values import SecretStr
from substrack.store import Address, Message, RoleGrant

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Post:
    """Olga's workspace, seen from the post office."""

    runtime: Runtime
    workspace_id: int
    olga: Actor
    olga_id: int

    def person(self, name: str) -> int:
        """Add a contact with a mailbox made of the name, and return its key."""
        email = f"{name.lower()}@example.org"
        with self.runtime.transaction() as session:
            return add_contact(session, self.workspace_id, name=name, email=email, by=self.olga, now=NOW).id

    def write(
        self, key: str, *, to: int, notice: Notice = Notice.FRESH_LINK, due_at: datetime = NOW, **draft: Any
    ) -> int:
        """Queue one message and return its key."""
        with self.runtime.transaction() as session:
            letter = Draft(self.workspace_id, to, notice, key, due_at, **draft)
            queue(session, [letter], now=due_at)
            return session.scalars(select(Message.id).where(Message.dedupe_key == f"{key}:email")).one()

    def message(self, key: int) -> Message:
        """Load one message as it is now."""
        with self.runtime.reading() as session:
            return session.get_one(Message, key)

    def states(self) -> list[MessageState]:
        """List the states of all messages, oldest first."""
        with self.runtime.reading() as session:
            return list(session.scalars(select(Message.state).order_by(Message.id)))

    def notices_to(self, contact_id: int) -> list[Notice]:
        """List what was queued for a person, oldest first."""
        query = select(Message.notice).where(Message.contact_id == contact_id).order_by(Message.id)
        with self.runtime.reading() as session:
            return list(session.scalars(query))

    def address_of(self, contact_id: int) -> Address:
        """Load where a person is reached."""
        with self.runtime.reading() as session:
            return session.scalars(select(Address).where(Address.contact_id == contact_id)).one()


def open_post(runtime: Runtime) -> Post:
    """Found Olga's workspace."""
    with runtime.transaction() as session:
        founded = found_workspace(
            session,
            workspace_name="Home",
            time_zone="Europe/Berlin",
            name="Olga",
            email="olga@example.org",
            password_hash=None,
            by=OPERATOR,
            now=NOW,
        )
        olga_id = session.scalars(
            select(RoleGrant.contact_id).where(RoleGrant.user_id == founded.user_id)
        ).one()
    return Post(runtime, founded.workspace_id, Actor.user(founded.user_id), olga_id)


def through(runtime: Runtime, url: str, *, password: str | None = None, **settings: Any) -> Runtime:
    """Give the same runtime with a mail server of its own."""
    facts = {"smtp_url": url, "smtp_password": SecretStr(password) if password else None} | settings
    return replace(runtime, settings=evolve(runtime.settings, **facts))
