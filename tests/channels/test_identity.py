"""Claims about a provider that hangs: nobody waits for it together, and nobody for long."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from substrack.channels import identity
from substrack.channels.identity import Provider, ProviderFailed

SHORT = 0.4


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "TIMEOUT_SECONDS", SHORT)


@contextmanager
def slow_server(drip: bytes = b"") -> Iterator[str]:
    """Listen and never come to an end: say nothing, or a byte of a header again and again."""
    done = Event()

    def say(to: socket.socket) -> None:
        try:
            to.sendall(b"HTTP/1.1 200 OK\r\n")
            while not done.wait(SHORT / 8):
                to.sendall(drip)
        except OSError:
            return

    def serve() -> None:
        while not done.is_set():
            try:
                accepted.append(listener.accept()[0])
            except OSError:
                return
            if drip:
                Thread(target=say, args=(accepted[-1],), daemon=True).start()

    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SHORT)
        Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            done.set()
            for one in accepted:
                one.close()


def wait_of(provider: Provider) -> float:
    """Tell how long it took until it failed, in seconds."""
    began = time.monotonic()
    with pytest.raises(ProviderFailed):
        provider.ask(anew=False)
    return time.monotonic() - began


def provider_at(url: str) -> Provider:
    return Provider(url, client_id="x", client_secret=None, redirect_uri="y")


def test_a_crowd_does_not_wait_for_a_provider_that_hangs() -> None:
    with slow_server() as url, ThreadPoolExecutor(8) as crowd:
        waits = sorted(crowd.map(wait_of, [provider_at(url)] * 8))

    assert waits[-2] < SHORT / 2
    assert waits[-1] < 3 * SHORT


def test_what_failed_is_not_asked_for_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with slow_server() as url:
        provider = provider_at(url)
        wait_of(provider)
        assert wait_of(provider) < SHORT / 2

        monkeypatch.setattr(identity, "FAILED_SECONDS", 0.0)
        assert wait_of(provider) >= SHORT / 2


def test_an_answer_that_trickles_in_is_cut_off() -> None:
    with slow_server(drip=b"x") as url:
        assert wait_of(provider_at(url)) < 3 * SHORT
