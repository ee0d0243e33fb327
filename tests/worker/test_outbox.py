"""Claims about emptying the outbox through real SMTP, on both databases."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from substrack.channels.mailbox import MailboxChannel
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.services.delivery import BuiltMessage, claim_messages
from substrack.services.installation import hold_sending
from substrack.services.leases import ClaimedMessage
from substrack.store import Contact, Message
from substrack.store.engines import write_engine
from substrack.worker.outbox import DeliverReport, LeaseOver, Outbox, deliver_due
from substrack.worker.outbox_steps import Steps
from substrack.worker.senders import mail_sender
from substrack.worker.ticking import TickReport
from tests.fakes.smtp import FakeRelay, free_port
from tests.fakes.smtp_script import ScriptedRelay, Twist, reply
from tests.support.post import NOW, Post, through
from tests.worker.processes import Arrivals, start


def test_everything_due_is_sent_and_the_rest_waits(post: Post, relay: FakeRelay) -> None:
    ben, mia = post.person("Ben"), post.person("Mia")
    post.write("one", to=ben)
    post.write("two", to=mia)
    post.write("tomorrow", to=mia, due_at=NOW + timedelta(days=1))

    assert deliver_due(post.runtime, now=NOW) == DeliverReport(sent=2, retrying=0, failed=0, queued=0)

    assert sorted(mail.to for mail in relay.received) == ["ben@example.org", "mia@example.org"]
    assert post.states() == [MessageState.SENT, MessageState.SENT, MessageState.QUEUED]


def test_a_second_run_sends_nothing_again(post: Post, relay: FakeRelay) -> None:
    post.write("one", to=post.person("Ben"))
    deliver_due(post.runtime, now=NOW)

    assert deliver_due(post.runtime, now=NOW + timedelta(days=1)).sent == 0
    assert len(relay.received) == 1


def test_many_messages_share_a_few_connections(post: Post, relay: FakeRelay) -> None:
    ben = post.person("Ben")
    for number in range(20):
        post.write(str(number), to=ben)

    assert deliver_due(post.runtime, now=NOW).sent == 20
    assert len(relay.connections) <= post.runtime.settings.smtp_connections


def test_workers_side_by_side_send_each_message_once(post: Post, relay: FakeRelay) -> None:
    ben = post.person("Ben")
    for number in range(24):
        post.write(str(number), to=ben)
    reports: list[DeliverReport] = []

    def work() -> None:
        reports.append(deliver_due(post.runtime, now=NOW))

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sum(report.sent for report in reports) == 24
    assert set(Counter(mail.message["Message-ID"] for mail in relay.received).values()) == {1}
    assert len(relay.received) == 24


def test_a_mail_that_was_accepted_while_the_database_was_busy_is_marked_later_and_sent_once(
    post: Post, relay: FakeRelay, database_url: str
) -> None:
    post.write("one", to=post.person("Ben"))
    is_busy = threading.Event()

    def keep_busy() -> None:
        with post.runtime.transaction() as session:
            is_row = Message.state == MessageState.SENDING
            session.execute(update(Message).where(is_row).values(edits=Message.edits))
            is_busy.set()
            time.sleep(1)

    def begin() -> None:
        threading.Thread(target=keep_busy).start()
        is_busy.wait(10)

    relay.received = Arrivals(begin)
    hasty = replace(post.runtime, write_engine=write_engine(database_url, lock_seconds=0.1))

    assert deliver_due(hasty, now=NOW).sent == 1

    hasty.write_engine.dispose()
    after_the_lease = NOW + timedelta(seconds=2 * post.runtime.settings.lease_seconds)
    assert deliver_due(post.runtime, now=after_the_lease).sent == 0
    assert len(relay.received) == 1


def test_a_kill_between_sending_and_marking_repeats_the_same_mail(post: Post, relay: FakeRelay) -> None:
    key = post.write("one", to=post.person("Ben"))
    child = start("deliver", "--now", NOW.isoformat(), settings=post.runtime.settings)
    relay.received = Arrivals(lambda: child.kill())

    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    assert post.message(key).state is MessageState.SENDING
    assert deliver_due(post.runtime, now=NOW).sent == 0
    after_the_lease = NOW + timedelta(seconds=post.runtime.settings.lease_seconds)
    assert deliver_due(post.runtime, now=after_the_lease).sent == 1

    first, repeat = relay.received
    assert first.message.as_bytes() == repeat.message.as_bytes()


@pytest.mark.parametrize("fault", ["closed", "451 4.3.0 later"])
def test_a_mail_that_may_have_arrived_says_the_same_although_a_try_between_failed(
    post: Post, fault: str
) -> None:
    """The second fails before anything is handed over; of the first nobody knows more than before."""
    ben = post.person("Ben")
    post.write("one", to=ben)
    with ScriptedRelay() as relay:
        relay.twist("DOT", Twist(takes=True, hangs_up=True))
        deliver_due(through(post.runtime, relay.url), now=NOW)
        with post.runtime.transaction() as session:
            session.execute(update(Contact).where(Contact.id == ben).values(name="Somebody Else"))
        if fault != "closed":
            relay.twist("RCPT", reply(fault))
        url = f"smtp://127.0.0.1:{free_port()}" if fault == "closed" else relay.url
        assert not deliver_due(through(post.runtime, url), now=NOW + timedelta(minutes=2)).sent

        assert deliver_due(through(post.runtime, relay.url), now=NOW + timedelta(minutes=9)).sent == 1

    first, second = (mail.get_body(("plain",)).get_content() for mail in relay.taken)  # type: ignore[union-attr]
    assert "Ben" in first
    assert second == first


def test_a_worker_that_stood_still_sends_nothing_it_no_longer_holds(post: Post, relay: FakeRelay) -> None:
    key = post.write("one", to=post.person("Ben"))
    lease = timedelta(seconds=post.runtime.settings.lease_seconds)
    heirs: list[ClaimedMessage] = []

    def clock() -> datetime:
        """Stand still from when the message was built until another worker has claimed it."""
        if post.message(key).rendered is None:
            return NOW
        if not heirs:
            with post.runtime.transaction() as session:
                lane = post.message(key).lane
                heirs.extend(claim_messages(session, lane, limit=1, lease=lease, now=NOW + lease))
        return NOW + lease

    async def deliver() -> None:
        sender = mail_sender(post.runtime)
        with ThreadPoolExecutor(1) as database:
            await Outbox(post.runtime, sender, database, clock=clock).deliver()
        await sender.close()

    asyncio.run(deliver())

    assert relay.received == []
    assert post.message(key).lease_token == heirs[0].token


def test_words_that_were_not_handed_over_are_written_anew(
    post: Post, relay: FakeRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was put into words by itself finds its lease over once, and the name changes before the next."""
    ben, release, check = post.person("Ben"), Steps.release, Outbox._check_hold
    post.write("one", to=ben)
    is_over = [True]

    def check_once_over(outbox: Outbox, built: BuiltMessage, *, needs: timedelta) -> None:
        if is_over:
            raise LeaseOver(is_over.pop())
        check(outbox, built, needs=needs)

    def release_and_rename(steps: Steps, held: Sequence[ClaimedMessage], worded: set[int]) -> None:
        release(steps, held, worded)
        with post.runtime.transaction() as session:
            session.execute(update(Contact).where(Contact.id == ben).values(name="Somebody Else"))

    monkeypatch.setattr(Outbox, "_put_into_words", lambda _self, _held: [])
    monkeypatch.setattr(Outbox, "_check_hold", check_once_over)
    monkeypatch.setattr(Steps, "release", release_and_rename)
    deliver_due(through(post.runtime, relay.url), now=NOW)

    (mail,) = relay.received
    assert "Somebody Else" in mail.message.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_on_hold_nothing_leaves_and_the_reason_is_told(post: Post, relay: FakeRelay) -> None:
    post.write("one", to=post.person("Ben"))
    with post.runtime.transaction() as session:
        hold_sending(session, "moving house", now=NOW)

    assert deliver_due(post.runtime, now=NOW) == DeliverReport(0, 0, 0, queued=1, held="moving house")
    assert relay.received == []


def test_without_a_mail_server_mail_is_kept(post: Post) -> None:
    post.write("one", to=post.person("Ben"))
    alone = through(post.runtime, "")

    assert deliver_due(alone, now=NOW).sent == 1
    assert [mail.to for mail in MailboxChannel(alone.mail_dir).newest()] == ["ben@example.org"]


def test_a_message_that_can_not_be_written_holds_up_nobody(
    post: Post, relay: FakeRelay, caplog: pytest.LogCaptureFixture
) -> None:
    ben = post.person("Ben")
    broken = post.write("broken", to=ben, notice=Notice.REJECTED)  # says nothing about which payments
    post.write("fine", to=ben)

    assert deliver_due(post.runtime, now=NOW) == DeliverReport(sent=1, retrying=1, failed=0, queued=0)

    assert post.message(broken).last_error == "an error of SubsTrack: KeyError"
    assert post.message(broken).attempts == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_tick_says_in_words_what_it_did() -> None:
    report = TickReport(periods_opened=3, payments_lapsed=1, rows_purged=2)
    assert str(report) == "3 periods opened, 1 payment lapsed, 2 rows purged"


def test_an_address_that_refuses_is_told_to_the_admin_in_the_same_run(post: Post, relay: FakeRelay) -> None:
    ben = post.person("Ben")
    post.write("one", to=ben)
    relay.fail_next("RCPT", "550 5.1.1 no such user")

    assert deliver_due(post.runtime, now=NOW) == DeliverReport(sent=1, retrying=0, failed=1, queued=0)

    assert [mail.to for mail in relay.received] == ["olga@example.org"]
    assert post.notices_to(post.olga_id) == [Notice.ADDRESS_REFUSED]
    with post.runtime.reading() as session:
        ids = session.scalars(select(Message.correlation_id).order_by(Message.id)).all()
    assert ids[0] != ids[1]
    assert str(ids[0])[:8] == str(ids[1])[:8]
