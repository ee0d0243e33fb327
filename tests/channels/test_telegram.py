"""Claims about writing by Telegram, against the stand-in of the Bot API."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from substrack.channels.chats import Button, OutgoingChat, WrongButton
from substrack.channels.telegram import TelegramChannel
from substrack.channels.telegram_account import TelegramAccount, WrongTelegramToken, WrongTelegramUrl
from substrack.channels.telegram_errors import ChatMoved
from substrack.domain.delivery import DeliveryFailed, Scope
from tests.fakes import telegram_faults as faults
from tests.fakes.bot_api import BotApi, Person
from tests.fakes.smtp import free_port
from tests.fakes.telegram_faults import Fault, refused, too_many
from tests.fakes.telegram_http import Reply

Use = Callable[[TelegramChannel], Awaitable[Any]]

PAID = Button("I’ve paid", data="paid:1")
PAGE = Button("Open your page", url="https://subs.example.org/pay/b3n.T0k")
REQUEST = OutgoingChat(1001, "<b>4.00 €</b>, please: <code>K7M2PQ</code>", ((PAID,), (PAGE,)))


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


@pytest.fixture
def ben(api: BotApi) -> Person:
    return api.person("Ben", 1001, has_started=True)


def use(api: BotApi, step: Use, **options: Any) -> Any:
    async def run() -> Any:
        channel = TelegramChannel(TelegramAccount.from_settings(api.token, api.url), **options)
        try:
            return await step(channel)
        finally:
            await channel.close()

    return asyncio.run(run())


def failure_of(api: BotApi, step: Use, **options: Any) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as failed:
        use(api, step, **options)
    return failed.value


async def one_message(channel: TelegramChannel) -> str:
    return await channel.send(REQUEST)


def test_a_message_arrives_with_its_buttons_and_number(api: BotApi, ben: Person) -> None:
    number = use(api, one_message)
    assert number == str(ben.last.id)
    assert (ben.last.text, ben.last.codes) == ("4.00 €, please: K7M2PQ", ["K7M2PQ"])
    assert ben.last.labels == [["I’ve paid"], ["Open your page"]]
    assert ben.last.button("I’ve paid").data == "paid:1"
    assert ben.last.button("Open your page").url == PAGE.url


def test_a_message_is_loud_and_shows_no_preview_unless_asked(api: BotApi, ben: Person) -> None:
    question = ben.says("How much?")

    async def both(channel: TelegramChannel) -> None:
        await channel.send(OutgoingChat(1001, "loud"))
        await channel.send(OutgoingChat(1001, "silent", is_silent=True, reply_to=question.id))

    use(api, both)
    loud, silent = ben.inbox
    assert (loud.is_silent, loud.has_preview, loud.reply_to) == (False, False, None)
    assert (silent.is_silent, silent.has_preview, silent.reply_to) == (True, False, question)


def test_a_reply_goes_out_when_what_it_answers_is_gone(api: BotApi, ben: Person) -> None:
    use(api, lambda channel: channel.send(OutgoingChat(1001, "still", reply_to=99)))
    assert ben.last.text == "still"


@pytest.mark.parametrize("kind", ["photo", "document"])
def test_files_arrive_with_caption_and_buttons(api: BotApi, ben: Person, kind: str) -> None:
    picture = bytes(range(256))
    captioned = OutgoingChat(1001, "<i>Scan me</i>", ((PAID,),), is_silent=True)

    async def send(channel: TelegramChannel) -> str:
        if kind == "photo":
            return await channel.send_photo(captioned, picture)
        return await channel.send_document(captioned, picture, name="bill.pdf")

    assert use(api, send) == str(ben.last.id)
    assert ben.last.file is not None
    assert (ben.last.file.kind, ben.last.file.data) == (kind, picture)
    assert ben.last.file.name == (None if kind == "photo" else "bill.pdf")
    assert (ben.last.text, ben.last.labels, ben.last.is_silent) == ("Scan me", [["I’ve paid"]], True)


def test_an_edit_replaces_words_and_buttons(api: BotApi, ben: Person) -> None:
    async def send_and_edit(channel: TelegramChannel) -> None:
        number = await channel.send(REQUEST)
        await channel.edit(number, OutgoingChat(1001, "<b>Confirmed</b>"))

    use(api, send_and_edit)
    assert (ben.last.text, ben.last.labels, ben.last.has_preview) == ("Confirmed", [], False)


def test_a_caption_and_buttons_alone_can_be_edited(api: BotApi, ben: Person) -> None:
    async def send_and_edit(channel: TelegramChannel) -> None:
        number = await channel.send_photo(OutgoingChat(1001, "Proof", ((PAID,),)), b"picture")
        await channel.edit_caption(number, OutgoingChat(1001, "Confirmed", ((PAID,),)))
        await channel.edit_keyboard(number, chat_id=1001)

    use(api, send_and_edit)
    assert (ben.last.text, ben.last.labels, ben.last.edits) == ("Confirmed", [], 2)


def test_the_same_edit_again_is_success(api: BotApi, ben: Person) -> None:
    async def edit_twice(channel: TelegramChannel) -> None:
        number = await channel.send(REQUEST)
        for _ in range(2):
            await channel.edit(number, REQUEST)
            await channel.edit_keyboard(number, chat_id=1001, keyboard=REQUEST.keyboard)

    use(api, edit_twice)
    assert ben.last.edits == 0


def test_an_answer_is_shown_and_cut_to_what_fits(api: BotApi, ben: Person) -> None:
    press = ben.presses(ben.says("x"), data="paid:1")
    use(api, lambda channel: channel.answer(press.query_id, "x" * 300, is_alert=True))
    assert (press.answers, press.is_alert) == (["x" * 200], True)


def test_an_answer_to_an_old_press_is_success(api: BotApi, ben: Person) -> None:
    press = ben.presses(ben.says("x"), data="paid:1")
    api.expire(press)
    use(api, lambda channel: channel.answer(press.query_id, "Thanks"))
    assert press.answers == []


WORDS_ABOUT_THE_CHAT = [
    "chat not found",
    "user not found",
    "PEER_ID_INVALID",
    "CHAT_WRITE_FORBIDDEN",
    "group chat was deactivated",
    "not enough rights to send text messages to the chat",
    "have no rights to send a message",
]

ROWS: list[tuple[str, Fault, Scope, bool]] = [
    ("429", too_many(7), Scope.LANE, False),
    ("429 without a time", refused(429, "Too Many Requests"), Scope.LANE, False),
    ("401", faults.UNAUTHORIZED, Scope.LANE, True),
    ("404", refused(404, "Not Found"), Scope.LANE, True),
    ("409", faults.CONFLICT, Scope.LANE, False),
    ("500", faults.SERVER_ERROR, Scope.LANE, False),
    ("502 in HTML", faults.BAD_GATEWAY, Scope.LANE, False),
    ("503", refused(503, "Service Unavailable"), Scope.LANE, False),
    ("not JSON", faults.NOT_JSON, Scope.LANE, False),
    ("hangs up", faults.HANG_UP, Scope.LANE, False),
    ("never answers", faults.SILENCE, Scope.LANE, False),
    ("never answers after taking it", faults.ACCEPTED_THEN_SILENCE, Scope.LANE, False),
    ("blocked", faults.BLOCKED, Scope.ADDRESS, True),
    ("deactivated", refused(403, "Forbidden: user is deactivated"), Scope.ADDRESS, True),
    ("kicked", refused(403, "Forbidden: bot was kicked from the group chat"), Scope.ADDRESS, True),
    (
        "never started",
        refused(403, "Forbidden: bot can't initiate conversation with a user"),
        Scope.ADDRESS,
        True,
    ),
    *((words, refused(400, f"Bad Request: {words}"), Scope.ADDRESS, True) for words in WORDS_ABOUT_THE_CHAT),
    ("moved", faults.migrated(-1005), Scope.ADDRESS, False),
    ("moved to no number", refused(400, "Bad Request: moved", migrate_to_chat_id="x"), Scope.MESSAGE, True),
    ("429 for no number", refused(429, "Too Many Requests", retry_after=[]), Scope.LANE, False),
    ("403 by a proxy", Fault(Reply(403, b"<h1>Forbidden</h1>", "text/html")), Scope.LANE, False),
    ("404 by a proxy", Fault(Reply(404, b"<h1>Not Found</h1>", "text/html")), Scope.LANE, False),
    ("other JSON", Fault(Reply(400, b'{"error": "denied"}')), Scope.LANE, False),
    ("no with 200", Fault(Reply(200, b'{"ok": false}')), Scope.LANE, False),
    ("bad HTML", refused(400, "Bad Request: can't parse entities: odd"), Scope.MESSAGE, True),
    ("too long", refused(400, "Bad Request: message is too long"), Scope.MESSAGE, True),
    ("gone", refused(400, "Bad Request: message to edit not found"), Scope.MESSAGE, True),
    ("unknown words", refused(400, "Bad Request: SOMETHING_NEW"), Scope.MESSAGE, True),
    ("too large", refused(413, "Request Entity Too Large"), Scope.MESSAGE, True),
]


def patience(fault: Fault) -> float:
    """Say how many seconds to wait for an answer: not long for one that never comes."""
    return 1.0 if fault.is_silent else 30.0


@pytest.mark.parametrize(
    ("fault", "scope", "permanent"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_a_refusal_says_for_whom_it_holds(
    api: BotApi, ben: Person, fault: Fault, scope: Scope, permanent: bool
) -> None:
    api.fail_next("sendMessage", fault)
    failure = failure_of(api, one_message, timeout_seconds=patience(fault))
    assert (failure.scope, failure.permanent) == (scope, permanent), failure.reason


@pytest.mark.parametrize("fault", [row[1] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_next_message_goes_through_after_any_failure(api: BotApi, ben: Person, fault: Fault) -> None:
    async def refused_then_sent(channel: TelegramChannel) -> None:
        api.fail_next("sendMessage", fault)
        with pytest.raises(DeliveryFailed):
            await channel.send(OutgoingChat(1001, "first"))
        await channel.send(OutgoingChat(1001, "second"))

    use(api, refused_then_sent, timeout_seconds=patience(fault))
    assert ben.last.text == "second"


@pytest.mark.parametrize(
    ("method", "step"),
    [
        ("sendPhoto", lambda channel: channel.send_photo(REQUEST, b"picture")),
        ("sendDocument", lambda channel: channel.send_document(REQUEST, b"file", name="a.pdf")),
        ("editMessageText", lambda channel: channel.edit("1", REQUEST)),
        ("editMessageCaption", lambda channel: channel.edit_caption("1", REQUEST)),
        ("editMessageReplyMarkup", lambda channel: channel.edit_keyboard("1", chat_id=1001)),
        ("answerCallbackQuery", lambda channel: channel.answer("1", "Thanks")),
    ],
)
def test_every_request_fails_in_the_same_way(api: BotApi, ben: Person, method: str, step: Use) -> None:
    api.fail_next(method, faults.BLOCKED)
    failure = failure_of(api, step)
    assert (failure.scope, failure.permanent) == (Scope.ADDRESS, True)
    assert "bot was blocked by the user" in failure.reason


def test_a_pause_lasts_as_long_as_telegram_asks(api: BotApi, ben: Person) -> None:
    api.fail_next("sendMessage", too_many(33))
    assert failure_of(api, one_message).retry_after == timedelta(seconds=33)


@pytest.mark.parametrize("asked", [86_401, 10**30])
def test_no_pause_is_longer_than_a_day(api: BotApi, ben: Person, asked: int) -> None:
    api.fail_next("sendMessage", too_many(asked))
    assert failure_of(api, one_message).retry_after == timedelta(days=1)


@pytest.mark.parametrize("result", [b"", b', "result": true', b', "result": {"message_id": "x"}'])
def test_what_was_taken_and_oddly_described_has_no_number(api: BotApi, ben: Person, result: bytes) -> None:
    api.fail_next("sendMessage", Fault(Reply(200, b'{"ok": true' + result + b"}"), takes_effect=True))
    assert use(api, one_message) == ""


def test_a_group_that_moved_says_where_to(api: BotApi, ben: Person) -> None:
    api.group("Flat", -5).becomes_supergroup(-1005, ben)
    failure = failure_of(api, lambda channel: channel.send(OutgoingChat(-5, "x")))
    assert isinstance(failure, ChatMoved)
    assert failure.new_chat_id == -1005


def test_telegram_out_of_reach_holds_for_the_lane() -> None:
    nowhere = BotApi()
    account = TelegramAccount.from_settings(nowhere.token, f"http://127.0.0.1:{free_port()}")

    async def run() -> None:
        channel = TelegramChannel(account)
        with pytest.raises(DeliveryFailed) as failed:
            await channel.send(REQUEST)
        await channel.close()
        assert failed.value.scope is Scope.LANE
        assert "can’t be reached" in failed.value.reason

    asyncio.run(run())


def test_a_bug_of_ours_stays_one(api: BotApi, ben: Person) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        use(api, lambda channel: channel.edit("no number", REQUEST))


def test_no_more_connections_are_used_than_allowed(api: BotApi, ben: Person) -> None:
    async def twenty_at_once(channel: TelegramChannel) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(channel.send(OutgoingChat(1001, f"message {number}")))

    use(api, twenty_at_once, connections=3)
    assert len({each.text for each in ben.inbox}) == 20
    assert 1 <= api.connections <= 3


def test_a_channel_can_be_closed_twice_and_used_again(api: BotApi, ben: Person) -> None:
    async def again(channel: TelegramChannel) -> None:
        await channel.send(REQUEST)
        await channel.close()
        await channel.close()
        await channel.send(REQUEST)

    use(api, again)
    assert len(ben.inbox) == 2


def test_the_token_is_in_no_log_and_no_reason(
    api: BotApi, ben: Person, caplog: pytest.LogCaptureFixture
) -> None:
    async def send_and_fail(channel: TelegramChannel) -> str:
        await channel.send(REQUEST)
        api.fail_next("sendMessage", refused(400, f"Bad Request: at /bot{api.token}/sendMessage"))
        with pytest.raises(DeliveryFailed) as failed:
            await channel.send(REQUEST)
        return failed.value.reason

    with caplog.at_level(logging.DEBUG):
        reason = use(api, send_and_fail)
    assert api.token not in caplog.text
    assert api.token not in reason
    assert api.token not in repr(TelegramAccount(api.token))


def test_the_library_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, substrack.channels.telegram; sys.exit('telegram' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "button",
    [
        {"text": " ", "data": "x"},
        {"text": "x"},
        {"text": "x", "data": "x", "url": "https://subs.example.org"},
        {"text": "x", "data": ""},
        {"text": "x", "data": "é" * 33},
        {"text": "x", "url": "http://localhost:8000/pay"},
    ],
)
def test_a_button_telegram_would_refuse_is_never_made(button: dict[str, str]) -> None:
    with pytest.raises(WrongButton):
        Button(**button)


def test_a_message_has_a_hundred_buttons_at_most() -> None:
    with pytest.raises(WrongButton):
        OutgoingChat(1001, "x", ((PAID,),) * 101)


@pytest.mark.parametrize("token", ["", "nonsense", "123456:short", "123456:" + "A" * 30 + "/../x", "x\ny"])
def test_a_token_of_another_form_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(WrongTelegramToken) as refusal:
        TelegramAccount.from_settings(token)
    assert not token or token not in str(refusal.value)


@pytest.mark.parametrize(
    "url", ["ftp://x.example", "api.telegram.org", "https://", "https://x:99999", "https://x/?a=1"]
)
def test_an_api_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(WrongTelegramUrl):
        TelegramAccount.from_settings("123456:" + "A" * 30, url)


def test_an_account_knows_where_its_api_is() -> None:
    account = TelegramAccount.from_settings(" 123456:" + "A" * 30 + "\n")
    assert (account.base_url, account.bot_id) == ("https://api.telegram.org/bot", 123456)
    own = TelegramAccount.from_settings(account.token, "http://bot-api:8081/")
    assert own.base_file_url == "http://bot-api:8081/file/bot"
