"""What comes next for one person does not depend on how many others there are."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from substrack.queries.pay_ahead import CROWD, Coming, load_coming
from substrack.store import Member
from tests.support.cast import START, Cast, money
from tests.web.crowds import fill


@pytest.mark.parametrize(("others", "is_known"), [(CROWD - 1, True), (CROWD, False)])
def test_in_a_crowd_the_day_is_foretold_and_the_share_is_not(cast: Cast, others: int, is_known: bool) -> None:
    group = cast.group(price=f"{others + 1}.00", payer_included=False)
    ben = cast.join(group, "Ben")
    cast.do(fill, group.id, others)

    coming = _coming(cast, ben)

    assert coming.share == (money("1.00") if is_known else None)
    assert coming.span.starts_on == group.starts_on


def test_in_a_crowd_the_day_is_that_of_who_looks(cast: Cast) -> None:
    group = cast.group()
    cast.do(fill, group.id, CROWD)
    late = cast.join(group, "Mia", joined_on=group.starts_on.replace(month=6))

    assert _coming(cast, late).span.starts_on == late.joined_on


def _coming(cast: Cast, member: Member) -> Coming:
    (coming,) = cast.read(lambda session: _load(session, member))
    return coming


def _load(session: Session, member: Member) -> tuple[Coming, ...]:
    return load_coming(session, member.contact_id, (), today=START.date())
