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
)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Ann", "Ann"),
        ("  Ann \n", "Ann"),
        ("Zoe\u0308", "Zoë"),
        ("<b>Ann</b> & Co", "<b>Ann</b> & Co"),
        ("Ольга", "Ольга"),
        ("דנה", "דנה"),
        ("Family 👨\u200d👩\u200d👧", "Family 👨\u200d👩\u200d👧"),
        ("a" * 20, "a" * 20),
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


def test_a_refused_character_is_named_by_its_code_point() -> None:
    with pytest.raises(CharacterRefused, match=r"U\+202E"):
        clean_line("Ann\u202e", field="name")


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


@given(st.text(max_size=40))
def test_what_is_kept_is_clean_and_stays_so(written: str) -> None:
    try:
        kept = clean_line(written, field="name", maximum=40)
    except TextRefused:
        return
    assert kept == clean_line(kept, field="name", maximum=40)
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in kept)
