"""Claims about what buttons say in 64 bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substrack.domain.chat_buttons import ButtonData, Do, Subject, SubjectKind, data, seen

ID = st.text("23456789abcdefghjkmnpqrstuvwxyz", min_size=12, max_size=12)


@given(st.sampled_from(list(Do)), st.lists(ID, max_size=4))
def test_what_a_button_says_is_read_back(do: Do, about: list[str]) -> None:
    text = data(do, *about)
    assert len(text.encode()) <= 64
    assert ButtonData.decode(text) == ButtonData(do, tuple(about))


@given(st.text(max_size=80))
def test_anything_else_is_no_button_of_ours_or_reads_cleanly(text: str) -> None:
    read = ButtonData.decode(text)
    assert read is None or read.encode() == text


@pytest.mark.parametrize("about", [("",), ("a:b",), ("ä",), ("a" * 41,), ("a" * 30, "b" * 30, "c" * 3)])
def test_what_does_not_fit_on_a_button_is_a_bug(about: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="button"):
        data(Do.PAID, *about)


def test_codes_are_unlike_each_other() -> None:
    assert len({do.value for do in Do}) == len(Do)


def test_sixty_four_bytes_fit_on_a_button() -> None:
    text = data(Do.PAID, "a" * 40, "b" * 21)
    assert len(text) == 64
    assert ButtonData.decode(text) == ButtonData(Do.PAID, ("a" * 40, "b" * 21))
    assert ButtonData.decode(text + "b") is None


def test_an_argument_that_is_missing_is_empty() -> None:
    assert [ButtonData(Do.PAID, ("a",)).argument(place) for place in (0, 1)] == ["a", ""]


@pytest.mark.parametrize(
    ("argument", "number"),
    [("0", 0), ("12", 12), ("9" * 9, 10**9 - 1), ("9" * 10, None), ("", None), ("-1", None), ("a", None)],
)
def test_a_number_on_a_button_is_one_that_a_database_takes(argument: str, number: int | None) -> None:
    button = ButtonData(Do.PENDING, ("x", argument))
    assert button.number(1) == number
    assert button.number(1, digits=1) == (number if len(argument) == 1 else None)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("mabc", Subject(SubjectKind.MESSAGE, "abc")),
        ("cabc", Subject(SubjectKind.CONTACT, "abc")),
        ("m", None),
        ("", None),
        ("xabc", None),
    ],
)
def test_subjects_are_read(text: str, subject: Subject | None) -> None:
    assert Subject.parse(text) == subject
    assert subject is None or str(subject) == text


def test_a_digest_goes_by_versions_and_not_by_order() -> None:
    assert seen([("a", 1), ("b", 2)]) == seen([("b", 2), ("a", 1)])
    assert seen([("a", 1)]) != seen([("a", 2)])
    assert seen([("a", 1)]) != seen([("a", 1), ("b", 1)])


def test_a_digest_stays_what_it_was_on_buttons_sent_before() -> None:
    assert seen([("b", 2), ("a", 1)]) == "d876653178"
