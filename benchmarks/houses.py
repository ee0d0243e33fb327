"""Workspaces that have been lived in: fifty groups by the services, thousands as copies, and a crowd."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from benchmarks.copies import copy_groups
from benchmarks.place import Place
from substrack.bootstrap import Base, Runtime, make_runtime
from substrack.domain.actors import Actor
from substrack.domain.delivery import MessageState
from substrack.domain.payments import Status
from substrack.services.installation import BEAT_EVERY, beat
from substrack.services.links import renew_pay_link
from substrack.services.user_sessions import start_session
from substrack.settings import Settings
from substrack.store import (
    Address,
    Connection,
    Contact,
    Group,
    Installation,
    Member,
    Message,
    Payment,
    Period,
    RoleGrant,
)
from substrack.web.security import cookie_name
from tests.support.cast import START, Cast
from tests.support.databases import Kind
from tests.web.admin import cast_of
from tests.web.support import NOW, TurnableClock, found_home
from tests.web.years import live_through

LATER: Final = NOW + timedelta(days=3, hours=1)
"""The instant at which pages are looked at: requests have just gone out."""

_BEATS: Final = itertools.count(1)

GUEST: Final = "Guest 00-2"
"""Somebody in one group of the fifty, who owes three months of it."""


@dataclass(frozen=True)
class House:
    """A workspace in a database, the admin's cookie, and where the pages are."""

    settings: Settings
    cookie: str
    paths: Mapping[str, str]


@contextmanager
def lived_in(place: Place, kind: Kind, *, groups: int, periods: int) -> Iterator[Settings]:
    """Give a house in which six people have shared each of some groups for so many months."""
    size = groups, periods
    if size not in place.lived_in:
        place.lived_in[size] = place.kept.enter_context(place.lend("sqlite"))
        with acting(place.lived_in[size]) as runtime:
            live_through(cast_of(runtime, found_home(runtime)), groups=groups, people=6, periods=periods)
    with place.lend(kind) as settings:
        move(place.lived_in[size], settings)
        yield settings


def move(source: Settings, target: Settings) -> None:
    """Copy all rows into an empty database of either kind."""
    with acting(source) as runtime, acting(target) as other:
        with runtime.read_engine.connect() as read, other.write_engine.begin() as written:
            for table in reversed(Base.metadata.sorted_tables):
                written.execute(sa.delete(table))
            for table in Base.metadata.sorted_tables:
                rows = [row._asdict() for row in read.execute(sa.select(table))]
                if rows:
                    written.execute(sa.insert(table), rows)
        _settle(other)


def grow(settings: Settings, *, times: int) -> None:
    """Let there be so many times as many groups."""
    with acting(settings) as runtime:
        with runtime.write_engine.begin() as connection:
            payer_id = connection.scalar(sa.select(Group.payer_id).limit(1))
            assert payer_id is not None
            copy_groups(connection, times - 1, payer_id=payer_id)
        _settle(runtime)


def let_crowd_in(settings: Settings, *, people: int) -> None:
    """Add one group of so many people, of whom two thirds have paid the first two of three months."""
    with acting(settings) as runtime:
        with runtime.reading() as session:
            grant = session.scalars(sa.select(RoleGrant)).one()
        cast = Cast(runtime, grant.workspace_id, Actor.user(grant.user_id), grant.contact_id)
        group = cast.group("Club", f"{people + 1}.00", starts_on=date(2026, 1, 1))
        cast.join(group, "First", joined_on=date(2026, 1, 1))
        cast.do(_fill, group, people - 1)
        cast.tick(LATER)
        cast.do(_settle_old, group.id)
        _settle(runtime)


def _fill(session: Session, group: Group, count: int) -> None:
    """Write contacts, addresses and members, in a statement each."""
    first = (session.scalar(sa.select(sa.func.max(Contact.id))) or 0) + 1
    relay = session.scalars(sa.select(Connection.id).limit(1)).one()
    numbers = range(first, first + count)
    here: dict[str, Any] = {"created_at": START}
    session.execute(
        sa.insert(Contact),
        [here | {"id": key, "workspace_id": group.workspace_id, "name": f"Fan {key:06}"} for key in numbers],
    )
    reached = here | {"connection_id": relay, "channel": "email"}
    mails = [
        {"contact_id": key, "value": mail, "value_key": mail} for key in numbers for mail in [_mail(key)]
    ]
    session.execute(sa.insert(Address), [reached | mail for mail in mails])
    joined = here | {"group_id": group.id, "joined_on": group.starts_on}
    session.execute(sa.insert(Member), [joined | {"contact_id": key} for key in numbers])


def _mail(key: int) -> str:
    return f"fan{key}@example.org"


def _settle_old(session: Session, group_id: int) -> None:
    """Take two thirds of the first two months for paid, and all messages for sent."""
    old = sa.select(Period.id).where(Period.group_id == group_id, Period.sequence <= 2)
    paid = sa.update(Payment).where(Payment.period_id.in_(old), Payment.status != Status.CONFIRMED)
    closed: dict[str, Any] = {
        "status": Status.CONFIRMED,
        "closed_at": NOW,
        "next_action_at": None,
        "version": 2,
    }
    session.execute(paid.where(Payment.id % 3 > 0).values(closed | {"received_minor": Payment.amount_minor}))
    waiting = sa.update(Message).where(Message.state == MessageState.QUEUED)
    session.execute(waiting.values(state=MessageState.SENT, sent_at=LATER))


def _settle(runtime: Runtime) -> None:
    """Let PostgreSQL go on counting where keys were given, and know its tables as it does after a while."""
    if runtime.write_engine.dialect.name != "postgresql":
        return
    free = runtime.write_engine.execution_options(isolation_level="AUTOCOMMIT")
    with free.connect() as connection:
        for table in Base.metadata.sorted_tables:
            sequence = sa.func.pg_get_serial_sequence(table.name, "id")
            last = sa.select(sa.func.max(table.c.id)).scalar_subquery()
            connection.execute(sa.select(sa.func.setval(sequence, last)).where(sequence.is_not(None)))
        connection.execute(sa.text("VACUUM ANALYZE"))


def open_house(settings: Settings, *, group: str = "Subscription 00", guest: str = GUEST) -> House:
    """Sign the admin in, and find the pages: those of a group and of somebody in it."""
    with acting(settings) as runtime, runtime.transaction() as session:
        user_id = session.scalars(sa.select(RoleGrant.user_id)).one()
        token = start_session(session, user_id, agent="benchmark", now=LATER)
        found = session.scalars(sa.select(Group).where(Group.name == group)).one()
        members = sa.select(Member.contact_id).join(Contact).where(Member.group_id == found.id)
        contact_id = session.scalars(members.where(Contact.name == guest)).one()
        link = renew_pay_link(session, contact_id, workspace_id=found.workspace_id, now=LATER)
        pay = runtime.signer.token(link.purpose, link.jti)
    paths = {"home": "/", "group page": f"/groups/{found.public_id}", "review": "/review"}
    paths["member's page"] = f"/pay/{pay}"
    return House(settings, f"{cookie_name(settings, 'session')}={token}", paths)


@contextmanager
def neighbour(settings: Settings) -> Iterator[Callable[[], None]]:
    """Give somebody else at work in an installation: each call commits a heartbeat of theirs."""
    with acting(settings) as runtime:

        def commit() -> None:
            with runtime.transaction() as session:
                assert beat(session, now=LATER + next(_BEATS) * BEAT_EVERY)

        with runtime.transaction() as session:
            if session.get(Installation, 1) is None:
                session.add(Installation(id=1))
        yield commit


@contextmanager
def acting(settings: Settings) -> Iterator[Runtime]:
    """Open an installation, to act in it or look."""
    runtime = replace(make_runtime(settings), clock=TurnableClock())
    try:
        yield runtime
    finally:
        runtime.close()
