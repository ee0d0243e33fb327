"""What is said once somebody was asked: when it goes out, and that mail is only kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from substrack.texts.asking import asked_sentence
from substrack.texts.words import Words

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "is_kept", "said"),
    [
        (None, False, "Asked: Ben. It goes out in ten seconds."),
        (MORNING, False, "Asked: Ben. It goes out 2 Mar 2026, 09:00 UTC."),
        (None, True, "Written to Ben. Mail is kept here, not sent: no mail server is set."),
    ],
)
def test_it_is_said_when_a_request_goes_out_if_it_does(
    until: datetime | None, is_kept: bool, said: str
) -> None:
    assert asked_sentence(["Ben"], until, Words("en"), is_kept=is_kept) == said
