"""Claims about the bot's own screens: their exact words, what Telegram takes, and that none is forgotten."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from substrack.channels.chats import MAX_BUTTONS, Button
from substrack.domain.bills import Person
from substrack.domain.chat_cards import MemberItem, Standing
from substrack.texts import chat_screens as screens
from substrack.texts.catalogue import LANGUAGES
from substrack.texts.chat_keyboards import MAX_LABEL, MAX_TOAST, Rows, keyboard
from substrack.texts.chat_markup import MAX_CAPTION, MAX_MESSAGE
from tests.fakes.telegram_html import cut_out, parse_html, units
from tests.texts.samples import euros, item, ways
from tests.texts.screens import IBAN_ONLY, OPEN, REFUSALS, SCREENS, claim_card, member_card, pending, status

each_screen = pytest.mark.parametrize("name", SCREENS)

KEYBOARDS = {"pending_keyboard", "confirm_page_keyboard", "never_mind"}
"""Drawn with the screens they belong to."""

NO_SCREENS = {"words_of", "commands"}


def written(rows: Rows) -> str:
    """Write buttons as they stand below each other."""
    return "\n".join(" ".join(f"[ {key.text} ]" for key in row) for row in rows)


@each_screen
def test_screens_read_as_agreed(name: str, golden: Callable[[str, str], None]) -> None:
    html, rows = SCREENS[name]
    golden(f"../chats/screens/{name}.html", f"{html}\n\n{written(rows)}".rstrip() + "\n")


@each_screen
def test_telegram_takes_every_screen(name: str) -> None:
    html, rows = SCREENS[name]
    text, _entities = parse_html(html)
    assert 0 < units(text) <= (MAX_CAPTION if name == "qr_caption" else MAX_MESSAGE)
    keys = [key for row in rows for key in row]
    assert len(keys) <= MAX_BUTTONS
    for key in keys:
        assert len(Button(key.text, data=key.data, url=key.url).text) <= MAX_LABEL


def test_no_screen_is_forgotten() -> None:
    drawing = {
        name
        for name, function in inspect.getmembers(screens, inspect.isfunction)
        if function.__module__ == screens.__name__ and not name.startswith("_")
    }
    assert {name.partition("-")[0] for name in SCREENS} - {"shown"} == drawing - KEYBOARDS - NO_SCREENS


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
def test_a_refusal_fits_into_the_answer_to_a_press(refusal: Exception) -> None:
    assert 0 < units(str(refusal)) <= MAX_TOAST


@each_screen
def test_no_screen_copies_a_currency_sign(name: str) -> None:
    text, entities = parse_html(SCREENS[name][0])
    copied = [cut_out(text, each) for each in entities if each["type"] == "code"]
    assert not re.search("[€¥$£]", " ".join(copied))


@pytest.mark.parametrize("count", [30, 300])
def test_however_much_is_open_a_status_fits(count: int) -> None:
    items = [MemberItem(item(group=f"Group {number} & friends"), Standing.OPEN) for number in range(count)]
    html, rows = status(*items, dues=[("Group <b>", date(2026, 4, 1))] * count)
    shown, _entities = parse_html(html)
    assert units(shown) <= MAX_MESSAGE
    assert "Group 0 & friends" in shown
    assert sum(map(len, rows)) <= MAX_BUTTONS


@pytest.mark.parametrize("count", [1, 55, 300])
def test_a_status_names_what_is_owed_and_its_sum_however_long_names_are(count: int) -> None:
    long = item(group="A very long name of a group & friends " * 2)
    items = [MemberItem(long, Standing.OPEN), MemberItem(long, Standing.CLAIMED)] * count
    resting = [MemberItem(long, Standing.OPEN, asks_again_on=date(2026, 4, day)) for day in range(1, 30)]
    shown, _entities = parse_html(status(*items, *resting)[0])
    assert units(shown) <= MAX_MESSAGE
    assert "You owe\n\nA very long name" in shown
    assert f"Total to Olga: {4 * (count + 29)}.00" in shown


def test_however_many_are_owed_a_status_says_something() -> None:
    payers = (Person(f"Payer {number} {'with a long name ' * 5}") for number in range(55))
    items = [MemberItem(replace(item(), payer=payer), Standing.OPEN) for payer in payers]
    shown, _entities = parse_html(status(*items)[0])
    assert units(shown) <= MAX_MESSAGE
    assert "Total to Payer 0" in shown
    assert shown.endswith("SubsTrack has the rest.")


def test_however_much_is_to_be_paid_where_to_is_said() -> None:
    references = tuple(f"K7M{number:03}" for number in range(300))
    many = [replace(ways(euros(400), *references), payer=f"Payer {number}") for number in range(20)]
    shown, _entities = parse_html(screens.how_to_pay_screen(many, "en"))
    assert units(shown) <= MAX_MESSAGE
    assert "DE02 1203 0000 0000 2020 51" in shown
    assert "K7M000 K7M001" in shown


def test_a_caption_has_room_for_its_references() -> None:
    references = tuple(f"K7M{number:03}" for number in range(300))
    caption, _entities = parse_html(screens.qr_caption(replace(IBAN_ONLY, references=references), "en"))
    assert units(caption) <= MAX_CAPTION
    assert "K7M000" in caption


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("name", ["😀" * 100, "Ж" * 100, "&" * 100])
def test_however_long_names_are_the_caption_of_a_proof_fits(name: str, locale: str) -> None:
    card = claim_card(name, *[item(group=name) for _number in range(6)])
    caption, _entities = parse_html(screens.proof_caption(card, locale))
    assert units(caption) <= MAX_CAPTION
    assert caption.count(name) > 1
    assert caption.endswith("…")


def test_however_long_names_are_a_page_of_claims_fits() -> None:
    long = [claim_card("<Long name> " * 200, item(group="<Group> " * 200)) for _ in range(5)]
    for html in (pending(long)[0], screens.confirm_page_screen(long, "en")):
        shown, _entities = parse_html(html)
        assert units(shown) <= MAX_MESSAGE
        assert shown.endswith("SubsTrack has the rest.")


def test_names_put_no_markup_into_screens() -> None:
    card = claim_card("</b><i>Zed", item(group="<a href='x'>", amount=euros(5)))
    shown, entities = parse_html(pending([card])[0])
    assert "</b><i>Zed" in shown
    assert {each["type"] for each in entities} == {"bold", "code"}


def test_what_is_open_can_be_paid_from_a_status() -> None:
    assert written(keyboard(member_card(OPEN), "en")).startswith("[ I’ve paid ]")
