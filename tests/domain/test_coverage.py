"""How far credit reaches: in the order in which periods open, never further than the money."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from substrack.domain.coverage import FORESEEN, Ahead, Coverage, cover, periods_a_year
from substrack.domain.cycles import Cycle, Unit
from substrack.domain.shares import PartPeriod, SplitKind
from substrack.domain.sharing import SharingRules, Stay

OLGA = ("olga", "EUR")


def ahead(key: int, share: int | None, day: int = 1, **terms: object) -> Ahead:
    """A monthly group from a day of March on."""
    cycle = Cycle.begin(Unit.MONTH, 1, None, date(2026, 3, day))
    return Ahead(key, OLGA, cycle, 1, lambda _window: share, **terms)  # type: ignore[arg-type]


def priced(key: int, *shares: int, day: int = 1) -> Ahead:
    """A group whose periods cost one after the other what is given, and the last of it from then on."""
    cycle = Cycle.begin(Unit.MONTH, 1, None, date(2026, 3, day))
    return Ahead(key, OLGA, cycle, 1, lambda window: shares[min(window.sequence, len(shares)) - 1])


def test_credit_covers_whole_shares_and_the_rest_lies_ready() -> None:
    assert cover([ahead(1, 299)], free={OLGA: 1300}, kept={}) == {1: Coverage(4, 104)}


def test_two_groups_take_turns_as_their_periods_open() -> None:
    found = cover([ahead(1, 300, 20), ahead(2, 500, 5)], free={OLGA: 1500}, kept={})
    # 500 on 5 March, 300 on the 20th, 500 on 5 April; the last 200 on the 20th are not enough.
    assert found == {1: Coverage(1, 200), 2: Coverage(2)}


def test_what_is_collected_ahead_opens_first() -> None:
    early = ahead(2, 500, 20, collect_days_before=25)
    assert cover([ahead(1, 300, 1), early], free={OLGA: 500}, kept={})[2] == Coverage(1)


def test_credit_kept_for_a_group_settles_no_other() -> None:
    found = cover([ahead(1, 300), ahead(2, 300)], free={}, kept={2: 900})
    assert found == {1: Coverage(0, 0), 2: Coverage(3, 0)}


def test_what_is_kept_goes_before_what_is_free() -> None:
    assert cover([ahead(1, 300)], free={OLGA: 500}, kept={1: 100}) == {1: Coverage(2)}


def test_a_price_that_is_set_counts_from_its_period_on() -> None:
    assert cover([priced(1, 257, 366)], free={OLGA: 1816}, kept={}) == {1: Coverage(5, 95)}


def test_what_costs_nothing_yet_is_covered_by_credit_for_what_comes_after() -> None:
    assert cover([priced(1, 0, 0, 300)], free={OLGA: 400}, kept={}) == {1: Coverage(3, 100)}
    assert cover([priced(1, 0, 0, 300)], free={}, kept={}) == {}


def test_nothing_is_promised_that_an_unknown_bill_may_take() -> None:
    phone = ahead(1, None, 10, bill_comes_later=True)
    found = cover([phone, ahead(2, 300)], free={OLGA: 1200}, kept={})
    assert found == {2: Coverage(1, 0, unless=(1,))}


def test_a_bill_that_is_awaited_may_take_at_any_time() -> None:
    found = cover([ahead(2, 300)], free={OLGA: 1200}, kept={2: 700}, unsure=[(OLGA, 1)])
    assert found == {2: Coverage(2, 100, unless=(1,))}


def test_a_bill_is_entered_after_what_opens_on_the_same_day() -> None:
    found = cover([ahead(1, None, bill_comes_later=True), ahead(2, 300)], free={OLGA: 300}, kept={})
    assert found[2] == Coverage(1)


def test_of_what_opens_on_the_same_day_the_earlier_due_date_comes_first() -> None:
    found = cover([ahead(1, 300, due_days=5), ahead(2, 300)], free={OLGA: 400}, kept={})
    assert found == {1: Coverage(0, 100), 2: Coverage(1)}


def test_another_payers_credit_covers_nothing() -> None:
    assert cover([ahead(1, 300)], free={("mia", "EUR"): 900}, kept={}) == {1: Coverage()}


def test_nothing_is_covered_after_the_end_nor_while_the_bill_is_unknown() -> None:
    ending = ahead(1, 300, ends_on=date(2026, 4, 15))
    assert cover([ending], free={OLGA: 9000}, kept={}) == {1: Coverage(2)}
    ending = ahead(1, 300, ends_on=date(2026, 4, 1))
    assert cover([ending], free={OLGA: 9000}, kept={}) == {1: Coverage(2)}
    assert cover([ahead(1, None)], free={OLGA: 9000}, kept={}) == {}
    assert cover([ahead(1, 0)], free={OLGA: 9000}, kept={}) == {}


def test_nothing_is_covered_after_the_last_shared_period() -> None:
    rules = SharingRules(SplitKind.EQUAL, PartPeriod.FULL, payer_id=1, payer_included=True)
    stays = (Stay(1, 2, date(2026, 1, 1), date(2026, 4, 15)), Stay(2, 2, date(2026, 9, 1)))
    assert cover([ahead(1, 300, stays=stays, rules=rules)], free={OLGA: 9000}, kept={}) == {1: Coverage(2)}


def test_a_fortune_is_foreseen_for_a_while_only() -> None:
    assert cover([ahead(1, 1)], free={OLGA: 10**12}, kept={}) == {1: Coverage(FORESEEN)}


@given(st.integers(0, 5000), st.lists(st.integers(50, 900), min_size=1, max_size=4))
def test_no_more_is_covered_than_there_is(credit: int, shares: list[int]) -> None:
    groups = [ahead(key, share, 1 + key) for key, share in enumerate(shares)]
    found = cover(groups, free={OLGA: credit}, kept={})
    spent = sum(found[key].periods * share + found[key].rest_minor for key, share in enumerate(shares))
    assert spent == credit
    assert all(found[key].rest_minor < share for key, share in enumerate(shares))


def test_a_year_has_so_many_periods() -> None:
    rhythms = [(Unit.MONTH, 1), (Unit.MONTH, 3), (Unit.MONTH, 5), (Unit.WEEK, 1), (Unit.WEEK, 2)]
    counted = [periods_a_year(*rhythm) for rhythm in rhythms]
    assert counted == [12, 4, 2, 52, 26]
    assert periods_a_year(Unit.YEAR, 1) == periods_a_year(Unit.MONTH, 18) == 1
