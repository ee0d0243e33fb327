"""Somebody is named by words of their own, in any case and alphabet."""

import pytest

from substrack.domain.mentions import Mentions


@pytest.mark.parametrize(
    ("name", "text", "is_named"),
    [
        ("Al", "also in April", False),
        ("Al", "ask AL.", True),
        ("Al", "Al_2", False),
        ("Женя", "сестра ЖЕНЯ", True),
        ("Özlem", "ÖZLEM", True),
        ("a.b (c)", "it is a.b (c)!", True),
        ("a.b", "axb", False),
        ("", "anything", False),
    ],
)
def test_a_name_counts_as_a_whole_word(name: str, text: str, *, is_named: bool) -> None:
    assert Mentions([name]).are_in(text) is is_named


def test_texts_are_found_however_deep_they_lie() -> None:
    ben = Mentions(["Ben"])
    assert ben.are_in({"a": [1, None, {"b": "to\nBen"}]})
    assert not ben.are_in({"Ben": [1, None, b"Ben"[0]]})


def test_an_address_is_replaced_as_a_whole_and_the_new_name_is_no_pattern() -> None:
    assert Mentions(["ben", "ben@example.org"]).replaced("Ben: BEN@example.org", r"\1") == r"\1: \1"
