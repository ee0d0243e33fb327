"""What comes next for one person does not depend on how many others there are."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from substrack.queries.pay_ahead import CROWD, Coming, load_coming
from substrack.queries.pay_credit import Credit
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


def test_credit_covers_nothing_whose_purse_a_crowd_shares(cast: Cast) -> None:
    video = cast.group("Video", "10.00", payer_included=False)
    mia = cast.join(video, "Mia")
    club = cast.group("Club", payer_included=False)
    cast.join(club, "Mia")
    credit = Credit(money("30.00"), video.payer_id, "Olga", None, None)

    def covered() -> set[int]:
        return {one.covered for one in cast.read(lambda session: _load(session, mia, credit))}

    before = covered()
    cast.do(fill, club.id, CROWD)

    assert before != {0}
    assert covered() == {0}


def _coming(cast: Cast, member: Member) -> Coming:
    (coming,) = cast.read(lambda session: _load(session, member))
    return coming


def _load(session: Session, member: Member, *credits: Credit) -> tuple[Coming, ...]:
    return load_coming(session, member.contact_id, credits, today=START.date()).coming
