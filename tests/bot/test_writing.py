"""Claims about commands, groups, files and words that are no answer to anything."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from sqlalchemy import select

from substrack.bot.asking import language_in
from substrack.bot.updates import Place
from substrack.domain.notices import Notice
from substrack.domain.payments import Status
from substrack.queries.chats import load_chat
from substrack.services.chats import chat_code, issue_admin_code, issue_chat_code, unlink_chat
from substrack.services.proofs import MAX_BYTES
from substrack.store import Attachment, Contact
from tests.bot.house import Home, House, move_in
from tests.fakes import telegram_faults as faults
from tests.fakes.bot_api import BotApi

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def picture(kind: str = "JPEG") -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(written, kind)
    return written.getvalue()


def attachments(home: Home) -> list[Attachment]:
    return home.house.cast.read(lambda session: list(session.scalars(select(Attachment))))


def test_status_says_what_is_owed_and_what_is_next(home: Home) -> None:
    home.ben_phone.says("/status")
    home.house.work()
    shown = home.ben_phone.last
    assert "You owe" in shown.text
    assert "YouTube Premium, February 2026: 6.00 €" in shown.text
    assert "Next due\nYouTube Premium: 1 March 2026" in shown.text
    assert home.payment(home.ben).reference in shown.codes


def test_what_is_pressed_below_a_status_changes_that_status(home: Home) -> None:
    home.ben_phone.says("/status")
    home.house.work()
    shown = home.ben_phone.last
    home.house.press(home.ben_phone, "I’ve paid", on=shown)
    assert home.house.status(home.ben) is Status.MEMBER_CONFIRMED
    assert "Waiting to be checked" in shown.text
    home.house.press(home.ben_phone, "Oops, not yet", on=shown)
    assert home.house.status(home.ben) is Status.PENDING


def test_pending_is_for_admins_only(home: Home) -> None:
    home.ben_phone.says("/pending")
    home.house.work()
    assert "check" not in home.ben_phone.last.text.splitlines()[0]


def test_language_is_chosen_and_kept(home: Home) -> None:
    home.ben_phone.says("/language")
    home.house.work()
    home.house.press(home.ben_phone, "Deutsch", times=2)
    assert "Deutsch" in home.ben_phone.last.text
    contact = home.house.cast.read(lambda s: s.get_one(Contact, home.ben.contact_id))
    assert contact.language == "de"


def test_unlinking_asks_first_and_then_nothing_more_comes(home: Home) -> None:
    home.ben_phone.says("/unlink")
    home.house.work()
    home.house.press(home.ben_phone, "No, keep it")
    home.ben_phone.says("/unlink")
    home.house.work()
    home.house.press(home.ben_phone, "Yes, unlink", times=2)
    home.ben_phone.says("/status")
    home.house.work()
    assert home.ben_phone.last.text.startswith("This chat isn’t linked to anything.")


def test_a_code_links_the_chat_that_opens_it(house: House) -> None:
    home = move_in(house)
    eva = house.cast.join(home.group, "Eva")
    phone = house.api.person("Eva", 1003)
    link = house.cast.do(issue_chat_code, eva.contact_id, now=house.now)
    phone.starts(chat_code(house.bot.runtime.signer, link))
    house.work(times=2)
    assert [each.text.splitlines()[0] for each in phone.inbox].count("Linked to SubsTrack") == 1
    phone.says("/status")
    house.work()
    assert phone.last.text.startswith("Nothing is open.")


def test_who_is_linked_sees_at_once_what_is_open(house: House) -> None:
    home = move_in(house)
    house.cast.do(unlink_chat, home.ben.contact_id, by=house.cast.olga, now=house.now)
    link = house.cast.do(issue_chat_code, home.ben.contact_id, now=house.now)
    phone = house.api.person("Ben", 1009)
    phone.starts(chat_code(house.bot.runtime.signer, link))
    house.work()
    assert [each.text.splitlines()[0] for each in phone.inbox] == ["You owe", "Linked to SubsTrack"]


def test_start_in_a_linked_chat_shows_what_is_open(home: Home) -> None:
    home.ben_phone.says("/start")
    home.house.work()
    assert home.ben_phone.last.text.startswith("You owe")


def test_a_status_tells_admins_what_waits_for_them(home: Home) -> None:
    home.house.press(home.ben_phone, "I’ve paid")
    home.olga_phone.says("/status")
    home.house.work()
    assert home.olga_phone.last.text.startswith("1 payment waits for your check: /pending")
    home.mia_phone.says("/status")
    home.house.work()
    assert "/pending" not in home.mia_phone.last.text


def test_an_admin_whose_yes_is_awaited_is_told_so(home: Home) -> None:
    house, cast = home.house, home.house.cast
    assert cast.olga.id is not None
    link = cast.do(issue_admin_code, cast.olga.id, cast.olga_contact, now=house.now)
    phone = house.api.person("Olga", 2009)
    phone.starts(chat_code(house.bot.runtime.signer, link))
    house.work()
    for words in ("/pending", "/status", "hello"):
        phone.says(words)
        house.work()
        assert phone.last.text.startswith("Almost there"), words


def test_no_invitation_is_made_for_who_is_linked_by_now(house: House) -> None:
    home = move_in(house)
    eva = house.cast.join(home.group, "Eva").contact_id
    old = house.cast.do(issue_chat_code, eva, now=house.now)
    new = house.cast.do(issue_chat_code, eva, now=house.now)
    phone = house.api.person("Eva", 1003)
    phone.starts(chat_code(house.bot.runtime.signer, old))
    house.work()
    phone.starts(chat_code(house.bot.runtime.signer, new))
    house.work()
    notice = next(each for each in home.olga_phone.inbox if "old invitation" in each.text)
    press = home.olga_phone.presses(notice, "Make a new one")
    house.work()
    assert press.answers == ["Eva has linked a chat since."]


def test_an_old_code_is_answered_and_its_admins_hear_of_it_once(house: House) -> None:
    home = move_in(house)
    eva = house.cast.join(home.group, "Eva")
    phone = house.api.person("Eva", 1003)
    old = house.cast.do(issue_chat_code, eva.contact_id, now=house.now)
    house.cast.do(issue_chat_code, eva.contact_id, now=house.now)
    phone.starts(chat_code(house.bot.runtime.signer, old))
    house.work(times=3)
    assert "no longer works" in phone.last.text
    assert home.olga_phone.last.text.startswith("Somebody opened Eva’s old invitation")
    house.press(home.olga_phone, "Make a new one")
    assert "https://t.me/substrack_bot?start=" in home.olga_phone.last.codes[0]


@pytest.mark.parametrize("words", ["/start", "/help", "/status", "hello", "/start nonsense_code", "/unlink"])
def test_a_stranger_learns_nothing_from_writing(home: Home, api: BotApi, words: str) -> None:
    zed = api.person("Zed", 9001)
    zed.says(words)
    home.house.work()
    for private in ("Ben", "Olga", "YouTube", "€"):
        assert private not in zed.last.text


def test_words_that_answer_nothing_get_a_hint(home: Home) -> None:
    home.ben_phone.says("I paid!!")
    home.house.work()
    assert "/status" in home.ben_phone.last.text
    assert home.house.status(home.ben) is Status.PENDING


def test_in_a_group_the_bot_says_nothing_private(home: Home, api: BotApi) -> None:
    group = api.group("Family", -500)
    for words in ("/status", "/pending@substrack_bot", "/status@other_bot", "hello", "/unlink@substrack_bot"):
        home.ben_phone.says(words, to=group.chat)
    home.house.work()
    said = [message.text for message in group.messages if message.sender.is_bot]
    assert said == ["I only talk in private chats. Please write to me there."] * 2


@pytest.mark.parametrize("times", [1, 3])
def test_a_picture_in_reply_to_a_request_is_a_claim_with_proof(home: Home, times: int) -> None:
    request = home.ben_phone.last
    home.ben_phone.sends_photo(picture(), "from my bank", reply_to=request)
    home.house.work(times)
    assert home.house.status(home.ben) is Status.MEMBER_CONFIRMED
    kept = attachments(home)
    assert [each.kind for each in kept] == ["image/jpeg"]
    assert request.labels == [["Oops, not yet"]]
    assert "from my bank" in home.olga_phone.last.text
    home.house.press(home.olga_phone, "See the proof")
    assert home.olga_phone.last.file is not None
    assert home.olga_phone.last.file.data == kept[0].content


def test_a_pdf_in_reply_is_handed_on_as_it_came(home: Home) -> None:
    home.ben_phone.sends_document(PDF, "bank.pdf", "application/pdf", reply_to=home.ben_phone.last)
    home.house.work()
    home.house.press(home.olga_phone, "See the proof")
    shown = home.olga_phone.last.file
    assert shown is not None
    assert (shown.kind, shown.data, shown.name) == ("document", PDF, "proof.pdf")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.jpg"),
        (b"MZ\x90\x00", "bank.pdf"),
        (picture()[:200], "cut.jpg"),
        (b"%PDF-1.4 cut off", "bank.pdf"),
    ],
)
def test_what_is_neither_picture_nor_pdf_claims_nothing(home: Home, content: bytes, name: str) -> None:
    home.ben_phone.sends_document(content, name, "application/pdf", reply_to=home.ben_phone.last)
    home.house.work()
    assert home.ben_phone.last.text.startswith("This is no picture")
    assert home.house.status(home.ben) is Status.PENDING


def test_a_file_that_is_too_large_is_not_fetched(home: Home, api: BotApi) -> None:
    large = b"%PDF-" + bytes(MAX_BYTES)
    home.ben_phone.sends_document(large, "bank.pdf", "application/pdf", reply_to=home.ben_phone.last)
    home.house.work()
    assert "too large" in home.ben_phone.last.text
    assert api.calls("getFile") == []


def test_a_picture_that_replies_to_nothing_is_asked_about(home: Home) -> None:
    home.ben_phone.sends_photo(picture())
    home.house.work()
    assert home.house.status(home.ben) is Status.PENDING
    question = home.ben_phone.last
    assert question.labels == [["YouTube Premium, February 2026 · 6.00 €"], ["Never mind"]]
    home.house.press(home.ben_phone, "YouTube Premium, February 2026 · 6.00 €", times=2)
    assert home.house.status(home.ben) is Status.MEMBER_CONFIRMED
    assert len(attachments(home)) == 1


def test_a_picture_the_bot_no_longer_sees_is_asked_for_again(home: Home) -> None:
    """Of a message that became inaccessible, Telegram tells neither words nor what it replied to."""
    home.ben_phone.sends_photo(picture())
    home.house.work()
    label = "YouTube Premium, February 2026 · 6.00 €"
    press = home.ben_phone.presses(home.ben_phone.last, label, is_old=True)
    home.house.work()
    assert press.answers == ["I can’t see that file any more. Send it again as a reply to the reminder."]
    assert home.house.status(home.ben) is Status.PENDING


def test_answers_are_in_the_language_of_whose_chat_it_is(home: Home) -> None:
    bot = home.house.bot
    home.ben_phone.says("/language")
    home.house.work()
    home.house.press(home.ben_phone, "Deutsch")
    assert language_in(bot, Place(1001, 1001, True, "en-GB")) == "de"
    assert language_in(bot, Place(9001, 9001, True, "en-GB")) == "en-GB"
    assert language_in(bot, Place(-500, 1001, False, None)) == ""


def test_a_picture_that_follows_i_ve_paid_reaches_the_admins(home: Home) -> None:
    request = home.ben_phone.last
    home.house.press(home.ben_phone, "I’ve paid")
    home.ben_phone.sends_photo(picture(), reply_to=request)
    home.house.work()
    for phone in (home.olga_phone, home.ada_phone):
        assert "See the proof" in [label for row in phone.last.labels for label in row]


@pytest.mark.parametrize("caption", ["for \u2068February\u2069", "paid\x0btoday", "\u202e"])
def test_no_character_of_a_caption_costs_the_proof(home: Home, caption: str) -> None:
    home.ben_phone.sends_photo(picture(), caption, reply_to=home.ben_phone.last)
    home.house.work()
    assert home.house.status(home.ben) is Status.MEMBER_CONFIRMED
    assert len(attachments(home)) == 1


def test_what_was_written_below_a_picture_that_is_asked_about_is_kept(home: Home) -> None:
    home.ben_phone.sends_photo(picture(), "from my bank")
    home.house.work()
    home.house.press(home.ben_phone, "YouTube Premium, February 2026 · 6.00 €")
    assert "from my bank" in home.olga_phone.last.text


def test_a_file_that_telegram_does_not_hand_out_is_asked_for_again(home: Home, api: BotApi) -> None:
    api.fail_next("getFile", faults.refused(400, "Bad Request: file is temporarily unavailable"))
    home.ben_phone.sends_photo(picture(), reply_to=home.ben_phone.last)
    home.house.work()
    assert home.ben_phone.last.text == "This file can’t be read. Send it again."
    assert home.house.status(home.ben) is Status.PENDING


def test_a_stranger_s_picture_goes_nowhere(home: Home, api: BotApi) -> None:
    zed = api.person("Zed", 9001)
    zed.sends_photo(picture(), reply_to=home.ben_phone.last)
    home.house.work()
    assert attachments(home) == []
    assert "isn’t linked" in zed.last.text


def test_rejected_and_claimed_again_with_a_picture(home: Home) -> None:
    home.house.press(home.ben_phone, "I’ve paid")
    home.house.press(home.olga_phone, "Reject")
    home.house.press(home.olga_phone, "Not received")
    home.house.pass_time(seconds=11)
    rejection = home.ben_phone.last
    assert rejection.labels[0] == ["I’ve paid"]
    home.ben_phone.sends_photo(picture("PNG"), reply_to=rejection)
    home.house.work()
    assert "See the proof" in [label for row in home.olga_phone.last.labels for label in row]
    home.house.press(home.olga_phone, "Confirm 6.00 €")
    assert home.house.status(home.ben) is Status.CONFIRMED


def test_who_blocks_the_bot_is_reached_by_mail_from_then_on(home: Home) -> None:
    home.ben_phone.blocks()
    home.house.work()
    assert home.house.cast.messages(notice=Notice.ADDRESS_REFUSED)
    home.house.pass_time(minutes=1)
    told = home.olga_phone.last.text
    assert told.startswith("Ben can’t be reached in Telegram")
    assert "1001" not in told
    assert "ail to" not in told


def is_reached(home: Home) -> bool:
    """Tell whether Ben's chat counts as one that can be written to."""
    return home.house.cast.read(lambda session: load_chat(session, home.ben.contact_id)).is_linked


def test_who_lets_the_bot_in_again_is_reached_again(home: Home) -> None:
    home.ben_phone.blocks()
    home.house.work()
    assert not is_reached(home)
    home.ben_phone.unblocks()
    home.house.work(times=2)
    assert is_reached(home)


@pytest.mark.parametrize("words", ["/status", "hello"])
def test_who_writes_after_a_refusal_is_reached_again(home: Home, words: str) -> None:
    """The bot may have been down while it was let in again."""
    home.ben_phone.blocks()
    home.house.work()
    home.ben_phone.unblocks()
    home.house.take_updates()
    home.ben_phone.says(words)
    home.house.work()
    assert is_reached(home)
    assert "isn’t linked" not in home.ben_phone.last.text


def test_who_unlinked_stays_unlinked_whatever_they_write(home: Home) -> None:
    home.ben_phone.says("/unlink")
    home.house.work()
    home.house.press(home.ben_phone, "Yes, unlink")
    home.ben_phone.unblocks()
    home.ben_phone.says("hello")
    home.house.work()
    assert not is_reached(home)


def test_writing_in_a_group_makes_nobody_reachable(home: Home, api: BotApi) -> None:
    home.ben_phone.blocks()
    home.house.work()
    home.ben_phone.says("/status@substrack_bot", to=api.group("Family", -500).chat)
    home.house.work()
    assert not is_reached(home)
