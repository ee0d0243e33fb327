"""Fixed amounts and prices to come: what would keep a period from opening is refused when it is entered."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.cycles import Unit
from substrack.domain.shares import FixedAmountsOverTotal, PartPeriod, SplitKind
from substrack.queries.groups import load_terms
from substrack.services.fixed_amounts import FixedAmountsOverLater
from substrack.services.group_edits import edit_group
from substrack.services.groups import end_group
from substrack.services.members import edit_member, leave_group
from substrack.services.prices import set_price
from substrack.store import Group, Member, Period, Price
from tests.support.books import check_books
from tests.support.cast import Cast, at, money

NOW = at("2026-02-03")
APRIL = date(2026, 4, 1)


@dataclass
class Scene:
    """A group at 17.99 with ben, open for February."""

    cast: Cast
    group: Group

    def price(self, amount: str, from_on: date = APRIL, now: Any = NOW) -> None:
        terms: dict[str, Any] = {"amount": money(amount), "from_on": from_on}
        self.cast.do(set_price, self.group.id, **terms, by=self.cast.olga, now=now)

    def join(self, name: str, fixed: str, **terms: Any) -> Member:
        return self.cast.join(self.group, name, fixed=money(fixed), now=NOW, **terms)

    def change(self, member: Member, *, act: Any = edit_member, now: Any = NOW, **terms: Any) -> None:
        self.cast.do(act, member.id, **terms, by=self.cast.olga, now=now)

    def open_in_april(self, now: Any) -> bool:
        self.cast.tick(now)
        query = select(Period.id).where(Period.starts_on == APRIL)
        return self.cast.read(lambda session: session.scalar(query)) is not None


def make_scene(cast: Cast) -> Scene:
    group = cast.group(split=SplitKind.WEIGHTS)
    cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    return Scene(cast, group)


def test_an_amount_that_a_later_price_does_not_bear_is_refused_with_the_day(scene: Scene) -> None:
    scene.price("5.00")
    with pytest.raises(FixedAmountsOverLater, match="From") as refused:
        scene.join("Mia", "6.00")
    assert refused.value.starts_on == APRIL
    scene.join("Mia", "5.00")
    assert scene.open_in_april(at("2026-04-01"))


def test_who_leaves_before_the_price_falls_may_pay_more(scene: Scene) -> None:
    mia = scene.join("Mia", "4.00")
    scene.change(mia, act=leave_group, left_on=APRIL)
    scene.price("5.00")
    scene.change(mia, fixed=money("6.00"))
    with pytest.raises(FixedAmountsOverLater):
        scene.change(mia, act=leave_group, left_on=date(2026, 5, 1))
    assert scene.open_in_april(at("2026-04-01"))


def test_what_a_group_never_opens_is_no_hindrance(scene: Scene) -> None:
    scene.price("5.00")
    scene.cast.do(end_group, scene.group.id, ends_on=date(2026, 3, 31), by=scene.cast.olga, now=NOW)
    scene.join("Mia", "6.00")


def test_a_price_has_to_bear_who_joins_later(scene: Scene) -> None:
    scene.join("Mia", "6.00", joined_on=date(2026, 6, 1))
    with pytest.raises(FixedAmountsOverLater):
        scene.price("5.00")
    scene.price("9.00", from_on=date(2026, 6, 1))
    scene.price("5.00")


def test_two_who_join_in_turn_have_to_fit_together(scene: Scene) -> None:
    scene.join("Mia", "10.00", joined_on=date(2026, 6, 1))
    with pytest.raises(FixedAmountsOverLater):
        scene.join("Dan", "8.00")


def test_the_whole_of_an_amount_counts_though_its_first_period_is_a_part(cast: Cast) -> None:
    group = cast.group(price="9.00", part_period=PartPeriod.DAYS)
    cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    with pytest.raises(FixedAmountsOverLater):
        cast.join(group, "Mia", fixed=money("12.00"), joined_on=date(2026, 3, 16), now=NOW)


def test_a_price_that_is_too_low_itself_is_refused_as_before(scene: Scene) -> None:
    scene.join("Mia", "6.00")
    with pytest.raises(FixedAmountsOverTotal):
        scene.price("5.00")


def _mend_price(scene: Scene, mia: Member, now: Any) -> None:
    scene.price("17.99", now=now)


def _mend_amount(scene: Scene, mia: Member, now: Any) -> None:
    scene.change(mia, fixed=money("2.00"), now=now)


def _mend_by_leaving(scene: Scene, mia: Member, now: Any) -> None:
    scene.change(mia, act=leave_group, left_on=date(2026, 3, 31), now=now)


@pytest.mark.parametrize("mend", [_mend_price, _mend_amount, _mend_by_leaving])
def test_a_refused_opening_is_tried_again_as_soon_as_it_is_mended(scene: Scene, mend: Any) -> None:
    scene.price("17.00")
    mia = scene.join("Mia", "6.00")
    query = select(Price).where(Price.group_id == scene.group.id, Price.from_on == APRIL)
    with scene.cast.runtime.transaction() as session:
        session.scalars(query).one().amount_minor = 500
    assert not scene.open_in_april(at("2026-04-02"))

    mend(scene, mia, at("2026-04-02", 12))

    assert scene.open_in_april(at("2026-04-02", 13))
    scene.cast.read(check_books)


def test_who_pays_for_the_group_no_more_has_an_amount_that_fits_what_comes(scene: Scene) -> None:
    mia = scene.join("Mia", "6.00")
    terms = scene.cast.read(lambda session: load_terms(session, scene.group.id))
    edit: dict[str, Any] = {"by": scene.cast.olga, "now": NOW}
    scene.cast.do(edit_group, scene.group.id, replace(terms, payer_id=mia.contact_id), **edit)
    scene.price("5.00")
    with pytest.raises(FixedAmountsOverLater):
        scene.cast.do(edit_group, scene.group.id, terms, **edit)
    assert scene.open_in_april(at("2026-04-01"))


def _end(scene: Scene, ends_on: date | None, now: Any = NOW) -> None:
    scene.cast.do(end_group, scene.group.id, ends_on=ends_on, by=scene.cast.olga, now=now)


def _end_in_the_form(scene: Scene, ends_on: date | None) -> None:
    _edit(scene, ends_on=ends_on)


def _edit(scene: Scene, **changes: Any) -> None:
    terms = replace(scene.cast.read(lambda session: load_terms(session, scene.group.id)), **changes)
    scene.cast.do(edit_group, scene.group.id, terms, by=scene.cast.olga, now=NOW)


@pytest.mark.parametrize("end", [_end, _end_in_the_form])
@pytest.mark.parametrize("ends_on", [None, APRIL])
def test_a_group_goes_on_no_longer_than_its_amounts_fit(scene: Scene, end: Any, ends_on: date | None) -> None:
    scene.price("5.00")
    _end(scene, date(2026, 3, 15))
    mia = scene.join("Mia", "6.00")
    with pytest.raises(FixedAmountsOverLater) as refused:
        end(scene, ends_on)
    assert refused.value.starts_on == APRIL

    end(scene, date(2026, 3, 31))
    scene.change(mia, fixed=money("5.00"))
    end(scene, ends_on)
    assert scene.open_in_april(at("2026-04-01"))


def test_an_end_by_which_nothing_more_opens_is_accepted(scene: Scene) -> None:
    scene.price("5.00")
    _end(scene, date(2026, 3, 15))
    scene.join("Mia", "6.00")
    scene.cast.tick(at("2026-03-01"))
    _end(scene, date(2026, 3, 20), now=at("2026-03-02"))


def test_a_rhythm_in_which_amounts_do_not_fit_is_refused(scene: Scene) -> None:
    scene.price("5.00", from_on=date(2026, 3, 15))
    mia = scene.join("Mia", "4.00")
    scene.change(mia, act=leave_group, left_on=APRIL)
    scene.change(mia, fixed=money("6.00"))
    with pytest.raises(FixedAmountsOverLater) as refused:
        _edit(scene, unit=Unit.WEEK, every=2, billing_day=None)
    assert refused.value.starts_on == date(2026, 3, 15)
