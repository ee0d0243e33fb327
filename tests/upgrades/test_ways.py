"""What revision 0020 makes of ways to pay, of which nobody had said whom they pay."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from substrack.bootstrap import migrate, schema_transaction
from tests.support.databases import KINDS, Databases, Kind
from tests.upgrades.states import DIRECTORY, load_state, reading_engine

GROUPS = "SELECT group_id FROM pay_methods GROUP BY group_id ORDER BY group_id"
OTHER = "SELECT max(id) FROM contacts"
HAND_OVER = "UPDATE groups SET payer_id = :payer WHERE id = :id"
WAYS = """
    SELECT pay_methods.group_id, pay_methods.payer_id, groups.payer_id AS paid
    FROM pay_methods JOIN groups ON groups.id = pay_methods.group_id
"""


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_shown_for_a_group_pays_whom_it_pays_now(databases: Databases, kind: Kind) -> None:
    with databases.lend(kind, migrated=False) as url:
        load_state(DIRECTORY / "0019.zip", url)
        with schema_transaction(url) as connection:
            groups = list(connection.scalars(text(GROUPS)))
            payer_id = connection.scalar(text(OTHER))
            connection.execute(text(HAND_OVER), {"payer": payer_id, "id": groups[0]})
        migrate(url)
        with reading_engine(url) as engine, engine.connect() as connection:
            ways = connection.execute(text(WAYS)).all()
    assert all(way.payer_id == way.paid for way in ways)
    assert {way.payer_id for way in ways if way.group_id == groups[0]} == {payer_id}
