"""What opens, when, for whom and for how much; that it opens once, and costs what it should."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from substrack.domain.cycles import Unit
from substrack.domain.payments import Status
from substrack.domain.shares import PartPeriod, SplitKind
from substrack.services.groups import archive_group, end_group, pause_group, resume_group
from substrack.services.members import edit_member, leave_group
from substrack.services.periods import edit_period, open_due_periods, open_next_period
from substrack.services.prices import set_price
from substrack.store import Event, Group, Period, Price, Receipt
from substrack.worker.ticking import TickReport
from tests.support.books import check_books
from tests.support.cast import START, Cast, at, make_stranger, money
from tests.support.statements import statements


def starts(cast: Cast, group: Group | None = None) -> list[str]:
    """List when periods start, in the order they were opened."""
    query = select(Period).order_by(Period.id)
    if group is not None:
        query = query.where(Period.group_id == group.id)
    return cast.read(lambda session: [period.starts_on.isoformat() for period in session.scalars(query)])


def periods(cast: Cast) -> list[Period]:
    return cast.read(lambda session: list(session.scalars(select(Period).order_by(Period.id))))


def owed(cast: Cast) -> list[int]:
    """List what members owe, period by period."""
    return [payment.amount_minor for payment in cast.payments(kind="dues")]


MONTHLY = {"starts_on": date(2026, 1, 31)}


@pytest.mark.parametrize(
    ("terms", "until", "expected"),
    [
        (MONTHLY, "2026-04-30", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        (MONTHLY | {"every": 3}, "2026-08-01", ["2026-01-31", "2026-04-30", "2026-07-31"]),
        (MONTHLY | {"unit": Unit.YEAR}, "2028-02-01", ["2026-01-31", "2027-01-31", "2028-01-31"]),
        (MONTHLY | {"unit": Unit.WEEK, "every": 2}, "2026-03-01", ["2026-01-31", "2026-02-14", "2026-02-28"]),
        (MONTHLY | {"billing_day": 5}, "2026-03-05", ["2026-02-05", "2026-03-05"]),
        (MONTHLY | {"collect_days_before": 30}, "2026-01-30", ["2026-01-31", "2026-02-28"]),
    ],
)
def test_periods_open_in_order_on_their_days(
    cast: Cast, terms: dict[str, Any], until: str, expected: list[str]
) -> None:
    cast.join(cast.group(**terms), "Ben")
    report = cast.tick(at(until))
    assert starts(cast) == expected
    assert report.periods_opened == len(expected)
    cast.read(check_books)


@pytest.mark.parametrize(
    ("zone", "before", "since"),
    [
        ("Europe/Berlin", datetime(2026, 2, 1, 8, 59), datetime(2026, 2, 1, 9, 0)),
        ("Pacific/Auckland", datetime(2026, 1, 31, 20, 59), datetime(2026, 1, 31, 21, 0)),
        ("America/Los_Angeles", datetime(2026, 2, 1, 17, 59), datetime(2026, 2, 1, 18, 0)),
    ],
)
def test_a_period_opens_at_ten_on_the_local_day(
    cast: Cast, zone: str, before: datetime, since: datetime
) -> None:
    cast.join(cast.group(time_zone=zone), "Ben")
    utc = START.tzinfo
    assert cast.tick(before.replace(tzinfo=utc)).periods_opened == 0
    assert cast.tick(since.replace(tzinfo=utc)).periods_opened == 1


@pytest.mark.parametrize(
    ("terms", "opened", "due_on", "asked_on"),
    [
        ({}, "2026-02-01", "2026-02-01", "2026-02-01"),
        ({"due_days": 10}, "2026-02-01", "2026-02-11", "2026-02-11"),
        ({"collect_days_before": 7}, "2026-01-25", "2026-02-01", "2026-01-25"),
        ({"collect_days_before": 7, "due_days": 2}, "2026-01-28", "2026-02-03", "2026-01-28"),
        ({"due_days": 10}, "2026-02-20", "2026-02-11", "2026-02-20"),
    ],
)
def test_asking_counts_from_the_due_date_or_from_the_opening_never_from_the_past(
    cast: Cast, terms: dict[str, Any], opened: str, due_on: str, asked_on: str
) -> None:
    ben = cast.join(cast.group(**terms), "Ben")
    cast.tick(at(opened))
    payment = cast.payment_of(ben)
    assert (payment.due_on, payment.asked_on) == (date.fromisoformat(due_on), date.fromisoformat(asked_on))
    assert payment.next_action_at is not None
    assert payment.next_action_at > at(opened)


def test_after_three_months_off_nothing_is_born_overdue(cast: Cast) -> None:
    cast.join(cast.group(), "Ben")
    report = cast.tick(at("2026-04-20"))
    assert report == TickReport(periods_opened=3, messages_queued=0)
    payments = cast.payments(kind="dues")
    assert {payment.asked_on for payment in payments} == {date(2026, 4, 20)}
    assert {payment.status for payment in payments} == {Status.PENDING}
    assert cast.tick(at("2026-04-20", 23)) == TickReport()


def test_a_tick_that_comes_again_opens_nothing_again(cast: Cast) -> None:
    cast.join(cast.group(), "Ben")
    assert cast.tick(at("2026-02-01")).periods_opened == 1
    for hour in (11, 12, 23):
        assert cast.tick(at("2026-02-01", hour)) == TickReport()


def test_a_group_of_nobody_but_the_payer_opens_nothing(cast: Cast) -> None:
    group = cast.group()
    assert cast.tick(at("2026-03-01")).periods_opened == 0
    ben = cast.join(group, "Ben", now=at("2026-03-01"))
    cast.tick(at("2026-03-01"))
    cast.do(leave_group, ben.id, left_on=date(2026, 4, 15), by=cast.olga, now=at("2026-03-02"))
    cast.tick(at("2026-07-01"))
    assert starts(cast)[-1] == "2026-04-01"


@pytest.mark.parametrize("how", ["pause", "end", "archive"])
def test_a_group_that_rests_opens_nothing(cast: Cast, how: str) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    acts: dict[str, Any] = {"pause": pause_group, "archive": archive_group, "end": end_group}
    terms = {"ends_on": date(2026, 2, 20)} if how == "end" else {}
    cast.do(acts[how], group.id, by=cast.olga, now=at("2026-02-10"), **terms)
    assert cast.tick(at("2026-05-02")).periods_opened == 0
    if how == "pause":
        cast.do(resume_group, group.id, by=cast.olga, now=at("2026-05-02"))
        cast.tick(at("2026-06-01"))
        assert starts(cast) == ["2026-02-01", "2026-06-01"]


@pytest.mark.parametrize(
    ("rule", "joined", "left", "expected"),
    [
        (PartPeriod.NEXT, "2026-02-15", None, [[600], [400, 400]]),
        (PartPeriod.FULL, "2026-02-15", None, [[400, 400], [400, 400]]),
        (PartPeriod.DAYS, "2026-02-15", None, [[400, 200], [400, 400]]),
        (PartPeriod.NEXT, "2026-02-01", "2026-03-01", [[400, 400], [600]]),
        (PartPeriod.FULL, "2026-02-01", "2026-03-02", [[400, 400], [400, 400]]),
        (PartPeriod.NEXT, "2026-02-01", "2026-02-02", [[400, 400], [600]]),
    ],
)
def test_who_is_there_for_part_of_a_period_pays_by_the_groups_rule(
    cast: Cast, rule: PartPeriod, joined: str, left: str | None, expected: list[list[int]]
) -> None:
    group = cast.group(price="12.00", part_period=rule)
    cast.join(group, "Ben")
    mia = cast.join(group, "Mia", joined_on=date.fromisoformat(joined))
    if left:
        cast.do(leave_group, mia.id, left_on=date.fromisoformat(left), by=cast.olga, now=START)
    cast.tick(at("2026-03-01"))
    first, second = (period.id for period in periods(cast))
    found = [
        [payment.amount_minor for payment in cast.payments(kind="dues", period_id=key)]
        for key in (first, second)
    ]
    assert found == expected
    cast.read(check_books)


def test_the_price_of_the_day_counts_and_the_past_stays(cast: Cast) -> None:
    group = cast.group(price="9.00")
    cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    terms: dict[str, Any] = {"by": cast.olga, "now": at("2026-02-02")}
    cast.do(set_price, group.id, amount=money("12.00"), from_on=date(2026, 4, 1), **terms)
    cast.tick(at("2026-04-01"))
    assert [period.total_minor for period in periods(cast)] == [900, 900, 1200]
    assert owed(cast) == [450, 450, 600]


@pytest.mark.parametrize("included", [True, False])
def test_what_costs_nothing_is_confirmed_at_once_and_never_asked_for(cast: Cast, included: bool) -> None:
    group = cast.group(price="0.00", payer_included=included)
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    assert cast.payment_of(ben).status is Status.CONFIRMED
    cast.tick(at("2026-02-25"))
    assert cast.messages() == []
    assert cast.read(lambda session: session.scalars(select(Receipt.id)).all()) == []
    cast.read(check_books)


def test_a_variable_period_waits_for_its_bill(cast: Cast) -> None:
    cast.second_admin()
    group = cast.group(split=SplitKind.VARIABLE)
    ben = cast.join(group, "Ben")
    cast.join(group, "Mia", weight=2)
    report = cast.tick(at("2026-02-01"))
    assert (report.periods_opened, report.messages_queued) == (1, 2)
    assert {message.notice.value for message in cast.messages()} == {"bill_wanted"}
    [period] = periods(cast)
    assert (period.total_minor, cast.payments()) == (None, [])
    assert cast.tick(at("2026-02-20")) == TickReport()
    cast.do(edit_period, period.id, total=money("31.20"), by=cast.olga, now=at("2026-02-20"))
    assert owed(cast) == [780, 1560]
    assert cast.payment_of(ben).asked_on == date(2026, 2, 20)
    cast.read(check_books)


def test_one_group_that_cannot_open_holds_up_nobody(cast: Cast) -> None:
    bad = cast.group("Bad", price="9.00")
    mia = cast.join(bad, "Mia", joined_on=date(2026, 3, 1), fixed=money("6.00"))
    ben = cast.join(bad, "Ben", joined_on=date(2026, 3, 1), fixed=money("3.00"))
    cast.do(edit_member, mia.id, joined_on=date(2026, 2, 1), by=cast.olga, now=START)
    _lower_price(cast, bad)
    good = cast.group("Good")
    cast.join(good, "Ben", contact_id=ben.contact_id)
    report = cast.tick(at("2026-03-01"))
    assert starts(cast, good) == ["2026-02-01", "2026-03-01"]
    assert report.openings_refused >= 1
    verbs = cast.read(
        lambda session: set(session.scalars(select(Event.verb).where(Event.group_id == bad.id)))
    )
    assert "opening_refused" in verbs


def _lower_price(cast: Cast, group: Group, *, from_on: date = date(2026, 2, 1), minor: int = 500) -> None:
    """Let a price come to stand that the services refuse together with the members' fixed amounts."""
    query = select(Price).where(Price.group_id == group.id, Price.from_on == from_on)
    with cast.runtime.transaction() as session:
        session.scalars(query).one().amount_minor = minor


def test_a_heads_up_that_does_not_work_out_holds_up_no_period(cast: Cast) -> None:
    group = cast.group(price="9.00", heads_up_days=3)
    terms: dict[str, Any] = {"by": cast.olga, "now": START}
    cast.join(group, "Ben")
    cast.do(set_price, group.id, amount=money("5.00"), from_on=date(2026, 3, 1), **terms)
    cast.join(group, "Mia", fixed=money("4.00"))
    _lower_price(cast, group, from_on=date(2026, 3, 1), minor=200)
    assert cast.tick(at("2026-02-01")) == TickReport(periods_opened=1)


def test_the_next_period_is_announced_some_days_before_it_opens(cast: Cast) -> None:
    group = cast.group(price="9.00", heads_up_days=5)
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    [message] = cast.messages()
    assert (message.notice, message.contact_id, message.due_at) == (
        "heads_up",
        ben.contact_id,
        at("2026-02-24", 9),
    )
    assert message.payload["starts_on"] == "2026-03-01"
    assert "4.50" in cast.text_of(message)


def test_periods_that_open_together_are_not_announced_ahead(cast: Cast) -> None:
    cast.join(cast.group(heads_up_days=5), "Ben")
    cast.tick(at("2026-04-02"))
    assert [message.payload["starts_on"] for message in cast.messages()] == ["2026-05-01"]


def test_members_hear_of_an_open_period_when_the_group_says_so(cast: Cast) -> None:
    group = cast.group(tells_opened=True)
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-01"))
    assert [(message.notice, message.contact_id) for message in cast.messages()] == [
        ("period_opened", ben.contact_id)
    ]


def test_opening_by_hand_goes_on_period_by_period(cast: Cast) -> None:
    group = cast.group()
    ben = cast.join(group, "Ben")
    for _ in range(3):
        cast.do(open_next_period, group.id, by=cast.olga, now=START)
    assert starts(cast) == ["2026-02-01", "2026-03-01", "2026-04-01"]
    assert cast.tick(at("2026-04-01", 8)).periods_opened == 0
    assert cast.payment_of(ben, 3).asked_on == date(2026, 4, 1)
    assert cast.tick(at("2026-05-01")).periods_opened == 1


def test_groups_of_several_workspaces_open_in_one_batch(cast: Cast) -> None:
    zed = make_stranger(cast.runtime)
    cast.join(cast.group(split=SplitKind.VARIABLE), "Ben")
    zed.join(zed.group(split=SplitKind.VARIABLE), "Yan")
    zed.join(zed.group(), "Yan")
    assert cast.tick(at("2026-02-01")).periods_opened == 3
    assert cast.notices_to(cast.olga_contact) == zed.notices_to(zed.olga_contact) == ["bill_wanted"]
    [payment] = cast.payments(kind="dues")
    assert payment.workspace_id == zed.workspace_id
    cast.read(check_books)


def test_references_are_unlike_each_other(cast: Cast) -> None:
    group = cast.group()
    for number in range(30):
        cast.join(group, f"Member {number}", email=None)
    cast.tick(at("2026-04-01"))
    references = [payment.reference for payment in cast.payments()]
    assert len(set(references)) == len(references) == 93


def test_fifty_groups_cost_as_many_statements_as_two(cast: Cast) -> None:
    ben = cast.join(cast.group("Spare", starts_on=date(2030, 1, 1)), "Ben")
    for number in range(26):
        # One group of either kind on the first day, twenty-five on the second.
        terms: dict[str, Any] = {"starts_on": date(2026, 2, 10 if number else 1)}
        group = cast.group(f"Group {number}", heads_up_days=3, tells_opened=True, **terms)
        cast.join(group, "Ben", contact_id=ben.contact_id)
        _variable(cast, ben.contact_id, **terms)
    with statements(cast.runtime) as for_two:
        assert cast.do(open_due_periods, now=at("2026-02-01")).periods == 2
    with statements(cast.runtime) as for_fifty:
        assert cast.do(open_due_periods, now=at("2026-02-10")).periods == 50
    assert len(for_fifty) == len(for_two)


def _variable(cast: Cast, contact_id: int, **terms: Any) -> None:
    group = cast.group("Power", split=SplitKind.VARIABLE, **terms)
    cast.join(group, "Ben", contact_id=contact_id)


def test_an_idle_tick_writes_nothing(cast: Cast) -> None:
    cast.join(cast.group(), "Ben")
    cast.tick(at("2026-02-01"))
    with statements(cast.runtime) as seen:
        assert cast.tick(at("2026-02-01") + timedelta(minutes=5)) == TickReport()
    assert seen
    assert not [one for one in seen if one.split()[0] in ("INSERT", "UPDATE", "DELETE")]


def test_group_that_was_over_goes_on_from_today(cast: Cast) -> None:
    group = cast.group(ends_on=date(2026, 2, 20))
    cast.join(group, "Ben")
    cast.tick(at("2026-02-02"))
    cast.do(end_group, group.id, ends_on=None, by=cast.olga, now=at("2026-06-10"))
    cast.tick(at("2026-07-02"))
    assert starts(cast) == ["2026-02-01", "2026-07-01"]


def test_group_that_was_empty_goes_on_from_who_joins(cast: Cast) -> None:
    group = cast.group()
    ben = cast.join(group, "Ben")
    cast.tick(at("2026-02-02"))
    cast.do(leave_group, ben.id, left_on=date(2026, 2, 15), by=cast.olga, now=at("2026-02-15"))
    cast.tick(at("2026-05-20"))
    cast.join(group, "Mia", now=at("2026-05-20"))
    cast.tick(at("2026-06-02"))
    assert starts(cast) == ["2026-02-01", "2026-06-01"]
