"""Claims about the stand-in itself: the real library works against it, and it refuses what Telegram does."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    Message,
    ReplyParameters,
    Update,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    filters,
)
from telegram.request import HTTPXRequest

from tests.fakes import telegram_faults as faults
from tests.fakes.bot_api import ANY, BotApi, Person
from tests.fakes.telegram_faults import Fault, refused, too_many

Use = Callable[[Bot], Awaitable[Any]]
PICTURE = bytes(range(256)) * 4 + b"\r\n--not-the-boundary\r\n"
BUTTON = InlineKeyboardMarkup.from_button(InlineKeyboardButton("I’ve paid", callback_data="paid:1"))


@pytest.fixture(autouse=True)
def _timedeltas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the library warns at every 429."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


@pytest.fixture
def ben(api: BotApi) -> Person:
    return api.person("Ben", 1001, has_started=True)


def ask(api: BotApi, use: Use, *, token: str | None = None, read_timeout: float = 5) -> Any:
    """Let the real library's Bot ask something."""

    async def run() -> Any:
        request = HTTPXRequest(read_timeout=read_timeout)
        bot = Bot(
            token or api.token, api.base_url, api.base_file_url, request=request, get_updates_request=request
        )
        try:
            return await use(bot)
        finally:
            await request.shutdown()
            await asyncio.sleep(0)  # lets the loop close the sockets

    return asyncio.run(run())


def say(text: str, *, chat: int = 1001, **options: Any) -> Use:
    return lambda bot: bot.send_message(chat, text, parse_mode="HTML", **options)


def test_the_bot_knows_itself(api: BotApi) -> None:
    assert ask(api, lambda bot: bot.get_me()).username == "substrack_bot"


def test_a_phone_shows_what_was_sent(api: BotApi, ben: Person) -> None:
    sent = ask(api, say("<b>Hi &lt;Ben&gt;</b>, copy <code>K7M2PQ</code> 👍", reply_markup=BUTTON))
    assert isinstance(sent, Message)
    assert ben.last.text == sent.text == "Hi <Ben>, copy K7M2PQ 👍"
    assert ben.last.codes == ["K7M2PQ"]
    assert ben.last.labels == [["I’ve paid"]]
    assert ben.last.id == sent.message_id


def test_options_of_a_message_are_kept(api: BotApi, ben: Person) -> None:
    first = ben.says("How much?")
    options: Any = {"reply_parameters": ReplyParameters(first.id), "disable_notification": True}
    ask(api, say("4.00 €", disable_web_page_preview=True, **options))
    assert (ben.last.is_silent, ben.last.has_preview, ben.last.reply_to) == (True, False, first)


def test_an_edit_changes_text_and_buttons(api: BotApi, ben: Person) -> None:
    ask(api, say("4.00 €, please", reply_markup=BUTTON))
    ask(api, lambda bot: bot.edit_message_text("Paid.", 1001, ben.last.id))
    assert (ben.last.text, ben.last.labels, ben.last.earlier) == ("Paid.", [], ["4.00 €, please"])
    ask(api, lambda bot: bot.edit_message_reply_markup(1001, ben.last.id, reply_markup=BUTTON))
    assert (ben.last.text, ben.last.labels, ben.last.edits) == ("Paid.", [["I’ve paid"]], 2)


def test_files_travel_byte_for_byte(api: BotApi, ben: Person) -> None:
    async def there_and_back(bot: Bot) -> list[bytes]:
        await bot.send_photo(1001, PICTURE, caption="<i>scan me</i>", parse_mode="HTML")
        sent = await bot.send_document(1001, InputFile(PICTURE, "bill.pdf", attach=True))
        assert sent.document is not None
        assert (sent.document.file_name, sent.document.mime_type) == ("bill.pdf", "application/pdf")
        photo = ben.sends_photo(PICTURE, "there you are").file
        assert photo is not None
        files = [await bot.get_file(each) for each in (sent.document.file_id, photo.file_id)]
        return [bytes(await each.download_as_bytearray()) for each in files]

    assert ask(api, there_and_back) == [PICTURE, PICTURE]
    [picture, document] = ben.inbox
    assert picture.file is not None
    assert document.file is not None
    assert (picture.file.data, document.file.data) == (PICTURE, PICTURE)
    assert picture.text == "scan me"


def test_menus_are_kept_by_language(api: BotApi) -> None:
    ask(api, lambda bot: bot.set_my_commands([BotCommand("status", "What I owe")], language_code="de"))
    assert api.commands == {("default", "de"): [{"command": "status", "description": "What I owe"}]}


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (say("x" * 4097), "Message is too long"),
        (say("<b>" + "👍" * 2049 + "</b>"), "Message is too long"),
        (say(" <b> </b> "), "Message text is empty"),
        (say("<b>open"), "Can't parse entities: can't find end tag corresponding to start tag \"b\""),
        (say("a < b"), "Can't parse entities: unclosed start tag at byte offset 2"),
        (say("<p>x</p>"), 'Can\'t parse entities: unsupported start tag "p" at byte offset 0'),
        (say("é</b>"), "Can't parse entities: unexpected end tag at byte offset 2"),
        (
            say("<b><i>x</b></i>"),
            'Can\'t parse entities: unmatched end tag at byte offset 7, expected "</i>", found "</b>"',
        ),
        (say("x", chat=999), "Chat not found"),
        (
            say("x", reply_parameters=ReplyParameters(99)),
            "Message to be replied not found",
        ),
        (
            say("x", reply_markup={"inline_keyboard": [[{"text": "x", "callback_data": "é" * 33}]]}),
            "Button_data_invalid",
        ),
        (
            say("x", reply_markup={"inline_keyboard": [[{"text": "x"}]]}),
            "Can't parse inline keyboard button: text buttons are unallowed in the inline keyboard",
        ),
        (
            say("x", reply_markup={"inline_keyboard": [[{"text": "x", "url": "http://localhost:8000/pay"}]]}),
            "Inline keyboard button url 'http://localhost:8000/pay' is invalid: wrong http url",
        ),
        (lambda bot: bot.edit_message_text("x", 1001, 99), "Message to edit not found"),
        (lambda bot: bot.send_photo(1001, b"x", caption="x" * 1025), "Message caption is too long"),
        (lambda bot: bot.get_file("none"), "Wrong file_id or the file is temporarily unavailable"),
        (
            lambda bot: bot.set_webhook("http://subs.example.org"),
            "Bad webhook: an https url must be provided for webhook",
        ),
        (lambda bot: bot.set_my_commands([("Status", "x")]), "Bot_command_invalid"),
    ],
)
def test_what_telegram_refuses_is_refused(api: BotApi, ben: Person, use: Use, words: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        ask(api, use)
    assert str(refusal.value) == words
    assert ben.inbox == []


@pytest.mark.parametrize("text", ["x" * 4096, "<b>" + "&amp;" * 4096 + "</b>"])
def test_the_limit_counts_what_is_shown(api: BotApi, ben: Person, text: str) -> None:
    ask(api, say(text))
    assert len(ben.last.text) == 4096


def test_a_link_to_a_host_without_a_dot_is_shown_as_words(api: BotApi, ben: Person) -> None:
    ask(api, say('<a href="http://localhost/">here</a> <a href="https://x.example/">there</a>'))
    [link] = ben.last.entities
    assert (ben.last.text, link["url"]) == ("here there", "https://x.example/")


def test_the_same_text_again_is_not_modified(api: BotApi, ben: Person) -> None:
    ask(api, say("<b>x</b>", reply_markup=BUTTON))
    with pytest.raises(BadRequest, match="Message is not modified"):
        ask(
            api,
            lambda bot: bot.edit_message_text(
                "<strong>x</strong>", 1001, ben.last.id, parse_mode="HTML", reply_markup=BUTTON
            ),
        )


def test_others_messages_cannot_be_edited(api: BotApi, ben: Person) -> None:
    mine = ben.says("mine")
    with pytest.raises(BadRequest, match="Message can't be edited"):
        ask(api, lambda bot: bot.edit_message_text("x", 1001, mine.id))


def test_a_bot_cannot_write_first(api: BotApi) -> None:
    mia = api.person("Mia", 1002)
    with pytest.raises(BadRequest, match="Chat not found"):
        ask(api, say("x", chat=1002))
    mia.starts()
    ask(api, say("x", chat=1002))


def test_who_blocks_is_not_reached_until_they_unblock(api: BotApi, ben: Person) -> None:
    ben.blocks()
    with pytest.raises(Forbidden, match="blocked"):
        ask(api, say("x"))
    ben.unblocks()
    ask(api, say("x"))
    updates = ask(api, lambda bot: bot.get_updates())
    assert [each.my_chat_member.new_chat_member.status for each in updates] == ["kicked", "member"]


def test_a_deleted_account_and_a_removed_bot_are_forbidden(api: BotApi, ben: Person) -> None:
    group = api.group("Flat", -5)
    group.removes_bot(ben)
    ben.leaves_telegram()
    for chat, words in ((1001, "deactivated"), (-5, "kicked")):
        with pytest.raises(Forbidden, match=words):
            ask(api, say("x", chat=chat))


def test_a_group_that_moves_names_its_new_number(api: BotApi, ben: Person) -> None:
    group = api.group("Flat", -5)
    group.becomes_supergroup(-1005, ben)
    with pytest.raises(ChatMigrated) as moved:
        ask(api, say("x", chat=-5))
    assert moved.value.new_chat_id == -1005
    ask(api, say("x", chat=-1005))
    assert [each.text for each in group.messages] == ["", "x"]


FAULTS: list[tuple[Fault, type[TelegramError]]] = [
    (too_many(7), RetryAfter),
    (faults.BLOCKED, Forbidden),
    (refused(400, "Bad Request: odd"), BadRequest),
    (faults.migrated(-1005), ChatMigrated),
    (faults.UNAUTHORIZED, InvalidToken),
    (faults.CONFLICT, Conflict),
    (faults.SERVER_ERROR, NetworkError),
    (faults.BAD_GATEWAY, NetworkError),
    (faults.NOT_JSON, TelegramError),
    (faults.HANG_UP, NetworkError),
    (faults.SILENCE, TimedOut),
]


@pytest.mark.parametrize(("fault", "expected"), FAULTS)
@pytest.mark.parametrize("method", ["sendMessage", ANY])
def test_a_fault_is_met_once_and_changes_nothing(
    api: BotApi, ben: Person, fault: Fault, expected: type[TelegramError], method: str
) -> None:
    api.fail_next(method, fault)
    with pytest.raises(expected):
        ask(api, say("x"), read_timeout=0.3)
    assert ben.inbox == []
    ask(api, say("x"))
    assert [each.text for each in ben.inbox] == ["x"]


@pytest.mark.parametrize("fault", [faults.ACCEPTED_THEN_SILENCE, faults.ACCEPTED_THEN_HANG_UP])
def test_an_answer_can_be_lost_after_the_message_arrived(api: BotApi, ben: Person, fault: Fault) -> None:
    api.fail_next("sendMessage", fault)
    with pytest.raises(NetworkError):
        ask(api, say("x"), read_timeout=0.3)
    assert [each.text for each in ben.inbox] == ["x"]


def test_while_down_nothing_answers(api: BotApi, ben: Person) -> None:
    api.down = faults.HANG_UP
    for _ in range(3):
        with pytest.raises(NetworkError):
            ask(api, say("x"))
    api.down = None
    ask(api, say("x"))
    assert len(ben.inbox) == 1


@pytest.mark.parametrize("token", ["123456:other", "nonsense"])
def test_another_token_is_refused(api: BotApi, token: str) -> None:
    with pytest.raises(InvalidToken):
        ask(api, lambda bot: bot.get_me(), token=token)


def test_requests_are_kept_with_their_instant(api: BotApi, ben: Person) -> None:
    async def three(bot: Bot) -> None:
        for text in "abc":
            await bot.send_message(1001, text)

    ask(api, three)
    asked = api.calls("sendMessage")
    assert [each.values["text"] for each in asked] == ["a", "b", "c"]
    assert sorted(each.at for each in asked) == [each.at for each in asked]
    assert (api.busiest_second(), api.busiest_second(chat_id=5)) == (3, 0)


def ids(updates: tuple[Update, ...]) -> list[int]:
    return [each.update_id for each in updates]


def test_updates_come_until_they_are_confirmed(api: BotApi, ben: Person) -> None:
    for text in "abc":
        ben.says(text)
    first = ask(api, lambda bot: bot.get_updates())
    assert ids(ask(api, lambda bot: bot.get_updates(limit=2))) == ids(first)[:2]
    assert ids(ask(api, lambda bot: bot.get_updates(offset=ids(first)[1]))) == ids(first)[1:]
    assert ids(ask(api, lambda bot: bot.get_updates(offset=-1))) == ids(first)[2:]
    assert ids(ask(api, lambda bot: bot.get_updates(offset=ids(first)[2] + 1))) == []
    assert api.updates.pending == 0


def test_a_long_poll_ends_with_the_first_update(api: BotApi, ben: Person) -> None:
    timer = threading.Timer(0.2, lambda: ben.says("hello"))
    timer.start()
    [update] = ask(api, lambda bot: bot.get_updates(timeout=30))
    timer.join()
    assert update.message.text == "hello"


def test_updates_are_repeated_on_demand(api: BotApi, ben: Person) -> None:
    api.updates.copies = 3
    ben.says("hello")
    seen: list[int] = []

    async def fetch(bot: Bot) -> None:
        offset = 0
        while updates := await bot.get_updates(offset=offset):
            seen.extend(ids(updates))
            offset = seen[-1] + 1

    ask(api, fetch)
    assert len(seen) == 3
    assert len(set(seen)) == 1


def test_unwanted_kinds_of_updates_are_not_kept(api: BotApi, ben: Person) -> None:
    ask(api, lambda bot: bot.get_updates(allowed_updates=["callback_query"]))
    ben.says("hello")
    assert api.updates.pending == 0


def test_two_pollers_conflict(api: BotApi) -> None:
    async def both(bot: Bot) -> Any:
        async def first() -> Any:
            return await bot.get_updates(timeout=20)

        async def second() -> Any:
            await asyncio.sleep(0.2)
            return await bot.get_updates(timeout=0)

        return await asyncio.gather(first(), second(), return_exceptions=True)

    [loser, winner] = ask(api, both)
    assert isinstance(loser, Conflict)
    assert winner == ()


class Shop:
    """The smallest bot that does what ours will: answers a command, a press and a photo."""

    def __init__(self, api: BotApi) -> None:
        builder = ApplicationBuilder().token(api.token)
        builder = builder.base_url(api.base_url).base_file_url(api.base_file_url)
        self.app: Application[Any, Any, Any, Any, Any, Any] = builder.build()
        self.app.add_handler(CommandHandler("start", self.start))
        self.app.add_handler(CallbackQueryHandler(self.press))
        self.app.add_handler(MessageHandler(filters.PHOTO & filters.REPLY, self.photo))

    async def start(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_chat is not None
        words = f"Hello {context.args}"
        await context.bot.send_message(update.effective_chat.id, words, reply_markup=BUTTON)

    async def press(self, update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query is not None
        await update.callback_query.answer("Thanks")
        await update.callback_query.edit_message_text(f"Pressed {update.callback_query.data}")

    async def photo(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        assert update.message.reply_to_message is not None
        file = await update.message.photo[-1].get_file()
        size = len(await file.download_as_bytearray())
        await update.message.reply_text(f"{size} bytes for: {update.message.reply_to_message.text}")


def live(ben: Person) -> None:
    """Start, press and send a photo, each time waiting for what the bot does."""
    ben.starts("abc")
    message = ben.waits_for(lambda each: each.text == "Hello ['abc']")
    press = ben.presses(message, "I’ve paid")
    assert ben.waits_for_answer(press) == "Thanks"
    assert press.seconds < 5
    ben.waits_for(lambda each: each.text == "Pressed paid:1" and each.labels == [])
    ben.sends_photo(PICTURE, reply_to=message)
    ben.waits_for(lambda each: each.text == f"{len(PICTURE)} bytes for: Pressed paid:1")


def test_a_bot_of_the_library_lives_on_polling(api: BotApi, ben: Person) -> None:
    async def run() -> None:
        app = Shop(api).app
        async with app:
            assert app.updater is not None
            await app.start()
            await app.updater.start_polling()
            await asyncio.to_thread(live, ben)
            await app.updater.stop()
            await app.stop()

    asyncio.run(run())
    assert api.updates.pending == 0


def test_a_bot_of_the_library_lives_on_a_webhook(api: BotApi, ben: Person) -> None:
    async def run() -> None:
        app = Shop(api).app
        loop = asyncio.get_running_loop()

        def take(body: dict[str, Any]) -> None:
            handled = app.process_update(Update.de_json(body, app.bot))
            asyncio.run_coroutine_threadsafe(handled, loop).result(10)

        with Receiver(take) as receiver:
            async with app:
                await app.bot.set_webhook(receiver.url, secret_token="a-secret")
                await asyncio.to_thread(live, ben)
                await app.bot.delete_webhook()
            assert set(receiver.secrets) == {"a-secret"}

    asyncio.run(run())


def test_a_push_is_tried_again_and_its_failure_reported(api: BotApi, ben: Person) -> None:
    taken: list[int] = []

    def take(body: dict[str, Any]) -> None:
        taken.append(body["update_id"])
        if len(taken) < 3:
            raise ValueError("not yet")

    with Receiver(take) as receiver:
        ask(api, lambda bot: bot.set_webhook(receiver.url))
        ben.says("hello")
        api.wait_until(lambda: api.updates.pending == 0)
        info = ask(api, lambda bot: bot.get_webhook_info())
        with pytest.raises(Conflict):
            ask(api, lambda bot: bot.get_updates())
    assert len(taken) == 3
    assert len(set(taken)) == 1
    assert (info.url, info.pending_update_count) == (receiver.url, 0)
    assert info.last_error_message == "Wrong response from the webhook: 500 Internal Server Error"


def test_a_forwarded_message_loses_the_buttons_that_send_data(api: BotApi, ben: Person) -> None:
    mia = api.person("Mia", 1002, has_started=True)
    link = InlineKeyboardButton("Pay", url="https://pay.example.org/")
    markup = InlineKeyboardMarkup([[BUTTON.inline_keyboard[0][0]], [link]])
    ask(api, say("4.00 €", reply_markup=markup))
    assert mia.forwards(ben.last).labels == [["Pay"]]
    [update] = ask(api, lambda bot: bot.get_updates())
    assert update.message.forward_origin.sender_user.is_bot


def test_a_button_can_be_pressed_by_strangers_and_when_it_is_gone(api: BotApi, ben: Person) -> None:
    zed = api.person("Zed", 6666)
    ask(api, say("4.00 €", reply_markup=BUTTON))
    zed.presses(ben.last, "I’ve paid")
    ben.presses(ben.last, data="gone:1", is_old=True)
    [stolen, old] = ask(api, lambda bot: bot.get_updates())
    assert (stolen.callback_query.from_user.id, stolen.callback_query.message.chat.id) == (6666, 1001)
    assert (old.callback_query.data, old.callback_query.message.is_accessible) == ("gone:1", False)
    with pytest.raises(AssertionError, match="no button"):
        ben.presses(ben.last, "Confirm")


def test_an_answer_that_comes_too_late_is_refused(api: BotApi, ben: Person) -> None:
    press = ben.presses(ben.says("x"), data="paid:1")
    api.expire(press)
    with pytest.raises(BadRequest, match="Query is too old"):
        ask(api, lambda bot: bot.answer_callback_query(press.query_id))


class Receiver:
    """A web server that takes pushed updates; answers 500 when `take` fails."""

    def __init__(self, take: Callable[[dict[str, Any]], None]) -> None:
        self.secrets: list[str | None] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.secrets.append(self.headers.get("X-Telegram-Bot-Api-Secret-Token"))
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    take(body)
                except ValueError:
                    self.send_error(500)
                else:
                    self.send_response(200)
                    self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/telegram/1"

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
