"""An export holds everything about a person: what stands in any column is found again, but for secrets."""

import json

import pytest
from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.queries.personal import WHOSE
from substrack.queries.personal_export import load_personal_data
from substrack.store import Base, Contact
from substrack.store.privacy import PRIVACY, Holds
from tests.support.cast import START, Cast
from tests.support.filling import NOON, fill_every_table, marked_columns, marker

pytestmark = pytest.mark.only_sqlite


def test_every_column_is_found_but_for_secrets(runtime: Runtime) -> None:
    with runtime.write_engine.connect() as connection, Session(connection) as session:
        fill_every_table(session)
        data = load_personal_data(session, 1)
    text = json.dumps(data.as_dict(NOON), ensure_ascii=False) + b"".join(data.files.values()).decode()

    marked = {(table, name) for table in WHOSE for name in marked_columns(table)}
    shown = {(table, name) for table, name in marked if marker(table, name)[:4] in text}
    expected = {(table, name) for table, name in marked if PRIVACY[table][name].holds is not Holds.SECRET}
    assert shown == expected
    assert len(shown) > 50


def test_every_column_that_is_no_key_is_named(runtime: Runtime) -> None:
    with runtime.write_engine.connect() as connection, Session(connection) as session:
        fill_every_table(session)
        tables = load_personal_data(session, 1).tables
    for name in WHOSE:
        columns = {each.name for each in Base.metadata.tables[name].columns if not each.foreign_keys}
        secret = {each for each, tag in PRIVACY[name].items() if tag.holds is Holds.SECRET}
        assert columns - secret - {"id", "bytes", "subject_id", "actor_id"} <= tables[name][0].keys()


def test_nobody_elses_rows_are_in_it(cast: Cast) -> None:
    group = cast.group()
    ben, _mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(START.replace(month=2, day=10))
    text = str(cast.read(lambda session: load_personal_data(session, ben.contact_id).as_dict(START)))
    assert "ben@example.org" in text
    assert "YouTube Premium" in text
    assert not any(other in text for other in ("Mia", "mia@", "olga@"))


def test_no_link_in_it_still_works(cast: Cast) -> None:
    group = cast.group()
    ben = cast.join(group, "Ben")
    token = "x" * 40
    with cast.runtime.transaction() as session:
        contact = session.get_one(Contact, ben.contact_id)
        contact.note = f"http://127.0.0.1:8000/pay/{token}"
    text = str(cast.read(lambda session: load_personal_data(session, ben.contact_id).as_dict(START)))
    assert "/pay/…" in text
    assert token not in text
