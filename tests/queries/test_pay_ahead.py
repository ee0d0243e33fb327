"""What comes next for one person, among however many others, and how far their credit reaches."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from substrack.domain.payments import ReopenCause
from substrack.domain.shares import SplitKind
from substrack.queries.groups import load_terms
from substrack.queries.pay_ahead import CROWD, Coming, load_coming
from substrack.queries.pay_credit import Credit, load_credits
from substrack.services.group_edits import edit_group
from substrack.services.payments import confirm_payment, reopen_payment
from substrack.services.periods import edit_period
from substrack.services.receipts import record_receipt
from substrack.store import Group, Member
from tests.support.cast import START, Cast, at, money
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


@pytest.mark.parametrize("shares", [True, False])
def test_who_pays_for_the_group_by_now_awaits_the_bill_of_before(cast: Cast, shares: bool) -> None:
    group = cast.group(split=SplitKind.VARIABLE)
    ben, _mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    terms = cast.read(lambda session: load_terms(session, group.id))
    changed = replace(terms, payer_id=ben.contact_id, payer_included=shares)
    cast.do(edit_group, group.id, changed, by=cast.olga, now=at("2026-02-02"))

    foreseen = cast.read(lambda session: load_coming(session, ben.contact_id, (), today=START.date()).awaited)

    assert [(one.payer_id, one.span.starts_on) for one in foreseen] == [(cast.olga_contact, group.starts_on)]
    cast.do(edit_period, 1, total=money("9.00"), by=cast.olga, now=at("2026-02-03"))
    assert cast.payment_of(ben).payer_id == cast.olga_contact


def test_credit_kept_with_a_former_payer_covers_nothing_of_the_next(cast: Cast) -> None:
    group = cast.group()
    ben, mia = cast.join(group, "Ben"), cast.join(group, "Mia")
    _keep(cast, ben, group, "24.00")
    assert _covered(cast, ben) == 4

    terms = cast.read(lambda session: load_terms(session, group.id))
    cast.do(edit_group, group.id, replace(terms, payer_id=mia.contact_id), by=cast.olga, now=START)
    assert _covered(cast, ben) == 0

    _keep(cast, ben, group, "12.00", payer_id=mia.contact_id)
    assert _covered(cast, ben) == 2


def test_credit_kept_for_a_group_settles_first_what_is_open_of_it(cast: Cast) -> None:
    group, other = cast.group(), cast.group("Films")
    ben, _ = cast.join(group, "Ben"), cast.join(other, "Ben")
    cast.tick(at("2026-02-01"))
    for each in cast.payments(contact_id=ben.contact_id):
        cast.do(confirm_payment, each.id, by=cast.olga, now=at("2026-02-02"))
    _keep(cast, ben, group, "9.00")
    assert _covered(cast, ben) == 1

    due = cast.payment_of(ben)
    cast.do(reopen_payment, due.id, because=ReopenCause.NEVER_CAME, by=cast.olga, now=at("2026-02-02"))
    assert _covered(cast, ben) == 0

    cast.tick(at("2026-03-01"))
    assert [each.received_minor for each in cast.payments(member_id=ben.id)] == [900, 0]


def _keep(cast: Cast, member: Member, group: Group, amount: str, payer_id: int | None = None) -> None:
    cast.do(
        record_receipt,
        cast.workspace_id,
        contact_id=member.contact_id,
        payer_id=payer_id or cast.olga_contact,
        amount=money(amount),
        group_id=group.id,
        by=cast.olga,
        now=at("2026-02-02"),
    )


def _covered(cast: Cast, member: Member) -> int:
    """Tell how many periods of a member's group credit is said to cover."""

    def load(session: Session) -> tuple[Coming, ...]:
        return _load(session, member, *load_credits(session, member.contact_id))

    group = cast.read(lambda session: session.get_one(Group, member.group_id))
    return next(one.covered for one in cast.read(load) if one.group_public_id == group.public_id)


def _coming(cast: Cast, member: Member) -> Coming:
    (coming,) = cast.read(lambda session: _load(session, member))
    return coming


def _load(session: Session, member: Member, *credits: Credit) -> tuple[Coming, ...]:
    return load_coming(session, member.contact_id, credits, today=START.date()).coming
