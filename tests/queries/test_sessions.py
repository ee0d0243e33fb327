"""What goes straight to the connection says the same as what the ORM says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, event, select
from sqlalchemy.orm import Session

from substrack.bootstrap import Reads
from substrack.domain.cycles import Unit
from substrack.queries.prepared import prepared
from substrack.store import Contact, Group, Member, Period
from substrack.store.driven import LONGEST
from tests.support.cast import START, Cast


class ReadingSession(Reads, Session):
    """What pages read with."""


@prepared
def _members(name: str) -> Select[Member, Contact, str, Period | None]:
    return (
        select(Member, Contact, Group.name.label("group"), Period)
        .join(Contact, Contact.id == Member.contact_id)
        .join(Group, Group.id == Member.group_id)
        .outerjoin(Period, Period.group_id == Group.id)
        .where(Contact.name == name)
        .order_by(Group.name)
    )


@prepared
def _names(name: str) -> Select[str]:
    return select(Contact.name).where(Contact.name != name).order_by(Contact.name)


@prepared
def _named(contact_ids: list[int], name: str) -> Select[str]:
    return select(Contact.name).where(Contact.id.in_(contact_ids), Contact.name == name)


@prepared
def _groups(units: list[Unit], before: datetime, names: set[str]) -> Select[str, Unit, datetime, bool, Any]:
    return (
        select(Group.name, Group.unit, Group.created_at, Group.payer_included, Contact.channel_choice)
        .join(Contact, Contact.id == Group.payer_id)
        .where(Group.unit.in_(units), Group.created_at < before, Group.name.in_(names))
        .order_by(Group.name)
    )


@pytest.fixture
def twice(cast: Cast) -> Cast:
    """Ben is in two groups, of which none has a period yet."""
    for name in ("Phone", "Video"):
        cast.join(cast.group(name), "Ben")
    return cast


def _reading(cast: Cast) -> ReadingSession:
    return ReadingSession(cast.runtime.read_engine)


def test_a_page_reads_every_column_of_an_entity_as_the_orm_does(twice: Cast) -> None:
    with _reading(twice) as session, Session(twice.runtime.read_engine) as orm:
        read, entities = session.execute(*_members("Ben")).all(), orm.execute(*_members("Ben")).all()

    assert len(read) == len(entities) == 2
    for row, entity_row in zip(read, entities, strict=True):
        member, contact, group, period = row
        assert (group, period) == (entity_row[2], entity_row[3])
        for seen, entity in ((member, entity_row[0]), (contact, entity_row[1])):
            columns = entity.__mapper__.column_attrs.keys()
            assert [getattr(seen, key) for key in columns] == [getattr(entity, key) for key in columns]


def test_an_entity_that_comes_again_is_the_same_one_and_one_that_is_missing_is_none(twice: Cast) -> None:
    with _reading(twice) as session:
        (_, ben, _, period), (_, again, _, _) = session.execute(*_members("Ben"))

    assert ben is again
    assert period is None


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, LONGEST, LONGEST + 1])
def test_a_list_may_hold_any_number_of_values(twice: Cast, count: int) -> None:
    key = twice.read(lambda session: session.scalars(select(Contact.id).where(Contact.name == "Ben")).one())
    keys = [*range(-count + 1, 0), key][:count]

    with _reading(twice) as session:
        again = [list(session.scalars(*_named(keys, name))) for name in ("Ben", "Mia")]

    assert again == [["Ben"] if count else [], []]


def test_values_of_every_type_come_and_go_as_with_the_orm(twice: Cast) -> None:
    given = [Unit.MONTH, Unit.WEEK], START + timedelta(days=1), {"Phone", "Video", "Club"}
    statement = _groups(*given)

    with _reading(twice) as session, Session(twice.runtime.read_engine) as orm:
        read, entities = session.execute(*statement).all(), orm.execute(*statement).all()

    assert [tuple(row) for row in read] == [tuple(row) for row in entities]
    assert [(row.name, row.unit, row.created_at.tzinfo) for row in read] == [
        ("Phone", Unit.MONTH, UTC),
        ("Video", Unit.MONTH, UTC),
    ]


def test_a_condition_that_is_added_later_counts(twice: Cast) -> None:
    query, values = _members("Ben")

    with _reading(twice) as session:
        found = session.execute(query.where(Group.name == "Video"), values).all()

    assert [group for _member, _contact, group, _period in found] == ["Video"]


def test_what_a_use_case_has_changed_is_written_before_columns_are_read(twice: Cast) -> None:
    with twice.runtime.transaction() as session:
        ben = session.scalars(select(Contact).where(Contact.name == "Ben")).one()
        ben.name = "Benjamin"
        names = list(session.scalars(*_names("Olga")))

    assert "Benjamin" in names


def test_a_use_case_gets_entities_that_it_can_change(twice: Cast) -> None:
    with twice.runtime.transaction() as session:
        _member, ben, _group, _period = session.execute(*_members("Ben")).all()[0]
        ben.name = "Benjamin"

    assert "Benjamin" in twice.read(lambda session: list(session.scalars(*_names("Olga"))))


def test_statements_that_go_straight_to_the_connection_are_seen_by_who_counts_them(twice: Cast) -> None:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(twice.runtime.read_engine, "before_cursor_execute", note)
    try:
        with _reading(twice) as session:
            session.execute(*_members("Ben")).all()
            assert session.scalar(*_names("Olga")) == "Ben"
    finally:
        event.remove(twice.runtime.read_engine, "before_cursor_execute", note)

    assert sum(statement.startswith("SELECT") for statement in seen) == 2
