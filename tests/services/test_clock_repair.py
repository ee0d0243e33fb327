"""Claims about a clock that ran ahead and was put right: nobody waits until that time comes."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, select, update

from substrack.bootstrap import Runtime
from substrack.domain.delivery import MessageState
from substrack.services.installation import hold_for_jump
from substrack.services.pacing import Slot, pace_of_bot, reserve_send
from substrack.store import Lane, Message
from tests.support.post import NOW, Post, open_post

DAYS = timedelta(days=40)
UNDO = timedelta(seconds=10)


def set_back(post: Post) -> None:
    """Let a worker notice that the clock, which was ahead, was set back."""
    with post.runtime.transaction() as session:
        hold_for_jump(session, -DAYS, now=NOW)


def test_an_answer_that_was_written_ahead_of_time_does_not_wait_until_then(runtime: Runtime) -> None:
    post = open_post(runtime)
    key = post.write("answer", to=post.person("Ben"), due_at=NOW + DAYS)
    with runtime.transaction() as session:
        session.execute(update(Message).values(due_at=NOW + DAYS + UNDO))
    set_back(post)
    assert post.message(key).due_at == NOW + UNDO


def test_a_notice_that_was_to_wait_keeps_its_day(runtime: Runtime) -> None:
    post = open_post(runtime)
    key = post.write("later", to=post.person("Ben"), due_at=NOW - UNDO)
    with runtime.transaction() as session:
        session.execute(update(Message).values(due_at=NOW + DAYS))
    set_back(post)
    assert post.message(key).due_at == NOW + DAYS


def test_leases_and_pauses_from_ahead_of_time_end(runtime: Runtime) -> None:
    post = open_post(runtime)
    key = post.write("held", to=post.person("Ben"))
    with runtime.transaction() as session:
        session.execute(update(Message).values(state=MessageState.SENDING, lease_until=NOW + DAYS))
        session.execute(insert(Lane).values(name="email:1", failing_since=NOW, paused_until=NOW + DAYS))
    set_back(post)
    assert post.message(key).lease_until == NOW
    with runtime.reading() as session:
        assert session.scalars(select(Lane.paused_until)).one() == NOW


def test_a_bot_does_not_keep_silent_until_a_turn_that_was_taken_ahead_of_time(runtime: Runtime) -> None:
    pace = pace_of_bot(7)
    with runtime.transaction() as session:
        reserve_send(session, pace, "1001", now=NOW + DAYS)
        hold_for_jump(session, -DAYS, now=NOW)
        assert reserve_send(session, pace, "1001", now=NOW) == Slot(NOW, is_reserved=True)
