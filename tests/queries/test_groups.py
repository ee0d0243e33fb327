"""Claims about how groups are told of."""

from __future__ import annotations

import pytest

from substrack.queries.groups import COUNTED, load_group, load_named_group
from tests.support.cast import Cast
from tests.web.crowds import fill

MORE_THAN_COUNTED = COUNTED + 5


@pytest.mark.only_sqlite
def test_all_members_of_a_group_are_counted_but_for_its_page(cast: Cast) -> None:
    club = cast.group("Club")
    cast.do(fill, club.id, MORE_THAN_COUNTED)
    today = club.starts_on

    whole = cast.read(lambda session: load_group(session, club.id, today=today))
    for_its_page = cast.read(
        lambda session: load_named_group(session, cast.workspace_id, club.public_id, today=today)
    )

    assert (whole.members, for_its_page.members) == (MORE_THAN_COUNTED + 1, COUNTED)
