"""Claims about sending by SMTP, against a real server on loopback."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from substrack.channels.email import EmailChannel
from substrack.channels.smtp_server import SmtpServer
from substrack.domain.delivery import DeliveryFailed, Scope
from tests.channels.conftest import MAIL
from tests.fakes.smtp import HANG_UP, SILENCE, FakeRelay, free_port, make_certificate

Use = Callable[[EmailChannel], Awaitable[None]]


def use(channel_of: Callable[[], EmailChannel], *steps: Use) -> None:
    async def run() -> None:
        channel = channel_of()
        try:
            for step in steps:
                await step(channel)
        finally:
            await channel.close()

    asyncio.run(run())


def through(relay: FakeRelay, **options: object) -> Callable[[], EmailChannel]:
    return lambda: EmailChannel(SmtpServer.from_url(relay.url, relay.password), **options)  # type: ignore[arg-type]


async def one_mail(channel: EmailChannel) -> None:
    await channel.send(MAIL)


async def twenty_at_once(channel: EmailChannel) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(channel.send(replace(MAIL, message_id=f"mail{number}")))


def failure_of(channel_of: Callable[[], EmailChannel]) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as failed:
        use(channel_of, one_mail)
    return failed.value


def test_a_mail_arrives_and_the_servers_answer_is_returned(relay: FakeRelay) -> None:
    answers: list[str] = []

    async def send(channel: EmailChannel) -> None:
        answers.append(await channel.send(MAIL))

    use(through(relay), send)
    assert answers == ["OK kept as 1"]
    [mail] = relay.received
    assert (mail.sender, mail.to) == ("subs@example.org", "ben@example.org")
    assert mail.message["Subject"] == MAIL.subject
    assert mail.text == MAIL.text


def test_connections_are_used_again(relay: FakeRelay) -> None:
    use(through(relay), one_mail, one_mail, one_mail)
    assert len(relay.received) == 3
    assert len(relay.connections) == 1
    assert relay.dialogue.count("QUIT") == 1


def test_no_more_connections_are_opened_than_allowed(relay: FakeRelay) -> None:
    use(through(relay, connections=3), twenty_at_once)
    assert len(relay.received) == 20
    assert 1 < len(relay.connections) <= 3


def test_a_connection_the_server_closed_while_idle_is_replaced(relay: FakeRelay) -> None:
    async def closed_by_server(_channel: EmailChannel) -> None:
        await asyncio.to_thread(relay.hang_up_on_everybody)
        await asyncio.sleep(0.05)

    use(through(relay), one_mail, closed_by_server, one_mail)
    assert len(relay.received) == 2
    assert len(relay.connections) == 2


def test_a_long_idle_connection_is_asked_before_it_is_trusted(
    relay: FakeRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("substrack.channels.email.IDLE_CHECK_SECONDS", 0.0)
    use(through(relay), one_mail, one_mail)
    assert relay.dialogue.count("NOOP") == 1


FAULTS = [
    ("EHLO", "421 4.3.2 closing", Scope.LANE, False),
    ("MAIL", "421 4.7.0 too many", Scope.LANE, False),
    ("MAIL", "550 5.7.1 sender not allowed", Scope.LANE, False),
    ("MAIL", "530 5.7.0 log in first", Scope.LANE, False),
    ("MAIL", "451 4.3.0 later", Scope.MESSAGE, False),
    ("MAIL", "552 5.3.4 too big", Scope.MESSAGE, True),
    ("RCPT", "421 4.3.2 closing", Scope.LANE, False),
    ("RCPT", "450 4.2.1 busy", Scope.MESSAGE, False),
    ("RCPT", "451 4.7.1 greylisted", Scope.MESSAGE, False),
    ("RCPT", "452 4.2.2 full", Scope.MESSAGE, False),
    ("RCPT", "550 5.1.1 no such user", Scope.ADDRESS, True),
    ("RCPT", "550 no such user", Scope.ADDRESS, True),
    ("RCPT", "551 5.1.6 moved", Scope.ADDRESS, True),
    ("RCPT", "553 5.1.3 bad address", Scope.ADDRESS, True),
    ("RCPT", "550 5.7.1 looks like spam", Scope.MESSAGE, True),
    ("RCPT", "550 5.7.1 <ben@example.org>: Relay access denied", Scope.LANE, False),
    ("DATA", "421 4.3.2 closing", Scope.LANE, False),
    ("DATA", "451 4.3.0 later", Scope.MESSAGE, False),
    ("DATA", "552 5.3.4 too big", Scope.MESSAGE, True),
    ("DATA", "554 5.7.1 spam", Scope.MESSAGE, True),
    ("MAIL", HANG_UP, Scope.LANE, False),
    ("RCPT", HANG_UP, Scope.LANE, False),
    ("DATA", HANG_UP, Scope.LANE, False),
]


@pytest.mark.parametrize(("command", "reply", "scope", "permanent"), FAULTS)
def test_a_refusal_says_for_whom_it_holds(
    relay: FakeRelay, command: str, reply: str, scope: Scope, permanent: bool
) -> None:
    relay.fail_next(command, reply)
    failure = failure_of(through(relay))
    assert (failure.scope, failure.permanent) == (scope, permanent), failure.reason
    assert relay.received == []


@pytest.mark.parametrize(("command", "reply", "scope", "permanent"), FAULTS)
def test_the_next_mail_goes_through_after_any_failure(
    relay: FakeRelay, command: str, reply: str, scope: Scope, permanent: bool
) -> None:
    async def refused(channel: EmailChannel) -> None:
        relay.fail_next(command, reply)
        with pytest.raises(DeliveryFailed):
            await channel.send(MAIL)

    use(through(relay), refused, one_mail)
    assert len(relay.received) == 1
    assert len(relay.connections) == (2 if scope is Scope.LANE else 1)


def test_a_refusal_carries_the_servers_words(relay: FakeRelay) -> None:
    relay.fail_next("RCPT", "550 5.1.1 No such user here")
    assert failure_of(through(relay)).reason == "550 5.1.1 No such user here"


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA"])
def test_a_silent_server_is_given_up_in_time(relay: FakeRelay, command: str) -> None:
    relay.fail_next(command, SILENCE, times=2)
    failure = failure_of(through(relay, timeout_seconds=0.2))
    assert failure.scope is Scope.LANE
    assert "in time" in failure.reason


def test_a_server_that_is_not_there_fails_for_everybody() -> None:
    server = SmtpServer("127.0.0.1", free_port())
    failure = failure_of(lambda: EmailChannel(server))
    assert (failure.scope, failure.permanent) == (Scope.LANE, False)


def test_a_wrong_host_name_fails_for_everybody() -> None:
    failure = failure_of(lambda: EmailChannel(SmtpServer("no-such-host.invalid", 25), timeout_seconds=5))
    assert failure.scope is Scope.LANE


def test_an_address_that_is_none_costs_no_connection(relay: FakeRelay) -> None:
    async def refused(channel: EmailChannel) -> None:
        with pytest.raises(DeliveryFailed):
            await channel.send(replace(MAIL, to="ben"))

    use(through(relay), refused)
    assert relay.connections == []


def test_letters_beyond_ascii_in_an_address_travel_as_utf8(relay: FakeRelay) -> None:
    async def send(channel: EmailChannel) -> None:
        await channel.send(replace(MAIL, to="bén@example.org"))

    use(through(relay), send)
    assert [mail.to for mail in relay.received] == ["bén@example.org"]


def test_a_login_opens_the_door() -> None:
    with FakeRelay(user="olga", password="right horse") as relay:
        use(through(relay), one_mail)
        assert len(relay.received) == 1


def test_a_refused_login_fails_for_everybody() -> None:
    with FakeRelay(user="olga", password="right horse") as relay:
        failure = failure_of(lambda: EmailChannel(SmtpServer.from_url(relay.url, "wrong")))
    assert failure.scope is Scope.LANE
    assert "535" in failure.reason
    assert "wrong" not in failure.reason


def test_a_password_is_not_sent_readable_over_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmtpServer, "is_loopback", False)
    with FakeRelay(user="olga", password="right horse") as relay:
        failure = failure_of(through(relay))
        assert not any(line.startswith("AUTH") for line in relay.dialogue)
    assert failure.scope is Scope.LANE
    assert "encryption" in failure.reason


def test_mail_is_not_sent_readable_over_a_network(relay: FakeRelay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmtpServer, "is_loopback", False)
    failure = failure_of(through(relay))
    assert relay.received == []
    assert failure.scope is Scope.LANE
    assert "?insecure=1" in failure.reason


def test_mail_travels_readable_when_the_url_says_so(
    relay: FakeRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SmtpServer, "is_loopback", False)
    server = SmtpServer.from_url(f"{relay.url}?insecure=1")
    use(lambda: EmailChannel(server), one_mail)
    assert len(relay.received) == 1


def test_a_password_stays_hidden_even_when_mail_may_be_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmtpServer, "is_loopback", False)
    with FakeRelay(user="olga", password="right horse") as relay:
        server = SmtpServer.from_url(f"{relay.url}?insecure=1", "right horse")
        failure = failure_of(lambda: EmailChannel(server))
        assert not any(line.startswith("AUTH") for line in relay.dialogue)
    assert "password" in failure.reason


@pytest.mark.parametrize("is_smtps", [False, True], ids=["starttls", "smtps"])
def test_mail_and_login_travel_encrypted_when_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_smtps: bool
) -> None:
    monkeypatch.setattr(SmtpServer, "is_loopback", False)
    server_side, client_side = certificate_or_skip(tmp_path)
    with FakeRelay("olga", "right horse", tls=server_side, is_smtps=is_smtps) as relay:
        use(through(relay, tls_context=client_side), one_mail, one_mail)
        assert [mail.is_encrypted for mail in relay.received] == [True, True]
        assert len([line for line in relay.dialogue if line.startswith("AUTH")]) == 1


def test_a_server_with_an_unknown_certificate_is_not_trusted(tmp_path: Path) -> None:
    server_side, _client_side = certificate_or_skip(tmp_path)
    with FakeRelay("olga", "right horse", tls=server_side) as relay:
        failure = failure_of(through(relay))
        assert not any(line.startswith("AUTH") for line in relay.dialogue)
    assert failure.scope is Scope.LANE


def certificate_or_skip(directory: Path):  # type: ignore[no-untyped-def]
    try:
        return make_certificate(directory)
    except FileNotFoundError:
        pytest.skip("needs openssl to make a certificate")
