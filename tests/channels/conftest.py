"""A mail server on loopback, and a mail to send through it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from substrack.channels.base import OutgoingMail
from tests.fakes.smtp import FakeRelay

MAIL = OutgoingMail(
    to="ben@example.org",
    from_name="Olga (YouTube Premium) via SubsTrack",
    from_address="subs@example.org",
    reply_to="olga@example.org",
    subject="Your share for March 2026: 4.00 € for YouTube Premium",
    text="Hi Ben,\n\n4.00 €, please.\n",
    html="<p>Hi Ben,</p><p>4.00 €, please.</p>",
    message_id="k3m9wq7tz2bc",
    references=("payment-a7x2mk9pqr4t",),
    date=datetime(2026, 3, 8, 9, 0, tzinfo=UTC),
    unsubscribe_url="https://subs.example.org/unsubscribe/" + "t0k3n-" * 20,
)


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    """Give a mail server that takes everything."""
    with FakeRelay() as relay:
        yield relay
