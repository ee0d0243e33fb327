"""Claims about delivery: who may send a message, what it says, and what becomes of it, on both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from substrack.bootstrap import Runtime
from substrack.domain.actors import OPERATOR, Actor
from substrack.domain.delivery import BACKOFF, LANE_PROBE, DeliveryFailed, Fate, MessageState, Scope
from substrack.domain.notices import Channel, Notice
from substrack.queries.delivery import due_lanes
from substrack.queries.message_lists import count_due
from substrack.queries.watching import load_message_counts
from substrack.services.addresses import mark_refused, unsubscribe
from substrack.services.concealing import conceal
from substrack.services.delivery import BuiltMessage, build_message, claim_messages, clear_lane
from substrack.services.founding import found_workspace
from substrack.services.installation import hold_sending, release_hold
from substrack.services.invitations import invite_admin
from substrack.services.lanes import resume_lane
from substrack.services.leases import ClaimedMessage
from substrack.services.mailboxes import set_email
from substrack.services.messages import (
    AddressUnusable,
    MessageMoved,
    NowhereToSend,
    cancel_message,
    retry_message,
    send_test,
)
from substrack.services.outbox import Draft, queue
from substrack.services.outcomes import Accepted, Failed, Outcome, mark_failed, mark_sent
from substrack.services.people import add_contact
from substrack.services.resets import request_reset
from substrack.store import Address, Event, Message, RoleGrant

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
LEASE = timedelta(minutes=5)
OFFLINE = DeliveryFailed("the mail server can’t be reached", scope=Scope.LANE)
BUSY = DeliveryFailed("451 4.3.0 try later", scope=Scope.MESSAGE)
NOBODY = DeliveryFailed("550 5.1.1 no such user", scope=Scope.ADDRESS, permanent=True)


class House:
    """A workspace where Olga administers and Ben is written to; each act is a transaction of its own."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        with runtime.transaction() as session:
            founded = found_workspace(
                session,
                workspace_name="Home",
                time_zone="Europe/Berlin",
                name="Olga",
                email="olga@example.org",
                password_hash=None,
                by=OPERATOR,
                now=NOW,
            )
            self.workspace_id, self.olga = founded.workspace_id, Actor.user(founded.user_id)
            self.olga_id = session.scalars(select(RoleGrant.contact_id)).one()
            self.ben_id = add_contact(
                session, self.workspace_id, name="Ben", email="ben@example.org", by=self.olga, now=NOW
            ).id

    def write(
        self, key: str, *, to: int | None = None, notice: Notice = Notice.FRESH_LINK, **draft: Any
    ) -> int:
        facts: dict[str, Any] = {"due_at": NOW} | draft
        with self.runtime.transaction() as session:
            contact_id = self.ben_id if to is None else to
            queue(session, [Draft(self.workspace_id, contact_id, notice, key, **facts)], now=facts["due_at"])
            return session.scalars(select(Message.id).where(Message.dedupe_key == f"{key}:email")).one()

    def claim(self, limit: int = 10, *, now: datetime = NOW) -> list[ClaimedMessage]:
        with self.runtime.transaction() as session:
            clear_lane(session, self.lane, now=now)
            return claim_messages(session, self.lane, limit=limit, lease=LEASE, now=now)

    def build(self, claimed: ClaimedMessage, *, now: datetime = NOW) -> BuiltMessage | None:
        with self.runtime.transaction() as session:
            return build_message(session, claimed, signer=self.runtime.signer, now=now)

    def sent(self, claimed: ClaimedMessage, *, now: datetime = NOW) -> bool:
        with self.runtime.transaction() as session:
            if claimed.is_probe:
                resume_lane(session, claimed.lane)
            return bool(mark_sent(session, [Accepted(claimed, "250 OK")], now=now))

    def fail(
        self,
        claimed: ClaimedMessage,
        failure: DeliveryFailed,
        *,
        sent_to: str | None = "ben@example.org",
        now: datetime = NOW,
    ) -> Failed:
        with self.runtime.transaction() as session:
            return mark_failed(session, claimed, failure, sent_to=sent_to, now=now)

    def message(self, key: int) -> Message:
        with self.runtime.reading() as session:
            return session.get_one(Message, key)

    @property
    def address_id(self) -> int:
        with self.runtime.reading() as session:
            return session.scalars(select(Address.id).where(Address.contact_id == self.ben_id)).one()

    @property
    def lane(self) -> str:
        with self.runtime.reading() as session:
            return session.scalars(select(Message.lane).distinct()).one()


@pytest.fixture
def house(runtime: Runtime) -> House:
    return House(runtime)


def test_the_oldest_due_messages_are_claimed_first(house: House) -> None:
    late = house.write("late", due_at=NOW)
    early = house.write("early", due_at=NOW - timedelta(hours=1))
    house.write("tomorrow", due_at=NOW + timedelta(days=1))

    assert [claimed.id for claimed in house.claim(limit=1)] == [early]
    assert [claimed.id for claimed in house.claim()] == [late]


@pytest.mark.only_sqlite
def test_what_waits_is_found_without_reading_what_was_sent(house: House) -> None:
    """A workspace keeps years of messages; workers ask every two seconds."""
    plans: list[str] = []

    def explain(connection: Any, _cursor: object, statement: str, given: Any, *_more: object) -> None:
        if statement.startswith("SELECT") and "FROM messages" in statement:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
            plans.extend(row[-1] for row in rows if " messages" in row[-1])

    house.write("one")
    lane, engines = house.lane, (house.runtime.write_engine, house.runtime.read_engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", explain)
    with house.runtime.transaction() as session:
        clear_lane(session, lane, now=NOW)
        claim_messages(session, lane, limit=1, lease=LEASE, now=NOW)
    with house.runtime.reading() as session:
        assert due_lanes(session, [Channel.EMAIL], now=NOW + LEASE) == [lane]
        count_due(session, now=NOW)

    assert len(plans) == 4
    assert [plan for plan in plans if "ix_messages_waiting" not in plan] == []


def test_workers_who_race_claim_each_message_once(house: House) -> None:
    keys = {house.write(str(number)) for number in range(30)}
    claimed: list[int] = []

    def work() -> None:
        while held := house.claim(limit=4):
            claimed.extend(message.id for message in held)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(claimed) == sorted(keys)


def test_a_crash_after_sending_repeats_the_same_words_under_the_same_id(house: House) -> None:
    house.write("one")
    first = house.build(house.claim()[0])
    later = NOW + LEASE

    repeat = house.build(house.claim(now=later)[0], now=later)

    assert first is not None
    assert repeat == first


def test_a_worker_thought_dead_marks_nothing(house: House) -> None:
    key = house.write("one")
    zombie = house.claim()[0]
    heir = house.claim(now=NOW + LEASE)[0]

    assert not house.sent(zombie)
    assert house.fail(zombie, BUSY) == Failed(Outcome.LOST)
    assert house.build(zombie) is None
    assert house.message(key).state is MessageState.SENDING
    assert house.sent(heir)


def test_a_crash_costs_a_message_no_place_in_the_queue(house: House) -> None:
    """Those that wait, however many, came due later than the one that was on its way already."""
    orphan = house.write("orphan", due_at=NOW - timedelta(hours=1))
    house.build(house.claim()[0])
    house.write("waiting", due_at=NOW - timedelta(minutes=30))

    assert [claimed.id for claimed in house.claim(limit=1, now=NOW + LEASE)] == [orphan]


def test_a_message_is_held_anew_from_when_it_is_put_into_words(house: House) -> None:
    """Of many that were claimed at once, the last to be built is as safe as the first."""
    house.write("one")
    claimed = house.claim()[0]

    built = house.build(claimed, now=NOW + LEASE - timedelta(seconds=1))

    assert built is not None
    assert built.held_until == NOW + 2 * LEASE - timedelta(seconds=1)
    assert house.claim(now=NOW + LEASE) == []
    assert len(house.claim(now=built.held_until)) == 1


def test_a_sent_message_is_marked_once_and_never_claimed_again(house: House) -> None:
    key = house.write("one")
    claimed = house.claim()[0]

    assert house.sent(claimed)
    assert not house.sent(claimed)

    assert house.message(key).state is MessageState.SENT
    assert house.message(key).sent_at == NOW
    assert house.claim(now=NOW + timedelta(days=1)) == []


def test_each_end_is_counted_once_as_what_it_is(house: House) -> None:
    kept = "20260301T090000Z-abc.eml"
    for number, provider_id in enumerate(["250 OK", "250 OK", kept]):
        house.write(str(number))
        (claimed,) = house.claim()
        with house.runtime.transaction() as session:
            assert mark_sent(session, [Accepted(claimed, provider_id)], now=NOW)
        assert not house.sent(claimed)
    house.write("busy")
    house.fail(house.claim()[0], BUSY)
    house.fail(house.claim(now=NOW + BACKOFF[0])[0], NOBODY)

    with house.runtime.reading() as session:
        counts = load_message_counts(session)
    ends = {fate: count for (channel, fate), count in counts.items() if channel is Channel.EMAIL}
    assert ends == {Fate.SENT: 2, Fate.KEPT: 1, Fate.DEAD: 1}


def test_of_several_that_are_marked_together_a_late_one_changes_nothing(house: House) -> None:
    for key in "ab":
        house.write(key)
    late, *_others = house.claim()
    mine, theirs = house.claim(now=NOW + LEASE)[::-1]
    assert theirs.id == late.id

    with house.runtime.transaction() as session:
        accepted = [Accepted(late, "250 late"), Accepted(mine, "250 mine")]
        assert mark_sent(session, accepted, now=NOW) == [mine]

    assert house.message(late.id).state is MessageState.SENDING
    assert house.message(mine.id).provider_id == "250 mine"
    with house.runtime.reading() as session:
        assert sum(load_message_counts(session).values()) == 1


def test_an_end_that_is_taken_back_is_not_counted(house: House) -> None:
    house.write("one")
    (claimed,) = house.claim()
    with house.runtime.transaction() as session, session.begin_nested() as savepoint:
        assert mark_sent(session, [Accepted(claimed, "250 OK")], now=NOW)
        savepoint.rollback()
    with house.runtime.reading() as session:
        assert load_message_counts(session) == {}


def test_each_refusal_waits_longer_until_the_last(house: House) -> None:
    key = house.write("one", notice=Notice.RECEIVED)
    now = NOW

    for wait in BACKOFF:
        assert house.fail(house.claim(now=now)[0], BUSY, now=now).outcome is Outcome.RETRYING
        assert house.message(key).due_at == now + wait
        now += wait

    assert house.fail(house.claim(now=now)[0], BUSY, now=now).outcome is Outcome.DEAD
    assert house.message(key).state is MessageState.DEAD
    assert house.message(key).last_error == BUSY.reason


def test_a_failing_lane_costs_no_attempt_and_is_probed_by_one_a_minute(house: House) -> None:
    keys = [house.write(str(number)) for number in range(3)]
    first = house.claim(limit=2)

    assert house.fail(first[0], OFFLINE).has_paused_lane
    assert not house.fail(first[1], OFFLINE).has_paused_lane

    assert [house.message(key).attempts for key in keys] == [0, 0, 0]
    assert house.claim(now=NOW + LANE_PROBE / 2) == []
    assert len(house.claim(now=NOW + LANE_PROBE)) == 1
    assert house.claim(now=NOW + LANE_PROBE) == []


def test_a_lane_that_works_again_takes_everything(house: House) -> None:
    for number in range(3):
        house.write(str(number))
    house.fail(house.claim(limit=1)[0], OFFLINE)
    now = NOW + LANE_PROBE

    assert house.sent(house.claim(now=now)[0], now=now)

    assert len(house.claim(now=now)) == 2


def test_a_message_the_server_never_takes_does_not_close_the_lane_for_good(house: House) -> None:
    stuck, other = house.write("stuck", due_at=NOW - timedelta(hours=1)), house.write("other")
    house.fail(house.claim(limit=1)[0], OFFLINE)
    minutes = [NOW + number * LANE_PROBE for number in range(1, 40)]

    for now in minutes:
        for claimed in house.claim(limit=1, now=now):
            if claimed.id == other:
                house.sent(claimed, now=now)
                return
            assert claimed.id == stuck
            house.fail(claimed, OFFLINE, now=now)

    pytest.fail("the other one was never tried")


@pytest.mark.parametrize("seconds", [3, 600])
def test_a_lane_stays_paused_as_long_as_the_other_side_asks(house: House, seconds: int) -> None:
    house.write("one")
    wish = timedelta(seconds=seconds)
    house.fail(house.claim()[0], DeliveryFailed("too many", scope=Scope.LANE, retry_after=wish))

    assert house.claim(now=NOW + 0.9 * wish) == []
    assert len(house.claim(now=NOW + wish)) == 1


def test_a_paused_lane_is_not_even_looked_at(house: House) -> None:
    house.write("one")
    house.fail(house.claim()[0], OFFLINE)

    def lanes(now: datetime) -> list[str]:
        with house.runtime.reading() as session:
            return due_lanes(session, [Channel.EMAIL], now=now)

    assert lanes(NOW) == []
    assert lanes(NOW + LANE_PROBE) == [house.lane]


def test_a_refused_address_is_marked_and_its_admin_told_once(house: House) -> None:
    one, two = house.write("one"), house.write("two")
    claimed = house.claim(limit=1)[0]

    assert house.fail(claimed, NOBODY).outcome is Outcome.DEAD

    assert house.message(one).state is MessageState.DEAD
    assert house.message(two).state is MessageState.DEAD
    with house.runtime.reading() as session:
        assert session.get_one(Address, house.address_id).refused_since == NOW
        told = session.scalars(select(Message).where(Message.notice == Notice.ADDRESS_REFUSED)).all()
    assert [message.contact_id for message in told] == [house.olga_id]


def test_a_message_nobody_sent_in_time_is_cancelled_as_stale(house: House) -> None:
    key = house.write("one")

    assert house.claim(now=NOW + timedelta(hours=24)) == []

    assert house.message(key).state is MessageState.CANCELLED
    assert house.message(key).last_error == "stale"


def test_an_answer_in_flight_when_the_address_refuses_can_be_sent_again(house: House) -> None:
    key = house.write("one")
    claimed = house.claim()[0]
    with house.runtime.transaction() as session:
        mark_refused(session, house.address_id, reason="no such user", now=NOW)

    assert house.build(claimed) is None

    assert house.message(key).state is MessageState.DEAD
    assert house.message(key).last_error == "the address refuses mail"


def test_a_corrected_address_is_not_blamed_for_the_one_before(house: House) -> None:
    key = house.write("one")
    claimed = house.claim()[0]
    built = house.build(claimed)
    assert built is not None
    with house.runtime.transaction() as session:
        set_email(session, house.ben_id, "right@example.org", by=house.olga, now=NOW)

    assert house.fail(claimed, NOBODY, sent_to=built.to).outcome is Outcome.RETRYING

    with house.runtime.reading() as session:
        assert session.get_one(Address, house.address_id).refused_since is None
    assert house.message(key).attempts == 0
    again = house.build(house.claim()[0])
    assert again is not None
    assert again.to == "right@example.org"


def test_a_reset_goes_only_to_the_mailbox_its_user_signs_in_with(house: House) -> None:
    with house.runtime.transaction() as session:
        request_reset(session, email="olga@example.org", now=NOW)
        set_email(session, house.olga_id, "elsewhere@example.net", by=house.olga, now=NOW)
    claimed = house.claim()[0]

    assert house.build(claimed) is None

    assert house.message(claimed.id).state is MessageState.CANCELLED
    assert house.message(claimed.id).last_error == "the address was changed since"


def test_a_reset_goes_to_the_mailbox_its_user_signs_in_with(house: House) -> None:
    with house.runtime.transaction() as session:
        request_reset(session, email="olga@example.org", now=NOW)

    built = house.build(house.claim()[0])

    assert built is not None
    assert built.to == "olga@example.org"


@pytest.mark.parametrize(("moves_to", "goes_out"), [(None, True), ("elsewhere@example.net", False)])
def test_an_invitation_goes_only_to_the_mailbox_it_is_for(
    house: House, moves_to: str | None, goes_out: bool
) -> None:
    with house.runtime.transaction() as session:
        invite_admin(session, house.workspace_id, email="ben@example.org", name="Ben", by=house.olga, now=NOW)
        if moves_to:
            set_email(session, house.ben_id, moves_to, by=house.olga, now=NOW)

    assert (house.build(house.claim()[0]) is not None) is goes_out


def test_the_letter_about_a_new_mailbox_goes_to_the_former_one(house: House) -> None:
    with house.runtime.transaction() as session:
        set_email(session, house.ben_id, "right@example.com", by=house.olga, now=NOW)
    claimed = house.claim()[0]

    built = house.build(claimed)

    assert built is not None
    assert built.to == "ben@example.org"
    assert built.letter is not None
    assert "r…@example.com" in built.letter.text
    assert "right@" not in built.letter.text


def test_a_mailbox_that_is_removed_gets_one_letter_about_it(house: House) -> None:
    with house.runtime.transaction() as session:
        set_email(session, house.ben_id, None, by=house.olga, now=NOW)
    (claimed,) = house.claim()

    built = house.build(claimed)

    assert built is not None
    assert built.to == "ben@example.org"
    assert built.letter is not None
    assert "This address was removed" in built.letter.text
    assert "/pay/" not in built.letter.text


def test_a_former_mailbox_that_is_gone_blames_nobody(house: House) -> None:
    with house.runtime.transaction() as session:
        set_email(session, house.ben_id, "right@example.com", by=house.olga, now=NOW)
    claimed = house.claim()[0]
    assert house.build(claimed) is not None

    assert house.fail(claimed, NOBODY, sent_to="ben@example.org").outcome is Outcome.DEAD

    with house.runtime.reading() as session:
        assert session.get_one(Address, house.address_id).refused_since is None


def test_a_mailbox_that_is_in_use_again_hears_nothing(house: House) -> None:
    with house.runtime.transaction() as session:
        set_email(session, house.ben_id, "right@example.com", by=house.olga, now=NOW)
    claimed = house.claim()[0]
    with house.runtime.transaction() as session:
        set_email(session, house.ben_id, "ben@example.org", by=house.olga, now=NOW + timedelta(minutes=1))

    assert house.build(claimed) is None


def test_a_removed_address_is_never_written_to(house: House) -> None:
    key = house.write("one")
    claimed = house.claim()[0]
    with house.runtime.transaction() as session:
        set_email(session, house.ben_id, None, by=house.olga, now=NOW)

    assert house.build(claimed) is None
    assert house.message(key).state is MessageState.CANCELLED


@pytest.mark.parametrize(("notice", "goes_out"), [(Notice.REQUEST, False), (Notice.FRESH_LINK, True)])
def test_unsubscribing_stops_requests_already_claimed_but_no_answers(
    house: House, notice: Notice, goes_out: bool
) -> None:
    key = house.write("one", notice=notice)
    claimed = house.claim()[0]
    with house.runtime.transaction() as session:
        unsubscribe(session, house.address_id, by=Actor.contact(house.ben_id), now=NOW)

    assert (house.build(claimed) is not None) is goes_out
    if not goes_out:
        assert house.message(key).last_error == "unsubscribed"


def test_a_request_with_nothing_left_to_ask_is_cancelled(house: House) -> None:
    key = house.write("one", notice=Notice.REQUEST)

    assert house.build(house.claim()[0]) is None

    assert house.message(key).state is MessageState.CANCELLED
    assert house.message(key).last_error == "nothing left to say"


def test_the_words_are_stored_before_anything_is_sent_without_live_links(house: House) -> None:
    key = house.write("one")

    built = house.build(house.claim()[0])

    assert built is not None
    assert built.letter is not None
    assert built.to == "ben@example.org"
    kept = {"to": "ben@example.org", "date": NOW.isoformat()}
    assert house.message(key).rendered == conceal(built.letter.as_dict(), house.runtime.signer) | kept
    assert "/pay/" in built.letter.text


def test_a_failed_try_is_put_into_words_afresh(house: House) -> None:
    key = house.write("one")
    claimed = house.claim()[0]
    house.build(claimed)
    house.fail(claimed, BUSY)

    assert house.message(key).rendered is None


def test_an_answer_that_waited_is_dated_when_it_goes_out(house: House) -> None:
    house.write("one")
    later = NOW + timedelta(hours=20)

    built = house.build(house.claim(now=later)[0], now=later)

    assert built is not None
    assert built.date == later


def test_nothing_is_claimed_on_hold(house: House) -> None:
    house.write("one")
    with house.runtime.transaction() as session:
        hold_sending(session, "moving house", now=NOW)

    assert house.claim() == []

    with house.runtime.transaction() as session:
        assert release_hold(session)
    assert len(house.claim()) == 1


def test_what_waits_and_is_due_is_counted(house: House) -> None:
    house.write("one")
    house.write("tomorrow", due_at=NOW + timedelta(days=1))

    with house.runtime.reading() as session:
        assert count_due(session, now=NOW) == 1


def test_a_dead_message_can_be_sent_again_with_all_its_tries(house: House) -> None:
    key = house.write("one")
    gone = DeliveryFailed("554 5.7.1 looks like spam", scope=Scope.MESSAGE, permanent=True)
    house.fail(house.claim()[0], gone)
    later = NOW + timedelta(days=3)

    with house.runtime.transaction() as session:
        retry_message(session, key, by=house.olga, now=later)

    assert [claimed.id for claimed in house.claim(now=later)] == [key]
    assert house.message(key).attempts == 0
    with house.runtime.reading() as session:
        assert session.scalars(select(Event.verb).where(Event.subject_kind == "message")).all() == ["retry"]


def test_a_message_to_a_refused_address_is_not_sent_again(house: House) -> None:
    key = house.write("one")
    house.fail(house.claim()[0], NOBODY)

    with pytest.raises(AddressUnusable), house.runtime.transaction() as session:
        retry_message(session, key, by=house.olga, now=NOW)


def test_a_sent_message_is_neither_cancelled_nor_sent_again(house: House) -> None:
    key = house.write("one")
    house.sent(house.claim()[0])

    with pytest.raises(MessageMoved), house.runtime.transaction() as session:
        retry_message(session, key, by=house.olga, now=NOW)
    with pytest.raises(MessageMoved), house.runtime.transaction() as session:
        cancel_message(session, key, by=house.olga, now=NOW)


def test_a_cancelled_message_is_not_claimed(house: House) -> None:
    key = house.write("one")

    with house.runtime.transaction() as session:
        cancel_message(session, key, by=house.olga, now=NOW)

    assert house.claim() == []


def test_a_test_goes_to_ones_own_address(house: House) -> None:
    with house.runtime.transaction() as session:
        send_test(session, house.workspace_id, house.olga_id, by=house.olga, now=NOW)

    built = house.build(house.claim()[0])

    assert built is not None
    assert built.to == "olga@example.org"


def test_two_tests_at_the_same_instant_are_two_tests(house: House) -> None:
    for _ in range(2):
        with house.runtime.transaction() as session:
            assert send_test(session, house.workspace_id, house.olga_id, by=house.olga, now=NOW) == 1

    assert len(house.claim()) == 2


def test_a_test_without_an_address_is_refused(house: House) -> None:
    with house.runtime.transaction() as session:
        mia = add_contact(session, house.workspace_id, name="Mia", by=house.olga, now=NOW)

    with pytest.raises(NowhereToSend), house.runtime.transaction() as session:
        send_test(session, house.workspace_id, mia.id, by=house.olga, now=NOW)
