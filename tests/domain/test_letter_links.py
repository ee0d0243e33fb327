"""Where the links of a letter lead."""

import pytest

from substrack.domain.letter_links import LetterLinks


@pytest.mark.parametrize("home", ["https://example.org/X", "https://example.org/X/"])
def test_pages_lie_below_the_base_url_however_it_ends(home: str) -> None:
    links = LetterLinks(home)
    leading = [links.group("a1"), links.bill("e5"), links.payment("b2"), links.objection("c3")]
    assert [*leading, links.waiting] == [
        "https://example.org/X/groups/a1",
        "https://example.org/X/periods/e5#bill",
        "https://example.org/X/payments/b2",
        "https://example.org/X/objections/c3",
        "https://example.org/X/review",
    ]


def test_a_letter_that_knows_where_to_decide_leads_there() -> None:
    assert (
        LetterLinks("https://example.org", review="https://example.org/r").waiting == "https://example.org/r"
    )
