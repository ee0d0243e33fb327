"""Scenes of the admin's pages: olga's workspace on a day, with groups that have opened."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.services.founding import Founded
from substrack.store import Contact, Event, Group, Member, Period, RoleGrant
from tests.support.cast import Cast, make_stranger
from tests.web.support import Browser, browser


def cast_of(runtime: Runtime, home: Founded) -> Cast:
    """Act in olga's workspace by the services."""
    with runtime.reading() as session:
        contact_id = session.scalars(
            select(RoleGrant.contact_id).where(RoleGrant.user_id == home.user_id)
        ).one()
    return Cast(runtime, home.workspace_id, Actor.user(home.user_id), contact_id)


def stranger(app: Flask, runtime: Runtime) -> Browser:
    """Open zed's browser; he is signed in and owns another workspace."""
    zed = make_stranger(runtime)
    assert zed.olga.id is not None
    opened = browser(app, runtime)
    opened.sign_in(runtime, zed.olga.id)
    return opened


def period(cast: Cast, group: Group, sequence: int) -> Period:
    """Find a period of a group; of several with one place, the one that counts."""
    query = select(Period).where(Period.group_id == group.id, Period.sequence == sequence)
    live_first = query.order_by(Period.voided_at.is_not(None)).limit(1)
    return cast.read(lambda session: session.scalars(live_first).one())


def group_of(cast: Cast, name: str) -> Group:
    """Find a group by its name."""
    return cast.read(lambda session: session.scalars(select(Group).where(Group.name == name)).one())


def members_of(cast: Cast, group: Group) -> list[Member]:
    """List the members of a group in the order they were added."""
    query = select(Member).where(Member.group_id == group.id).order_by(Member.id)
    return cast.read(lambda session: list(session.scalars(query)))


def contact_named(cast: Cast, name: str) -> Contact:
    """Find somebody by name."""
    return cast.read(lambda session: session.scalars(select(Contact).where(Contact.name == name)).one())


def events(cast: Cast) -> int:
    """Count the lines of the journal: nothing happened while it stays the same."""
    return len(cast.read(lambda session: session.scalars(select(Event.id)).all()))
