"""What people may write, and what could forge a header or a page."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substrack.domain.wording import (
    CharacterRefused,
    LineBroken,
    TextMissing,
    TextRefused,
    TextTooLong,
    clean_line,
    clean_text,
    kept_of,
)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Ann", "Ann"),
        ("  Ann \n", "Ann"),
        ("Zoe\u0308", "Zoë"),
        ("<b>Ann</b> & Co", "<b>Ann</b> & Co"),
        ("Ольга", "Ольга"),
        ("Xaver X", "Xaver X"),
        ("דנה", "דנה"),
        ("Family 👨\u200d👩\u200d👧", "Family 👨\u200d👩\u200d👧"),
        ("a" * 20, "a" * 20),
        ("e\u0302\u0301" * 20, "ế" * 20),
    ],
)
def test_names_are_kept_as_written(written: str, kept: str) -> None:
    assert clean_line(written, field="name", maximum=20) == kept


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ("", TextMissing),
        (" \t\n", TextMissing),
        ("\u200b\u2060", TextMissing),
        ("\u3164", TextMissing),
        ("a" * 21, TextTooLong),
        ("Ann\nBcc: zed@x.org", LineBroken),
        ("Ann\r\nBcc: zed@x.org", LineBroken),
        ("Ann\rBcc", LineBroken),
        ("Ann\tBen", LineBroken),
        ("Ann\u2028Ben", CharacterRefused),
        ("Ann\x00", CharacterRefused),
        ("Ann\x1b[31m", CharacterRefused),
        ("Ann\x85", CharacterRefused),
        ("Ann\u202egpj", CharacterRefused),
        ("Ann\u2066x\u2069", CharacterRefused),
        ("Ann\ud800", CharacterRefused),
    ],
)
def test_a_line_that_could_forge_something_is_refused(written: str, error: type[TextRefused]) -> None:
    with pytest.raises(TextRefused) as refused:
        clean_line(written, field="name", maximum=20)
    assert type(refused.value) is error
    assert refused.value.field == "name"


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("", "Write something here."),
        ("Ann\tBen", "Write this on one line, without line breaks or tabs."),
        ("a" * 21, "This has 21 characters; keep it to 20."),
        ("Ann\u202e", "This contains an invisible control character (U+202E); remove it."),
    ],
)
def test_a_refused_line_is_refused_with_what_to_do(written: str, sentence: str) -> None:
    with pytest.raises(TextRefused) as refused:
        clean_line(written, field="name", maximum=20)
    assert str(refused.value) == sentence


def test_a_note_keeps_its_lines_and_may_be_empty() -> None:
    assert clean_text(" one\r\n\r\n\ttwo \rthree\n", field="note") == "one\n\n\ttwo \nthree"
    assert clean_text("", field="note") == ""


def test_a_required_text_is_not_empty() -> None:
    with pytest.raises(TextMissing):
        clean_text(" ", field="reason", required=True)


@pytest.mark.parametrize("length", [2001, 10_000])
def test_a_long_note_is_refused_with_its_limit(length: int) -> None:
    with pytest.raises(TextTooLong, match=f"{length:,} characters; keep it to 2,000") as refused:
        clean_text("x" * length, field="note")
    assert (refused.value.length, refused.value.maximum) == (length, 2000)


def test_a_megabyte_of_accents_is_refused_at_once() -> None:
    with pytest.raises(TextTooLong):
        clean_text("a" + "\u0301\u0316" * 500_000, field="note")


def test_what_is_far_too_long_is_counted_before_its_accents_are_put_together() -> None:
    with pytest.raises(TextTooLong, match=r"^This has 63 characters"):
        clean_text("e\u0302\u0301" * 21, field="note", maximum=20)


def test_of_words_that_come_with_money_is_kept_what_can_be_kept() -> None:
    assert kept_of(" Zoe\u0308\x00\u202ehere\n") == "Zoë  here"
    assert kept_of("a" * 2001) == "a" * 2000
    assert kept_of("a" * 9 + " b", maximum=10) == "a" * 9
    assert kept_of("e\u0302\u0301" * 10, maximum=10) == "ế" * 6 + "ê"


@given(st.text(max_size=40))
def test_what_is_kept_is_clean_and_stays_so(written: str) -> None:
    try:
        kept = clean_line(written, field="name", maximum=40)
    except TextRefused:
        return
    assert kept == clean_line(kept, field="name", maximum=40)
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in kept)
