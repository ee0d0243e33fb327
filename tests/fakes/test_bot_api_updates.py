"""Claims about updates from the stand-in: by polling and by webhook, to bots of the real library."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Update,
)
from telegram.error import (
    BadRequest,
    Conflict,
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

from tests.fakes.bot_api import BotApi, Person
from tests.fakes.library import BUTTON, PICTURE, ask, say


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
