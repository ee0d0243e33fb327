"""What has been kept long enough goes once a night, in batches; the books never do."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from substrack.domain.delivery import MessageState
from substrack.domain.keeping import FADING_SUBJECTS, KeepDays
from substrack.domain.sifting import sift
from substrack.services.messages import TextGone, retry_message
from substrack.services.pacing import Seat, leave_seat, pace_of_bot, reserve_send, use_slot
from substrack.services.purging import BATCH, has_old, purge
from substrack.services.user_sessions import start_session
from substrack.store import Connection, Event, Inbound, Lane, Link, Message, UserSession
from substrack.worker.purging import purge_old
from substrack.worker.ticking import TickReport
from tests.support.books import check_books
from tests.support.cast import START, Cast, at

KEEP = KeepDays(texts=30, inbound=90, events=365)
NIGHT = at("2026-02-05", 0)
"""The texts of START's day are 31 days old from here on."""


def count(cast: Cast, table: Any) -> int:
    return cast.read(lambda session: session.scalar(select(func.count()).select_from(table)) or 0)


def write(cast: Cast, *rows: Any) -> None:
    with cast.runtime.transaction() as session:
        session.add_all(rows)


def letter(cast: Cast, number: int, state: MessageState = MessageState.SENT) -> Message:
    """Write a letter of START's day that has words."""
    return Message(
        workspace_id=cast.workspace_id,
        contact_id=cast.olga_contact,
        address_id=1,
        channel="email",
        lane="email:1",
        notice="rejected",
        payload={"payment_ids": [7], "reason": "never came"},
        dedupe_key=f"letter:{number}",
        state=state,
        due_at=START,
        rendered={"text": "Hi", "subject": "Hello"},
        created_at=START,
        sent_at=START if state is MessageState.SENT else None,
    )


def test_texts_go_with_the_night_in_which_they_are_old_enough(cast: Cast) -> None:
    write(cast, letter(cast, 1))
    assert cast.tick(NIGHT - timedelta(minutes=1)).rows_purged == 0
    assert cast.messages()[0].rendered == {"text": "Hi", "subject": "Hello"}

    assert cast.tick(NIGHT).rows_purged == 1
    (gone,) = cast.messages()
    assert (gone.rendered, gone.payload, gone.emptied_at) == (None, {"payment_ids": [7], "reason": ""}, NIGHT)
    assert (gone.state, gone.sent_at) == (MessageState.SENT, START)
    assert cast.tick(NIGHT) == TickReport()


def test_what_still_waits_keeps_its_words(cast: Cast) -> None:
    write(cast, letter(cast, 1, MessageState.QUEUED))
    cast.tick(NIGHT)
    assert cast.messages()[0].rendered is not None


def test_what_failed_and_lost_its_words_is_not_sent_again(cast: Cast) -> None:
    write(cast, letter(cast, 1, MessageState.DEAD))
    cast.tick(NIGHT)
    with pytest.raises(TextGone):
        cast.do(retry_message, cast.messages()[0].id, by=cast.olga, now=NIGHT)


def test_batches_are_bounded_and_a_tick_does_them_all(cast: Cast) -> None:
    write(cast, *(letter(cast, number) for number in range(BATCH + 1)))
    assert cast.do(purge, KEEP, now=NIGHT)[0] == BATCH
    assert cast.tick(NIGHT).rows_purged == 1


def test_a_night_without_anything_old_writes_nothing(cast: Cast) -> None:
    commits: list[int] = []

    def note(_connection: object) -> None:
        commits.append(1)

    event.listen(cast.runtime.write_engine, "commit", note)
    purge_old(cast.runtime, now=NIGHT, stop=lambda: False)
    event.remove(cast.runtime.write_engine, "commit", note)
    assert commits == []


def test_updates_links_and_sign_ins_go_each_in_their_time(cast: Cast) -> None:
    with cast.runtime.transaction() as session:
        connection = session.scalars(select(Connection)).first()
        assert connection is not None
        done = Inbound(
            connection_id=connection.id, dedupe_key="a", body={}, received_at=START, processed_at=START
        )
        waits = Inbound(connection_id=connection.id, dedupe_key="b", body={}, received_at=START)
        session.add_all([done, waits])
        start_session(session, cast.olga.id or 0, agent="a browser", now=START)
        session.add(Link(jti="x", purpose="reset", created_at=START, expires_at=START))
        session.add(
            Link(jti="y", purpose="pay", created_at=START, expires_at=START)
        )  # a fresh one is asked by it

    cast.do(purge, KEEP, now=START + timedelta(days=91))
    assert [count(cast, table) for table in (Inbound, UserSession, Link)] == [1, 1, 2]
    cast.do(purge, KEEP, now=START + timedelta(days=366))
    assert [count(cast, table) for table in (Inbound, UserSession, Link)] == [1, 0, 1]


def test_how_a_bot_paced_itself_in_a_chat_is_forgotten_after_a_day(cast: Cast) -> None:
    pace, later = pace_of_bot(7), START + timedelta(hours=13)
    for chat, now in (("4242", START), ("-100", START), ("4343", later)):
        slot = cast.do(reserve_send, pace, chat, now=now)
        seat = cast.do(use_slot, pace, chat, slot, now=now)
        assert isinstance(seat, Seat)
        cast.do(leave_seat, seat, now=now)
    before = count(cast, Lane)
    assert cast.do(purge, KEEP, now=START + timedelta(hours=24))[0] == 0
    assert cast.do(purge, KEEP, now=START + timedelta(hours=25))[0] == 2
    names = cast.read(lambda session: set(session.scalars(select(Lane.name))))
    assert f"{pace}:4343" in names
    assert len(names) == before - 2


def test_a_year_later_the_journal_of_money_is_whole_and_the_books_add_up(cast: Cast) -> None:
    group = cast.group()
    cast.join(group, "Ben")
    cast.tick(at("2026-02-10"))
    kinds = select(Event.subject_kind).distinct()
    before = cast.read(lambda session: list(session.scalars(select(Event.id).where(_is_money()))))
    later = START + timedelta(days=500)
    while cast.do(purge, KEEP, now=later)[0]:
        pass

    assert cast.read(lambda session: list(session.scalars(select(Event.id).where(_is_money())))) == before
    assert not set(cast.read(lambda session: list(session.scalars(kinds)))) & set(FADING_SUBJECTS)
    cast.read(check_books)


def _is_money() -> Any:
    return Event.subject_kind.not_in(FADING_SUBJECTS)


@pytest.mark.only_sqlite
@pytest.mark.parametrize("index", ["ix_messages_texts", "ix_inbound_received_at", "ix_events_fading"])
def test_what_is_old_is_found_by_its_index(cast: Cast, index: str) -> None:
    plans: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        plans.append((statement, parameters))

    event.listen(cast.runtime.read_engine, "before_cursor_execute", note)
    cast.read(lambda session: has_old(session, KEEP, now=NIGHT))
    event.remove(cast.runtime.read_engine, "before_cursor_execute", note)
    with cast.runtime.read_engine.connect() as connection:
        told = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
            for statement, parameters in plans
        ]
    assert any(index in plan for plan in told)
    assert not any("SCAN" in plan and "USING" not in plan for plan in told)


def test_sifting_leaves_numbers_days_and_choices() -> None:
    facts = {"status": "pending", "amount": 299, "until": "2026-03-01", "text": "Hi", "rows": {"a": [1]}}
    assert sift(facts | {"language": "de", "list": ["x"]}) == facts | {
        "text": "",
        "language": "",
        "list": [""],
    }
