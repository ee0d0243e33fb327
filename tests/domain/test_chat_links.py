"""Claims about addresses in chats."""

import pytest

from substrack.domain.chat_links import is_link_in_chats


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("https://subs.example.org/pay", True),
        ("http://192.168.1.5:8000/", True),
        ("http://localhost:8000/pay", False),
        ("http://nas/", False),
        ("http://nas./", False),
        ("mailto:olga@example.org", False),
        ("http://[broken", False),
    ],
)
def test_links_without_a_dot_in_their_host_are_no_links(url: str, is_taken: bool) -> None:
    assert is_link_in_chats(url) is is_taken
