"""Who a person has their first letter from us to thank for, so that it can say so."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from substrack.domain.actors import ActorKind
from substrack.queries.prepared import prepared
from substrack.store import Event, Member, User


def find_who_added(session: Session, contact_ids: Collection[int]) -> dict[int, str]:
    """Name the admins who added people, by contact: the line that joining their first group left.

    The journal is read by its index of groups and times. Who was added on the command line is left out.
    """
    return dict(session.execute(*_added(sorted(contact_ids))).all()) if contact_ids else {}


@prepared
def _added(contact_ids: list[int]) -> Select[int, str]:
    joined = and_(
        Event.group_id == Member.group_id,
        Event.at == Member.created_at,
        Event.subject_kind == "member",
        Event.verb == "join",
        Event.subject_id == Member.id,
        Event.actor_kind == ActorKind.USER,
    )
    return (
        select(Member.contact_id, User.name)
        .join(Event, joined)
        .join(User, User.id == Event.actor_id)
        .where(Member.contact_id.in_(contact_ids))
        .order_by(Member.id.desc())
    )
