"""Debtors: many people who each share two groups, and have just been asked for both in one request."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from substrack.domain.notices import Channel
from substrack.services.connections import connection_for
from substrack.store import Address, Contact, Group, Member
from tests.support.cast import START, Cast, at

ASKED: Final = at("2026-02-04")


def ask_everybody(cast: Cast, count: int) -> None:
    """Let `count` people owe February of two groups, and a request to each wait in the outbox."""
    groups = [cast.group(name, f"{count + 2}.00") for name in ("Films", "Music")]
    for group in groups:
        cast.join(group, "Ben")
    cast.do(_fill, [group.id for group in groups], count - 1)
    cast.tick(at("2026-02-01"))
    cast.tick(ASKED)


def _fill(session: Session, group_ids: list[int], count: int) -> None:
    """Write people at once, instead of by a form each."""
    workspace_id = session.get_one(Group, group_ids[0]).workspace_id
    connection = connection_for(session, workspace_id, Channel.EMAIL)
    people = [
        Contact(workspace_id=workspace_id, name=f"Guest {number}", created_at=START)
        for number in range(count)
    ]
    session.add_all(people)
    session.flush()
    for person in people:
        value = f"guest{person.id}@example.org"
        session.add(
            Address(
                contact_id=person.id,
                connection_id=connection.id,
                channel=Channel.EMAIL,
                value=value,
                value_key=value,
                created_at=START,
            )
        )
        session.add_all(
            Member(
                group_id=key, contact_id=person.id, joined_on=ASKED.date().replace(day=1), created_at=START
            )
            for key in group_ids
        )
