"""What revision 0019 makes of requests that were counted together with the word to the admins."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from substrack.bootstrap import migrate, schema_transaction
from tests.support.databases import KINDS, Databases, Kind
from tests.upgrades.states import DIRECTORY, load_state, reading_engine

ASKED = """
    SELECT payments.id, groups.max_requests FROM payments JOIN groups ON groups.id = payments.group_id
    WHERE payments.id IN (SELECT payment_id FROM message_items WHERE step = 1) ORDER BY payments.id LIMIT 3
"""
COUNT = "UPDATE payments SET requests_sent = :sent WHERE id = :id"
NUMBER = "UPDATE message_items SET step = :sent WHERE payment_id = :id AND step = 1"


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_request_has_a_number_that_is_free(databases: Databases, kind: Kind) -> None:
    """One payment is used up, of one the admins were told, and one was asked for on purpose after that."""
    with databases.lend(kind, migrated=False) as url:
        load_state(DIRECTORY / "0018.zip", url)
        with schema_transaction(url) as connection:
            used_up, told, on_purpose = use_up(connection)
        migrate(url)
        with reading_engine(url) as engine, engine.connect() as connection:
            rows = connection.execute(text("SELECT id, requests_sent, exhausted_at FROM payments")).all()
    found = {row.id: (row.requests_sent, row.exhausted_at is not None) for row in rows}
    assert found[used_up[0]] == (used_up[1], False)
    assert found[told[0]] == (told[1], True)
    assert found[on_purpose[0]] == (on_purpose[1] + 2, True)


def use_up(connection: Connection) -> list[tuple[int, int]]:
    """Use up the requests of three payments; admins know of the last two, and one is asked for once more."""
    payments = [(row.id, row.max_requests) for row in connection.execute(text(ASKED))]
    for more, (key, maximum) in enumerate(payments):
        connection.execute(text(COUNT), {"id": key, "sent": maximum + more})
    connection.execute(text(NUMBER), {"id": key, "sent": maximum + more})
    return payments
