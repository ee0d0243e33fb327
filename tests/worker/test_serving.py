"""Claims about processes as an operator starts and ends them."""

from __future__ import annotations

import signal
import socket
import time
import urllib.request
from datetime import UTC, datetime

from attrs import evolve

from substrack.domain.delivery import MessageState
from substrack.settings import Settings
from tests.fakes.smtp import FakeRelay, free_port
from tests.support.post import Post
from tests.worker.processes import eventually, start


def test_serve_answers_delivers_and_ends_at_once_when_idle(post: Post, relay: FakeRelay) -> None:
    port = free_port()
    post.write("one", to=post.person("Ben"), due_at=datetime.now(UTC))
    server = start("serve", "--port", str(port), settings=post.runtime.settings)

    assert eventually(lambda: is_ready(port)), server.communicate(timeout=5)
    assert eventually(lambda: post.states() == [MessageState.SENT])
    began = time.monotonic()
    server.send_signal(signal.SIGTERM)
    output, errors = server.communicate(timeout=10)

    assert server.returncode == 0
    assert time.monotonic() - began < 5  # about 0.3 s; the machine may be busy
    assert "SubsTrack runs on" in output
    assert "only this machine can open" in errors
    assert "Traceback" not in errors


def test_a_second_serve_says_that_the_port_is_taken(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        output, errors = start("serve", "--port", str(port), settings=settings).communicate(timeout=60)

    assert errors == (
        f"Port {port} on 127.0.0.1 is taken by another program. "
        "Stop that one, or choose another port with --port.\n"
    )
    assert output == ""


def test_an_empty_installation_prints_its_setup_link_and_where_mail_goes(settings: Settings) -> None:
    port = free_port()
    server = start("serve", "--port", str(port), settings=settings)
    assert eventually(lambda: is_ready(port)), server.communicate(timeout=5)
    server.send_signal(signal.SIGTERM)
    output, errors = server.communicate(timeout=10)

    assert f"{settings.base_url}/setup/" in output
    assert "no mail server is set" in errors


def test_a_worker_prints_a_setup_link_unless_one_works(settings: Settings) -> None:
    outputs = []
    for _start in range(2):
        worker = start("worker", settings=settings)
        lines = iter(worker.stdout or ())
        printed = [next(lines)]
        while "worker runs" not in printed[-1]:
            printed.append(next(lines))
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=10)
        outputs.append("".join(printed))

    assert f"{settings.base_url}/setup/" in outputs[0]
    assert "/setup/" not in outputs[1]


def test_a_worker_alone_drains_on_sigterm(post: Post, relay: FakeRelay) -> None:
    post.write("one", to=post.person("Ben"), due_at=datetime.now(UTC))
    worker = start("worker", settings=post.runtime.settings)

    assert eventually(lambda: post.states() == [MessageState.SENT])
    worker.send_signal(signal.SIGTERM)
    _output, errors = worker.communicate(timeout=10)

    assert worker.returncode == 0
    assert "Traceback" not in errors


def test_a_worker_ends_on_a_signal_that_wakes_nobody(settings: Settings) -> None:
    worker = start("worker", settings=settings, program="tests.worker.hard_of_hearing")
    assert any("worker runs" in line for line in worker.stdout or ())
    time.sleep(0.5)  # it waits now
    worker.send_signal(signal.SIGTERM)
    try:
        worker.communicate(timeout=10)
    finally:
        worker.kill()

    assert worker.returncode == 0


def test_a_dead_mail_server_is_a_line_and_no_traceback(post: Post) -> None:
    key = post.write("one", to=post.person("Ben"), due_at=datetime.now(UTC))
    nowhere = evolve(post.runtime.settings, smtp_url=f"smtp://127.0.0.1:{free_port()}")
    worker = start("worker", settings=nowhere)
    assert eventually(lambda: post.message(key).last_error is not None)
    worker.send_signal(signal.SIGTERM)
    _output, errors = worker.communicate(timeout=10)

    assert errors.count("is paused, tried again every minute") == 1
    assert "Traceback" not in errors
    assert "ben@example.org" not in errors


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
