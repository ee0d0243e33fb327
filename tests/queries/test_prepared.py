"""A prepared statement is put together once for each case, and takes values of any kind."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from substrack.domain.delivery import MessageState
from substrack.queries.prepared import Prepared, prepared, written
from substrack.store import Contact, Message
from tests.support.cast import Cast


def test_a_statement_is_put_together_once_for_each_case_of_its_conditions(cast: Cast) -> None:
    cases: list[object] = []
    find = _finder(cases)
    for name in ("Ben", "Mia", "O'Neil"):
        cast.join(cast.group(), name)

    found = [_names_in(cast, find(name)) for name in ("Mia", "O'Neil", None)]

    assert found == [["Mia"], ["O'Neil"], ["Ben", "Mia", "O'Neil", "Olga"]]
    assert len(cases) == 2


def test_a_collection_may_hold_any_number(cast: Cast) -> None:
    keys = [cast.join(cast.group(), name).contact_id for name in ("Ben", "Mia")]

    found = [_names_in(cast, _names(some)) for some in ([], keys[:1], keys)]

    assert found == [[], ["Ben"], ["Ben", "Mia"]]


def test_what_an_index_is_made_of_stands_in_the_statement(cast: Cast) -> None:
    query = select(Message.id).where(Message.state == written(MessageState.DEAD))

    text = query.compile(cast.runtime.read_engine, compile_kwargs={"render_postcompile": True})

    assert "state = 'dead'" in str(text)


@prepared
def _names(contact_ids: list[int]) -> Select[str]:
    return select(Contact.name).where(Contact.id.in_(contact_ids)).order_by(Contact.name)


def _names_in(cast: Cast, statement: tuple[Select[str], dict[str, Any]]) -> list[str]:
    return cast.read(lambda session: list(session.scalars(*statement)))


def _finder(cases: list[object]) -> Prepared[[str | None], Select[str]]:
    def find(name: str | None) -> Select[str]:
        cases.append(name)
        query = select(Contact.name).order_by(Contact.name)
        return query if name is None else query.where(Contact.name == name)

    return prepared(find)
