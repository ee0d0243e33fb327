"""Claims about more people than one statement has room for."""

from collections.abc import Callable
from typing import Any

import pytest

from substrack.queries.collection_days import load_askable, load_collection_days
from substrack.queries.namesakes import names_of
from substrack.services import billing, credit
from substrack.services.locks import lock_contacts
from substrack.services.outbox import usable_addresses
from tests.support.cast import Cast

MANY = range(70_000)
"""PostgreSQL takes 65,535 parameters; SQLite 32,766 or, as distributions build it, 250,000."""


@pytest.mark.only_postgresql
@pytest.mark.parametrize(
    "read",
    [
        lock_contacts,
        usable_addresses,
        load_collection_days,
        load_askable,
        names_of,
        billing._reachable,
        credit._pairs_with_credit,
    ],
)
def test_more_people_than_a_statement_takes_are_read(cast: Cast, read: Callable[..., Any]) -> None:
    cast.join(cast.group(), "Ben")

    with cast.runtime.transaction() as session:
        assert read(session, MANY) == read(session, range(100))
