"""Claims about letters: their exact words, what they carry, and what a name cannot do to them."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from substrack.domain.bills import Person
from substrack.domain.letters import Asking, Decided, Letter
from substrack.domain.money import Money
from substrack.domain.notices import Notice, rules_of
from substrack.texts.blocks import Action, Bill, Block, Facts, Heading, Paragraph, PlainLink, Quote
from substrack.texts.letters import COMPOSERS, RenderedLetter, compose, from_name, render
from tests.texts.samples import BEN, LINKS, MIA, OLGA, SAMPLES, WITHOUT_BUTTON, YOUTUBE, item, letter

each_sample = pytest.mark.parametrize("name", SAMPLES)


@each_sample
def test_letters_read_as_agreed(name: str, golden: Callable[[str, str], None]) -> None:
    rendered = render(SAMPLES[name])
    head = f"From: {rendered.from_name}\nReply-To: {rendered.reply_to}\nSubject: {rendered.subject}\n\n"
    golden(f"{name}.txt", head + rendered.text)
    golden(f"{name}.html", rendered.html)


def test_every_notice_has_words_and_a_sample() -> None:
    assert set(COMPOSERS) == set(Notice) == {sample.notice for sample in SAMPLES.values()}


@each_sample
def test_text_and_html_say_the_same(name: str) -> None:
    rendered = render(SAMPLES[name])
    shown = _squeezed(_visible(rendered.html))
    for block in compose(SAMPLES[name]).blocks:
        for words in _words_of(block):
            assert _squeezed(words) in _squeezed(rendered.text)
            assert _squeezed(words) in shown


@each_sample
def test_the_button_has_its_plain_link_below(name: str) -> None:
    actions = [block for block in compose(SAMPLES[name]).blocks if isinstance(block, Action)]
    html = render(SAMPLES[name]).html
    assert len(actions) == html.count('class="button"') == (name not in WITHOUT_BUTTON)
    if actions:
        assert f">{actions[0].url}</a>" in html[html.index('class="button"') :]


@each_sample
def test_only_asking_letters_can_be_stopped(name: str) -> None:
    rendered = render(SAMPLES[name])
    is_asking = rules_of(SAMPLES[name].notice).is_asking
    assert (rendered.unsubscribe == LINKS.unsubscribe) is is_asking
    assert ("unsubscribe" in rendered.text) is is_asking


@each_sample
def test_a_stored_letter_is_read_back_unchanged(name: str) -> None:
    rendered = render(SAMPLES[name])
    assert RenderedLetter.from_dict(rendered.as_dict()) == rendered


def test_a_single_request_says_it_all_in_the_subject() -> None:
    assert render(SAMPLES["request"]).subject == "Your share for March 2026: 4.00 € for YouTube Premium"


def test_totals_of_currencies_and_payers_stay_apart() -> None:
    text = render(SAMPLES["request_several"]).text
    assert "Total to Olga: 14.00 €\n" in text
    assert "Total to Mia: 5,000 JP¥\n" in text


def test_reminders_turn_from_friendly_to_factual() -> None:
    subjects = [render(SAMPLES[f"reminder_{tone}"]).subject for tone in ("friendly", "factual", "overdue")]
    assert [subject.split(":")[0] for subject in subjects] == ["Reminder", "Still open", "Overdue"]


def test_a_subject_calls_overdue_only_what_the_ledger_does() -> None:
    rendered = render(SAMPLES["reminder_partly_overdue"])
    assert rendered.subject == "Still open: 14.00 € for 2 shares"
    assert "14.00 € is still open. Please send it to Olga. 4.00 € of that is overdue." in rendered.text


@pytest.mark.parametrize(
    ("locale", "open_in_all", "overdue"),
    [
        ("en", "are still open. Please send them to Olga and Mia.", "of that are overdue."),
        ("de", "sind noch offen. Bitte schick das Geld an Olga und Mia.", "davon sind überfällig."),
        ("ru", "Всё ещё не оплачено: ", "Из этих сумм просрочено: "),
    ],
)
def test_several_sums_are_spoken_of_as_several(locale: str, open_in_all: str, overdue: str) -> None:
    text = render(replace(SAMPLES["reminder_in_two_currencies"], locale=locale)).text
    assert open_in_all in text
    assert overdue in text


def test_letters_about_a_payment_form_one_thread() -> None:
    assert render(SAMPLES["request"]).references == (f"payment-{YOUTUBE.payment_id}",)


@pytest.mark.parametrize(
    ("payers", "groups", "expected"),
    [
        ((OLGA,), ("YouTube Premium",), "Olga (YouTube Premium) via SubsTrack"),
        ((OLGA, OLGA), ("YouTube Premium", "VPN"), "Olga via SubsTrack"),
        ((OLGA, MIA), ("YouTube Premium",), "SubsTrack"),
        ((), (), "SubsTrack"),
        ((Person("O" * 120),), ("VPN",), f"{'O' * 39}… (VPN) via SubsTrack"),
    ],
)
def test_the_sender_is_the_payer_as_far_as_there_is_one(
    payers: tuple[Person, ...], groups: tuple[str, ...], expected: str
) -> None:
    assert from_name(replace(SAMPLES["request"], payers=payers, groups=groups)) == expected


def test_names_cannot_put_markup_into_html() -> None:
    html = render(_with_names("<script>alert(1)</script>")).html
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_quoted_words_cannot_put_markup_into_html() -> None:
    html = render(letter(Notice.REJECTED, Decided((YOUTUBE,), '<img src="x">'))).html
    assert "<img" not in html


@pytest.mark.parametrize("separator", ["\r\n", "\n", "\r", "\x00", "\u2028", "\x85", "\u202e"])
def test_names_cannot_leave_their_header(separator: str) -> None:
    rendered = render(_with_names(f"Olga{separator}Bcc: zed@example.org"))
    for header in (rendered.subject, rendered.from_name):
        assert header.isprintable()
        assert len(header.splitlines()) == 1


def test_a_letter_without_links_has_no_button() -> None:
    sample = replace(SAMPLES["request"], links=replace(LINKS, pay=None, unsubscribe=None))
    assert 'class="button"' not in render(sample).html


def _with_names(name: str) -> Letter:
    payer = Person(name, OLGA.email)
    asked = Asking((item(group=name, amount=Money(400, "EUR"), payer=payer),), ())
    return replace(letter(Notice.REQUEST, asked, to=replace(BEN, name=name)), payers=(payer,), groups=(name,))


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
        case Action(_label, url, lead):
            return [url, lead]


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _visible(html: str) -> str:
    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.words: list[str] = []

        def handle_data(self, data: str) -> None:
            self.words.append(data)

    reader = Reader()
    reader.feed(html.partition("<body")[2])
    return " ".join(reader.words)
