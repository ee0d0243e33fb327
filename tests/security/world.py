"""Two workspaces on one installation: in Olga's there is one of everything; Zed owns the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Final, TypeVar

from flask import Flask
from sqlalchemy import MetaData, Select, select

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.services.links import issue_link, renew_pay_link, renew_unsubscribe_link
from substrack.services.payments import confirm_payment
from substrack.services.proofs import SafeProof, claim_with_proof
from substrack.services.putting_off import object_to_payments
from substrack.services.receipts import record_receipt
from substrack.services.user_sessions import start_session
from substrack.store import (
    Address,
    Attachment,
    Attempt,
    Base,
    Contact,
    Event,
    Group,
    Link,
    LinkPurpose,
    Member,
    Message,
    Period,
    Receipt,
    User,
    UserSession,
)
from substrack.web.app import create_app
from substrack.worker.outbox import deliver_due
from tests.support.cast import Cast, make_stranger, money
from tests.web.admin import cast_of
from tests.web.scenes import youtube_of
from tests.web.support import NOW, Browser, browser, found_home

Found = TypeVar("Found")
PROOF: Final = SafeProof(b"%PDF-1.4\n%%EOF\n", "application/pdf")


@dataclass
class World:
    """The app of the installation, both casts, and Olga's members."""

    app: Flask
    runtime: Runtime
    cast: Cast
    zed: Cast
    ben: Member
    mia: Member

    def nobody(self) -> Browser:
        """Open a browser that nobody is signed in with."""
        return browser(self.app, self.runtime)

    def browser_of(self, user: Actor) -> Browser:
        """Open a browser somebody is signed in with."""
        assert user.id is not None
        opened = self.nobody()
        opened.sign_in(self.runtime, user.id)
        return opened

    @cached_property
    def ada(self) -> Actor:
        """An admin beside Olga, who owns the workspace."""
        return self.cast.second_admin("Ada")

    @cached_property
    def ids(self) -> dict[str, str]:
        """Name one thing of each kind in Olga's workspace, as addresses and forms do."""
        claimed = self.cast.payment_of(self.ben)
        noted = self.cast.payment_of(self.mia)
        assert noted.objection is not None
        return {
            "attachment": self.first(select(Attachment)).public_id,
            "claim": self.first(select(Attempt)).public_id,
            "decision": self.first(select(Event).where(Event.verb == "confirm")).correlation_id or "",
            "group": self.first(select(Group)).public_id,
            "member": self.ben.public_id,
            "message": self.first(
                select(Message).where(Message.contact_id != self.cast.olga_contact)
            ).public_id,
            "objection": noted.objection,
            "payment": claimed.public_id,
            "period": self.first(select(Period)).public_id,
            "person": self.first(select(Contact).where(Contact.id == self.ben.contact_id)).public_id,
            "receipt": self.first(select(Receipt).where(Receipt.source == "admin")).public_id,
            "user": self.first(select(User).where(User.id == self.cast.olga.id)).public_id,
            "session": self.first(
                select(UserSession).where(UserSession.user_id == self.cast.olga.id)
            ).public_id,
        }

    @cached_property
    def links(self) -> dict[str, str]:
        """Issue one link of each purpose for somebody of Olga's."""
        terms: dict[str, Any] = {"workspace_id": self.cast.workspace_id, "now": self.runtime.now()}
        own = terms | {"contact_id": self.cast.olga_contact, "user_id": self.cast.olga.id}
        invited = terms | {"contact_id": self.mia.contact_id, "email": "mia@example.org"}
        address = self.first(select(Address).where(Address.contact_id == self.ben.contact_id))
        claim = self.first(select(Attempt))
        do = self.cast.do
        made = {
            "pay": do(renew_pay_link, self.ben.contact_id, **terms),
            "unsubscribe": do(renew_unsubscribe_link, address.id, **terms),
            "decide": do(issue_link, LinkPurpose.DECIDE, attempt_id=claim.id, **own),
            "reset": do(issue_link, LinkPurpose.RESET, **own),
            "invite": do(issue_link, LinkPurpose.INVITE, **invited),
            "setup": do(issue_link, LinkPurpose.SETUP, now=self.runtime.now()),
            "enter": do(issue_link, LinkPurpose.ENTER, **own),
        }
        return {purpose: self.token(link) for purpose, link in made.items()}

    def token(self, link: Link) -> str:
        """Sign a link as letters carry it."""
        return self.runtime.signer.token(link.purpose, link.jti)

    def first(self, query: Select[Found]) -> Found:
        """Load the first row that there has to be."""
        found = self.cast.read(lambda session: session.scalars(query.limit(1)).first())
        assert found is not None, str(query)
        return found

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Read the whole database, to be compared with what it is later."""
        metadata: MetaData = Base.metadata
        with self.runtime.reading() as session:
            return {
                table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
                for table in metadata.sorted_tables
            }


def make_world(runtime: Runtime) -> World:
    """Furnish an empty installation: claims, a proof, money, a note, requests that went out, sessions."""
    app = create_app(runtime)
    app.testing = True
    cast = cast_of(runtime, found_home(runtime))
    members = youtube_of(cast, "Ben", "Mia", "Theo")
    world = World(app, runtime, cast, make_stranger(runtime), members["Ben"], members["Mia"])
    _furnish(world, members["Theo"])
    return world


@contextmanager
def as_it_was(world: World) -> Iterator[None]:
    """Put the database back afterwards."""
    url = str(world.runtime.write_engine.url.database)
    kept = sqlite3.connect(":memory:")
    live = sqlite3.connect(url)
    live.backup(kept)
    try:
        yield
    finally:
        kept.backup(live)
        kept.close()
        live.close()


def _furnish(world: World, theo: Member) -> None:
    cast, by_olga = world.cast, {"by": world.cast.olga, "now": NOW}
    ben, mia = world.ben.contact_id, world.mia.contact_id
    claimed = [cast.payment_of(world.ben).id]
    cast.do(claim_with_proof, ben, claimed, PROOF, by=Actor.contact(ben), now=NOW)
    noted = [cast.payment_of(world.mia).id]
    cast.do(object_to_payments, mia, noted, text="Twice?", by=Actor.contact(mia), now=NOW)
    cast.do(confirm_payment, cast.payment_of(theo).id, **by_olga)
    cast.do(
        record_receipt,
        cast.workspace_id,
        contact_id=theo.contact_id,
        payer_id=cast.olga_contact,
        amount=money("1.00"),
        **by_olga,
    )
    deliver_due(world.runtime, now=NOW + timedelta(minutes=1))
    for who in (cast.olga, world.zed.olga):
        cast.do(_sign_in, who)


def _sign_in(session: Any, who: Actor) -> None:
    assert who.id is not None
    start_session(session, who.id, agent="Another browser", now=NOW)
