"""Claims about the call outward that a dead man's switch makes, with a real server."""

from __future__ import annotations

import asyncio
import logging

import pytest

from substrack.channels.heartbeat import call
from substrack.domain.delivery import DeliveryFailed
from tests.fakes.smtp import free_port
from tests.fakes.watchman import Watchman


def test_it_asks_for_the_address_once() -> None:
    with Watchman() as watchman:
        asyncio.run(call(watchman.url))

    assert watchman.asked == [f"GET /{watchman.secret}"]


@pytest.mark.parametrize("status", [301, 404, 500])
def test_any_other_answer_is_a_failure_that_names_no_address(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Watchman(status=status) as watchman, pytest.raises(DeliveryFailed) as failed:
        asyncio.run(call(watchman.url))

    assert failed.value.reason == f"it answered {status}"
    assert watchman.secret not in f"{caplog.text}{failed.value.__context__}"


def test_who_does_not_answer_is_not_waited_for() -> None:
    with Watchman(is_silent=True) as watchman, pytest.raises(DeliveryFailed, match="no answer in time"):
        asyncio.run(call(watchman.url, timeout_seconds=0.1))
    with pytest.raises(DeliveryFailed, match="nobody answers there"):
        asyncio.run(call(f"http://127.0.0.1:{free_port()}/x"))
