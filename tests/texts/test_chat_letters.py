"""Claims about letters as chat messages: their exact words, what Telegram takes, and what has to go first."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from substrack.domain.bills import Item, Person
from substrack.domain.letters import Asking, Claims, Decided, Letter
from substrack.domain.money import Money
from substrack.domain.notices import Notice
from substrack.texts.blocks import Action, Bill, Block, Facts, Heading, Paragraph, PlainLink, Quote
from substrack.texts.chat_letters import ChatLink, RenderedChat, render_chat
from substrack.texts.chat_markup import MAX_MESSAGE, shown_length, sum_to_copy
from substrack.texts.letters import compose
from substrack.texts.words import Words
from tests.fakes.telegram_html import cut_out, parse_html, units
from tests.texts.samples import (
    BEN,
    CLAIM,
    LINKS,
    OLGA,
    SAMPLES,
    WITHOUT_BUTTON,
    YOUTUBE,
    item,
    letter,
    to_olga,
    ways,
)

each_sample = pytest.mark.parametrize("name", SAMPLES)

AT_HOME = replace(LINKS, pay="http://localhost:8000/pay/b3n.T0k", review="http://localhost:8000/review")


@each_sample
def test_chat_letters_read_as_agreed(name: str, golden: Callable[[str, str], None]) -> None:
    rendered = render_chat(SAMPLES[name])
    button = f"[ {rendered.link.label} ] {rendered.link.url}\n" if rendered.link else ""
    golden(f"../chats/{name}.html", f"{rendered.html}\n\n{button}".rstrip() + "\n")


@each_sample
def test_telegram_takes_every_letter(name: str) -> None:
    shown, _entities = parse_html(render_chat(SAMPLES[name]).html)
    assert 0 < units(shown) <= MAX_MESSAGE


@each_sample
def test_chat_and_mail_say_the_same(name: str) -> None:
    shown, entities = parse_html(render_chat(SAMPLES[name]).html)
    reachable = _squeezed(" ".join([shown, *(each.get("url", "") for each in entities)]))
    for block in compose(replace(SAMPLES[name], reply_to=None)).blocks:
        for words in _words_of(block):
            assert _squeezed(words) in reachable


@each_sample
def test_the_letters_action_becomes_a_button(name: str) -> None:
    actions = [block for block in compose(SAMPLES[name]).blocks if isinstance(block, Action)]
    wanted = [ChatLink(each.label, each.url) for each in actions]
    assert wanted == ([] if name in WITHOUT_BUTTON else [render_chat(SAMPLES[name]).link])


@each_sample
def test_a_stored_message_is_read_back_unchanged(name: str) -> None:
    rendered = render_chat(SAMPLES[name])
    assert RenderedChat.from_dict(rendered.as_dict()) == rendered


def test_what_is_typed_elsewhere_is_copied_by_a_tap() -> None:
    assert _codes(SAMPLES["request"]) == [
        "4.00",
        "K7M2PQ",
        "Olga Example",
        "DE02 1203 0000 0000 2020 51",
        "4.00",
        "K7M2PQ",
    ]


@pytest.mark.parametrize(
    ("amount", "locale", "shown", "copied"),
    [
        (Money(897, "EUR"), "en", "8.97 €", "8.97"),
        (Money(897, "EUR"), "en_US", "€8.97", "8.97"),
        (Money(123_456_789, "EUR"), "en", "1234567.89 €", "1234567.89"),
        (Money(5000, "JPY"), "en", "5000 JP¥", "5000"),
        (Money(897, "CHF"), "en", "8.97 CHF", "8.97"),
        (Money(7, "EUR"), "en", "0.07 €", "0.07"),
    ],
)
def test_a_copied_sum_is_a_bare_number(amount: Money, locale: str, shown: str, copied: str) -> None:
    words = Words(locale)
    text, entities = parse_html(sum_to_copy(words.money(amount), grouping=words.grouping))
    assert text == shown
    assert [cut_out(text, each) for each in entities] == [copied]


def test_what_is_copied_has_ordinary_spaces() -> None:
    assert not re.search("[\xa0\u2009\u202f]", render_chat(SAMPLES["request_several"]).html)


def test_buttons_that_answer_replace_the_link() -> None:
    rendered = render_chat(SAMPLES["request"], has_answers=True)
    assert rendered.link is None
    assert "b3n.T0k" not in rendered.html


def test_an_address_no_button_may_have_stands_in_the_text() -> None:
    rendered = render_chat(replace(SAMPLES["request"], links=AT_HOME))
    assert rendered.link is None
    assert rendered.html.endswith("http://localhost:8000/pay/b3n.T0k")
    assert "b3n" not in render_chat(replace(SAMPLES["request"], links=AT_HOME), has_answers=True).html


def test_a_pay_link_telegram_would_drop_is_written_out() -> None:
    way = replace(ways(YOUTUBE.left, "K7M2PQ"), ways=(replace(WAY, value="upi://pay?pa=olga&am=4"),))
    shown, _entities = parse_html(render_chat(letter(Notice.REQUEST, Asking((YOUTUBE,), (way,)))).html)
    assert "Pay online: upi://pay?pa=olga&am=4" in shown


WAY = ways(YOUTUBE.left, "K7M2PQ").ways[0]


@pytest.mark.parametrize(
    "name", ["<b>Olga", "</code>&lt;", 'x" href="https://zed.example.org', "a\nb\u202ec"]
)
def test_names_cannot_put_markup_into_a_message(name: str) -> None:
    payer = Person(name)
    asked = Asking((item(group=name, payer=payer),), (replace(ways(YOUTUBE.left, "K7M2PQ"), payer=name),))
    hostile = replace(letter(Notice.REQUEST, asked, to=replace(BEN, name=name)), payers=(payer,))
    shown, entities = parse_html(render_chat(hostile).html)
    plain = re.sub(r"[\n\u202e]", lambda found: " " if found[0] == "\n" else "", name)
    assert plain in shown.splitlines()[0]
    assert {each.get("url", WAY.value) for each in entities} == {WAY.value}


def test_quoted_words_keep_their_lines_and_have_no_markup() -> None:
    rendered = render_chat(letter(Notice.REJECTED, Decided((YOUTUBE,), "<b>no\nnot yet")))
    assert "<blockquote>&lt;b&gt;no\nnot yet</blockquote>" in rendered.html


def _many(count: int) -> tuple[Item, ...]:
    return tuple(
        item(group=f"Group {number} & friends", reference=f"REF{number:03}") for number in range(count)
    )


@pytest.mark.parametrize("count", [60, 200, 2000])
def test_a_long_bill_is_shortened_and_keeps_total_and_ways_to_pay(count: int) -> None:
    items = _many(count)
    asked = Asking(items, (ways(YOUTUBE.left, "K7M2PQ"),))
    rendered = render_chat(letter(Notice.REQUEST, asked), has_answers=True)
    shown, _entities = parse_html(rendered.html)
    assert rendered.is_shortened
    assert rendered.link == ChatLink("See the rest", "https://subs.example.org/pay/b3n.T0k")
    assert f"Total to Olga: {4 * count}.00 €" in shown
    assert f"… and {count - 20} more" in shown
    assert "How to pay Olga" in shown
    assert shown.endswith("This message is shortened; SubsTrack has the rest.")
    assert units(shown) <= MAX_MESSAGE


@pytest.mark.parametrize("text", ["x" * 9000, "<&>" * 3000, "👍" * 5000, "line\n" * 2000])
def test_long_words_are_cut(text: str) -> None:
    rendered = render_chat(
        letter(Notice.REJECTED, Decided((YOUTUBE,), text, (ways(YOUTUBE.left, "K7M2PQ"),)))
    )
    shown, _entities = parse_html(rendered.html)
    assert rendered.is_shortened
    assert "How to pay Olga" in shown
    assert units(shown) <= MAX_MESSAGE


def test_whatever_is_long_a_message_fits() -> None:
    long = "Long name " * 400
    claims = tuple(
        replace(CLAIM, member=Person(f"{long} {number}"), items=(item(group=long),)) for number in range(50)
    )
    rendered = render_chat(to_olga(Notice.CLAIMS_WAITING, Claims(claims)))
    shown, _entities = parse_html(rendered.html)
    assert "This message is shortened" in shown
    assert units(shown) <= MAX_MESSAGE


def test_at_home_a_shortened_message_still_says_where_the_rest_is() -> None:
    asked = letter(Notice.REQUEST, Asking(_many(100), ()), links=AT_HOME)
    assert render_chat(asked, has_answers=True).html.endswith("http://localhost:8000/pay/b3n.T0k")


@pytest.mark.parametrize(
    "markup", ["a &amp; b", "<b>👍</b>", '<a href="https://x.example/?a&amp;b">x&lt;y</a>']
)
def test_length_is_measured_as_telegram_does(markup: str) -> None:
    assert shown_length(markup) == units(parse_html(markup)[0])


def test_the_payer_is_named_though_mail_replies_are_not() -> None:
    assert "reply" not in render_chat(SAMPLES["objection"]).html.lower()
    assert OLGA.name in render_chat(SAMPLES["request"]).html


def _codes(sample: Letter) -> list[str]:
    shown, entities = parse_html(render_chat(sample).html)
    return [cut_out(shown, each) for each in entities if each["type"] == "code"]


def _words_of(block: Block) -> list[str]:
    match block:
        case Paragraph(text) | Heading(text):
            return [text]
        case Quote(text):
            return text.splitlines()
        case Bill(rows, totals):
            pairs = [word for label_and_amount in totals for word in label_and_amount]
            return pairs + [word for row in rows for word in (row.title, row.amount, *row.details)]
        case Facts(facts):
            return [word for label_and_value in facts for word in label_and_value]
        case PlainLink(label, url):
            return [label, url]
        case Action():
            return []


def _squeezed(text: str) -> str:
    """Leave out what layouts differ in: spaces, and what stands between thousands."""
    return re.sub(r"(?<=\d),(?=\d{3})", "", re.sub(r"\s+", " ", text).strip())
