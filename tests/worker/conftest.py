"""A post office with a real mail server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from substrack.bootstrap import Runtime
from tests.fakes.smtp import FakeRelay
from tests.support.post import Post, open_post, through


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    with FakeRelay() as relay:
        yield relay


@pytest.fixture
def post(runtime: Runtime, relay: FakeRelay) -> Post:
    return open_post(through(runtime, relay.url, mail_from="post@example.com"))
