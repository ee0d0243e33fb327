"""Claims about the stand-in itself: the real library works against it, and it refuses what Telegram does."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import (
    Bot,
    BotCommand,
    InputFile,
    Message,
    ReplyParameters,
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

from tests.fakes import telegram_faults as faults
from tests.fakes.bot_api import ANY, DOWNLOAD, BotApi, Person
from tests.fakes.library import BUTTON, PICTURE, Use, ask, say
from tests.fakes.telegram_faults import Fault, refused, too_many


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


def test_a_download_can_fail(api: BotApi, ben: Person) -> None:
    photo = ben.sends_photo(PICTURE).file
    assert photo is not None
    api.fail_next(DOWNLOAD, faults.SERVER_ERROR)

    async def download(bot: Bot) -> bytes:
        file = await bot.get_file(photo.file_id)
        return bytes(await file.download_as_bytearray())

    with pytest.raises(NetworkError):
        ask(api, download)
    assert ask(api, download) == PICTURE


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
