"""Home of a workspace in which more is open than a page looks at: bounded, and nothing on it is wrong."""

from __future__ import annotations

import pytest

from substrack.bootstrap import Runtime
from substrack.queries.group_periods import MANY
from substrack.queries.open_payments import LOOKED_AT
from substrack.services.founding import Founded
from substrack.services.members import leave_group
from substrack.services.payments import confirm_payment, waive_payment
from tests.support.cast import Cast
from tests.web.admin import cast_of
from tests.web.crowds import crowd, settled_crowd
from tests.web.scenes import claim
from tests.web.support import NOW, Browser

PEOPLE = LOOKED_AT // 2 + 60


@pytest.fixture
def club(runtime: Runtime, home: Founded) -> Cast:
    """So many people that all of them together owe more than is looked at, each for two months."""
    cast = cast_of(runtime, home)
    crowd(cast, PEOPLE)
    return cast


def test_totals_are_added_up_only_for_who_asks(olga: Browser, club: Cast) -> None:
    shown, whole = olga.get("/").text, olga.get("/?all=1").text

    assert "Add it all up" in shown
    assert "More is open than this page adds up by itself." in shown
    assert "More is open" not in whole
    assert f"{2 * PEOPLE:,}.00\xa0€" in whole.partition("Still to come in all")[2]


def test_what_is_told_is_whole_though_not_all_is_looked_at(olga: Browser, club: Cast) -> None:
    ben = next(one for one in club.payments() if one.contact_id != club.olga_contact)
    club.do(leave_group, ben.member_id, left_on=NOW.date(), by=club.olga, now=NOW)

    shown = olga.get("/").text

    owing, card = shown.partition("Still owed")[2], shown.partition('class="group-card"')[2]
    assert owing.count("2 payments") == 5
    assert '<span class="money">2.00\xa0€</span>' in owing
    assert ">See all<" in owing
    assert "still owes 2.00\xa0€" in shown
    assert f"0 of {PEOPLE} paid" in card
    assert f"{2 * PEOPLE:,}.00\xa0€ missing" in card
    assert " and others</strong>" in card


def test_a_small_group_beside_it_keeps_its_names_and_its_day(olga: Browser, club: Cast) -> None:
    small = club.group("Small", "8.00")
    club.join(small, "Mia")
    for _period in range(2):
        club.tick(NOW)

    card = olga.get("/").text.partition("<strong>Small</strong>")[2].partition("</a>")[0]

    assert "<strong>Mia</strong>" in card
    assert "asks Mia" in card


def test_the_card_of_a_very_large_group_names_who_is_missing_and_adds_nothing_up(
    olga: Browser, runtime: Runtime, home: Founded
) -> None:
    crowd(cast_of(runtime, home), MANY + 1)

    card = olga.get("/").text.partition('class="group-card"')[2].partition("</a>")[0]

    assert " and others</strong>" in card
    assert "paid" not in card
    assert "missing" not in card


def test_a_very_large_group_takes_one_line_once_all_is_in_and_no_claim_waits(
    olga: Browser, runtime: Runtime, home: Founded
) -> None:
    cast = cast_of(runtime, home)
    _group, ben, mia = settled_crowd(cast, MANY)
    cast.do(confirm_payment, cast.payment_of(mia).id, by=cast.olga, now=NOW)
    claim(cast, ben)

    claimed = olga.get("/").text
    cast.do(confirm_payment, cast.payment_of(ben).id, by=cast.olga, now=NOW)
    settled = olga.get("/").text

    assert '<span class="line-name">Club</span>' not in claimed
    assert "waits for claims to be checked" in claimed.partition('class="group-card"')[2].partition("</a>")[0]
    assert '<span class="line-name">Club</span>' in settled
    assert 'class="group-card"' not in settled


def test_the_fold_of_a_very_large_period_is_headed_by_what_is_in_it(
    olga: Browser, runtime: Runtime, home: Founded
) -> None:
    cast = cast_of(runtime, home)
    group, ben, _mia = settled_crowd(cast, MANY + 49)
    cast.do(waive_payment, cast.payment_of(ben).id, reason="A gift", by=cast.olga, now=NOW)

    first, last = (
        olga.get(f"/groups/{group.public_id}?page={number}").text.partition('<details class="fold"')[2]
        for number in (1, MANY // 50 + 2)
    )

    assert "<summary>Paid</summary>" in first
    assert "<summary>Waived</summary>" in last
