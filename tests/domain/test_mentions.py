"""Somebody is named by words of their own, in every alphabet, and not by a word that means something else."""

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
        ("özlem", "Özlem", True),
        ("Sonny", "sonny boy", False),
        ("May", "Rent for May 2026", False),
        ("Will", "Will it come?", False),
        ("Вера", "Вера в чудеса", False),
        ("May Miller", "rent of may miller", True),
        ("May Miller", "Rent for May 2026", False),
        ("a.b (c)", "it is a.b (c)!", True),
        ("a.b", "axb", False),
        ("", "anything", False),
    ],
)
def test_a_name_counts_as_a_whole_word(name: str, text: str, *, is_named: bool) -> None:
    assert Mentions(name).are_in(text) is is_named


def test_texts_are_found_however_deep_they_lie() -> None:
    ben = Mentions("Ben")
    assert ben.are_in({"a": [1, None, {"b": "to\nBen"}]})
    assert not ben.are_in({"Ben": [1, None, b"Ben"[0]]})


def test_an_address_is_replaced_as_a_whole_and_the_new_name_is_no_pattern() -> None:
    mentions = Mentions("Ben", ["ben@example.org"])
    assert mentions.replaced("Ben: BEN@example.org", r"\1") == r"\1: \1"
