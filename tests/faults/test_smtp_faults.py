"""The table of what a mail server can do to us, through the whole worker: what it costs, and who is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from substrack.bootstrap import Runtime
from substrack.domain.delivery import BACKOFF, LANE_PROBE, MessageState
from substrack.worker.outbox import DeliverReport, deliver_due
from tests.fakes.smtp import HANG_UP, FakeRelay, free_port
from tests.support.post import NOW, Post, open_post, through


@dataclass(frozen=True)
class Fault:
    """What the server does once, and what is to come of it."""

    command: str
    reply: str
    waits: timedelta | None
    attempts: int
    is_address_refused: bool = False


FAULTS = {
    "greets with 421": Fault("EHLO", "421 4.3.2 closing", LANE_PROBE, 0),
    "421 in the middle": Fault("MAIL", "421 4.3.2 closing", LANE_PROBE, 0),
    "hangs up before it has the mail": Fault("RCPT", HANG_UP, LANE_PROBE, 0),
    "hangs up after it has the mail": Fault("DATA", HANG_UP, LANE_PROBE, 0),
    "wants a login": Fault("MAIL", "530 5.7.0 authentication required", LANE_PROBE, 0),
    "refuses our own address": Fault("MAIL", "550 5.7.1 not yours", LANE_PROBE, 0),
    "greylists": Fault("RCPT", "451 4.7.1 come back later", BACKOFF[0], 1),
    "mailbox is full": Fault("RCPT", "452 4.2.2 mailbox full", BACKOFF[0], 1),
    "can't take it now": Fault("DATA", "451 4.3.0 try again", BACKOFF[0], 1),
    "knows nobody": Fault("RCPT", "550 5.1.1 no such user", None, 1, is_address_refused=True),
    "forbids relaying": Fault("RCPT", "550 5.7.1 relaying denied", LANE_PROBE, 0),
    "calls it spam": Fault("DATA", "554 5.7.1 looks like spam", None, 1),
}


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    with FakeRelay() as relay:
        yield relay


@pytest.fixture
def post(runtime: Runtime, relay: FakeRelay) -> Post:
    return open_post(through(runtime, relay.url))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_costs_what_the_table_says(post: Post, relay: FakeRelay, fault: Fault) -> None:
    ben = post.person("Ben")
    key = post.write("one", to=ben)
    relay.fail_next(fault.command, fault.reply)

    report = deliver_due(post.runtime, now=NOW)

    message = post.message(key)
    assert message.attempts == fault.attempts
    assert (post.address_of(ben).refused_since is not None) is fault.is_address_refused
    if fault.waits is None:
        assert (report.failed, message.state) == (1, MessageState.DEAD)
    else:
        assert (report.retrying, message.state) == (1, MessageState.QUEUED)
        assert deliver_due(post.runtime, now=NOW + fault.waits - timedelta(seconds=1)).sent == 0
        assert deliver_due(post.runtime, now=NOW + fault.waits).sent == 1


def test_a_dead_server_costs_one_log_line_and_no_attempt(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    ben = post.person("Ben")
    keys = [post.write(str(number), to=ben) for number in range(6)]
    dead = through(post.runtime, f"smtp://127.0.0.1:{free_port()}")
    caplog.set_level(logging.INFO)

    for minute in range(5):
        deliver_due(dead, now=NOW + minute * LANE_PROBE)

    assert {post.message(key).attempts for key in keys} == {0}
    assert [(record.levelname, record.exc_info) for record in caplog.records] == [("WARNING", None)]
    assert "can’t be reached" in caplog.text
    assert "ben@example.org" not in caplog.text


def test_a_log_quotes_no_address_that_the_server_quotes(
    post: Post, relay: FakeRelay, caplog: pytest.LogCaptureFixture
) -> None:
    post.write("one", to=post.person("Ben"))
    relay.fail_next("RCPT", "421 4.3.2 too busy for <ben@example.org> now")

    deliver_due(post.runtime, now=NOW)

    assert "too busy for … now" in caplog.text


def test_while_a_lane_fails_one_message_a_minute_tries_it(post: Post, relay: FakeRelay) -> None:
    ben = post.person("Ben")
    for number in range(6):
        post.write(str(number), to=ben)
    relay.fail_next("MAIL", "421 4.3.2 closing", times=100)
    deliver_due(post.runtime, now=NOW)
    tried = relay.dialogue.count("MAIL")

    for second in range(0, 60, 10):
        deliver_due(post.runtime, now=NOW + LANE_PROBE + timedelta(seconds=second))

    assert relay.dialogue.count("MAIL") == tried + 1


def test_everything_goes_out_once_the_server_is_back(
    post: Post, relay: FakeRelay, caplog: pytest.LogCaptureFixture
) -> None:
    ben = post.person("Ben")
    for number in range(6):
        post.write(str(number), to=ben)
    relay.fail_next("EHLO", "421 4.3.2 closing", times=4)
    deliver_due(post.runtime, now=NOW)
    caplog.set_level(logging.INFO)

    report = deliver_due(post.runtime, now=NOW + LANE_PROBE)

    assert report == DeliverReport(sent=6, retrying=0, failed=0, queued=0)
    assert "works again" in caplog.text


def test_a_wrong_password_loses_nothing(runtime: Runtime) -> None:
    with FakeRelay(user="substrack", password="right") as relay:
        post = open_post(runtime)
        key = post.write("one", to=post.person("Ben"))

        assert deliver_due(through(runtime, relay.url, password="wrong"), now=NOW).retrying == 1
        assert post.message(key).attempts == 0
        assert deliver_due(through(runtime, relay.url, password="right"), now=NOW + LANE_PROBE).sent == 1
