"""Telling people of one name apart, wherever several of them stand in one list.

What is added is the mailbox, else the groups, else a number: what only one of them has.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from substrack.domain.notices import Channel
from substrack.queries.batches import in_batches
from substrack.queries.prepared import prepared
from substrack.store import Address, Contact, Group, Member

Row = TypeVar("Row")

GROUPS_NAMED: Final = 2
"""How many of somebody's groups tell them apart."""


def tell_apart(session: Session, rows: Sequence[Row], *, field: str = "name") -> tuple[Row, ...]:
    """Add to the names of a list what tells namesakes apart: "Ann (ann@example.org)".

    Rows are frozen and know whom they are about by `contact_public_id`, or are people with a `public_id`;
    `field` holds the name. Without namesakes nothing is read and nothing changes; else two statements.
    """
    names = names_apart(
        session, {_whose(row): str(getattr(row, field)) for row in rows if getattr(row, field)}
    )
    return tuple(_named(row, field, names.get(_whose(row))) for row in rows)


def names_apart(session: Session, people: Mapping[str, str]) -> dict[str, str]:
    """Say how people are called among themselves, given their names by public id; as `tell_apart`."""
    return dict(people) | _labels(session, namesakes_among(people))


def names_of(session: Session, contact_ids: Iterable[int]) -> dict[int, str]:
    """Say how people are called among themselves, by their keys; as `tell_apart`."""
    found: dict[int, str] = {}
    names: dict[str, str] = {}
    for batch in in_batches(contact_ids):
        for key, public_id, name in session.execute(*_people(batch)):
            found[key], names[public_id] = public_id, name
    called = names_apart(session, names)
    return {key: called[public_id] for key, public_id in found.items()}


@prepared
def _people(contact_ids: list[int]) -> Select[int, str, str]:
    return select(Contact.id, Contact.public_id, Contact.name).where(Contact.id.in_(contact_ids))


def namesakes_among(people: Mapping[str, str]) -> dict[str, str]:
    """Choose of people, given as names by id, those whose name another of them has, in any case."""
    counts = Counter(name.casefold() for name in people.values())
    return {key: name for key, name in people.items() if counts[name.casefold()] > 1}


def _whose(row: Any) -> str:
    return str(row.contact_public_id if hasattr(row, "contact_public_id") else row.public_id)


def _named(row: Any, field: str, name: str | None) -> Any:
    return row if name is None or name == getattr(row, field) else replace(row, **{field: name})


def _labels(session: Session, people: Mapping[str, str]) -> dict[str, str]:
    if not people:
        return {}
    by_name: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for key, marks in _marks(session, people).items():
        by_name[people[key].casefold()][key] = marks
    return {
        key: f"{people[key]} ({mark})" for marks in by_name.values() for key, mark in _chosen(marks).items()
    }


def _chosen(marks: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Choose for each of some namesakes a mark that is theirs alone; a number where there is none."""
    numbers = {key: str(place) for place, key in enumerate(marks, start=1)}
    by_mailbox = _unique({key: mailbox for key, (mailbox, _groups) in marks.items()})
    others = {key: groups for key, (_mailbox, groups) in marks.items() if key not in by_mailbox}
    return numbers | by_mailbox | _unique(others)


def _unique(marks: Mapping[str, str]) -> dict[str, str]:
    counts = Counter(marks.values())
    return {key: mark for key, mark in marks.items() if mark and counts[mark] == 1}


def _marks(session: Session, public_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Load mailbox and groups of people, the one known longest first."""
    found: dict[str, tuple[str, str]] = {}
    for batch in in_batches(public_ids):
        groups = _groups(session, batch)
        for public_id, email in session.execute(_mailboxes(batch)):
            found[public_id] = (email or "", ", ".join(groups[public_id][:GROUPS_NAMED]))
    return found


def _mailboxes(public_ids: Sequence[str]) -> Select[str, str]:
    is_mailbox = (Address.contact_id == Contact.id) & (Address.channel == Channel.EMAIL)
    query = select(Contact.public_id, Address.value).outerjoin(Address, is_mailbox)
    return query.where(Contact.public_id.in_(public_ids)).order_by(Contact.id)


def _groups(session: Session, public_ids: Sequence[str]) -> dict[str, list[str]]:
    shared = (
        select(Contact.public_id, Group.name)
        .join(Member, Member.contact_id == Contact.id)
        .join(Group, Group.id == Member.group_id)
        .where(Contact.public_id.in_(public_ids), Member.left_on.is_(None))
        .order_by(func.lower(Group.name))
    )
    found: dict[str, list[str]] = defaultdict(list)
    for public_id, name in session.execute(shared):
        found[public_id].append(name)
    return found
