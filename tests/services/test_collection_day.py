"""Claims about the day of the month on which everything is first asked for."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from substrack.domain.collecting import CollectionDayOutOfRange
from substrack.domain.payments import Status
from substrack.services.access import NoSuchPayment
from substrack.services.asking_now import ask_people, note_asked_by_hand
from substrack.services.asking_undo import stop_asking
from substrack.services.collection_day import set_contact_collection_day, set_workspace_collection_day
from substrack.services.contact_rows import UnknownContact
from substrack.store import Event, Member
from tests.support.cast import Cast, at, make_stranger

OPENED = at("2026-02-01")


@pytest.fixture
def ben(cast: Cast) -> Member:
    """Ben owes for February, opened on the 1st; without a collection day he is asked on the 4th."""
    member = cast.join(cast.group(), "Ben")
    cast.tick(OPENED)
    return member


def for_all(cast: Cast, day: int | None) -> None:
    cast.do(set_workspace_collection_day, cast.workspace_id, day, by=cast.olga, now=OPENED)


def for_one(cast: Cast, member: Member, day: int | None) -> None:
    cast.do(set_contact_collection_day, member.contact_id, day, by=cast.olga, now=OPENED)


def acts_next_on(cast: Cast, member: Member) -> date | None:
    at_instant = cast.payment_of(member).next_action_at
    return at_instant.date() if at_instant else None


def ask_by_mail(cast: Cast, member: Member, now: datetime = OPENED) -> str:
    """Ask now; return what takes it back."""
    people = [member.contact_id]
    (asked,) = cast.do(ask_people, cast.workspace_id, people, by=cast.olga, now=now)
    return asked.correlation_id


def ask_by_hand(cast: Cast, member: Member, now: datetime = OPENED) -> str:
    """Count that Olga asked in her own words; return what takes it back."""
    return cast.do(note_asked_by_hand, member.contact_id, by=cast.olga, now=now).correlation_id


def days_of_requests(cast: Cast, member: Member, until: date, since: datetime = OPENED) -> list[str]:
    """Let a worker live from the opening on; list the days on which the member was asked."""
    now = since
    while now.date() <= until:
        cast.tick(now)
        cast.send(now)
        now += timedelta(hours=6)
    found = cast.messages(contact_id=member.contact_id)
    return [f"{one.created_at:%m-%d}" for one in found if one.notice in ("request", "reminder")]


def test_what_is_open_is_rescheduled_when_the_day_changes(cast: Cast, ben: Member) -> None:
    assert acts_next_on(cast, ben) == date(2026, 2, 4)
    for_all(cast, 10)
    assert acts_next_on(cast, ben) == date(2026, 2, 10)
    for_one(cast, ben, 12)
    assert acts_next_on(cast, ben) == date(2026, 2, 12)
    for_all(cast, 20)
    assert acts_next_on(cast, ben) == date(2026, 2, 12)
    for_one(cast, ben, None)
    assert acts_next_on(cast, ben) == date(2026, 2, 20)
    for_all(cast, None)
    assert acts_next_on(cast, ben) == date(2026, 2, 4)


def test_what_opens_later_waits_for_the_day(cast: Cast) -> None:
    for_all(cast, 10)
    ben = cast.join(cast.group(), "Ben")
    cast.tick(OPENED)
    assert acts_next_on(cast, ben) == date(2026, 2, 10)


def test_the_first_request_is_on_the_day_and_the_rest_follows_the_group(cast: Cast, ben: Member) -> None:
    for_one(cast, ben, 10)
    asked = days_of_requests(cast, ben, date(2026, 2, 23))
    assert asked == ["02-10", "02-13", "02-16", "02-19", "02-22"]
    assert cast.payment_of(ben).status is Status.PENDING
    cast.tick(at("2026-02-24"))
    assert cast.payment_of(ben).status is Status.OVERDUE


def test_a_day_set_while_somebody_is_being_asked_leaves_their_rhythm_and_lapse(
    cast: Cast, ben: Member
) -> None:
    days_of_requests(cast, ben, date(2026, 2, 11))
    for_all(cast, 28)
    asked = days_of_requests(cast, ben, date(2026, 2, 14), since=at("2026-02-12"))
    assert asked == ["02-04", "02-07", "02-10", "02-13"]
    cast.tick(at("2026-02-15"))
    assert cast.payment_of(ben).status is Status.OVERDUE


@pytest.mark.parametrize("ask", [ask_by_mail, ask_by_hand])
def test_who_was_only_asked_by_an_admin_keeps_their_day(
    cast: Cast, ben: Member, ask: Callable[[Cast, Member], str]
) -> None:
    for_all(cast, 20)
    ask(cast, ben)
    assert acts_next_on(cast, ben) == date(2026, 2, 20)
    for_all(cast, 24)
    assert acts_next_on(cast, ben) == date(2026, 2, 24)


def test_what_an_admin_took_back_counts_for_nothing(cast: Cast, ben: Member) -> None:
    days_of_requests(cast, ben, date(2026, 2, 4))
    later = at("2026-02-05")
    cast.do(stop_asking, ask_by_mail(cast, ben, later), by=cast.olga, now=later)
    for_all(cast, 28)
    assert acts_next_on(cast, ben) == date(2026, 2, 7)


def test_everything_is_asked_in_one_message_on_the_day(cast: Cast, ben: Member) -> None:
    cast.join(cast.group("VPN", billing_day=7), "Ben", contact_id=ben.contact_id)
    for_all(cast, 10)
    assert days_of_requests(cast, ben, date(2026, 2, 10)) == ["02-10"]


def test_the_same_day_again_writes_nothing(cast: Cast, ben: Member) -> None:
    for _time in range(2):
        for_all(cast, 10)
        for_one(cast, ben, 12)
    query = select(Event.subject_kind, Event.before, Event.after).where(Event.verb == "collection_day")
    lines = cast.read(lambda session: [tuple(row) for row in session.execute(query)])
    assert lines == [
        ("workspace", {"day": None}, {"day": 10}),
        ("contact", {"day": None}, {"day": 12}),
    ]


def test_a_day_no_month_has_is_refused(cast: Cast, ben: Member) -> None:
    for day in (0, 32):
        with pytest.raises(CollectionDayOutOfRange):
            for_all(cast, day)
        with pytest.raises(CollectionDayOutOfRange):
            for_one(cast, ben, day)


def test_zed_changes_nobodys_day(cast: Cast, ben: Member) -> None:
    zed = make_stranger(cast.runtime).olga
    with pytest.raises(NoSuchPayment):
        cast.do(set_workspace_collection_day, cast.workspace_id, 10, by=zed, now=OPENED)
    with pytest.raises(UnknownContact):
        cast.do(set_contact_collection_day, ben.contact_id, 10, by=zed, now=OPENED)
    assert acts_next_on(cast, ben) == date(2026, 2, 4)
