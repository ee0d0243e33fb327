"""The processes that stay: pages and worker in one, or each alone.

The port is taken before anything else, so that a second server fails at once and by a sentence. SIGTERM ends
the pages, lets the worker finish what is under way, and leaves.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import logging
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

import click

from substrack.bootstrap import Runtime, make_runtime, wall_clock
from substrack.logs import start_logging
from substrack.queries.accounts import has_setup_link, registration_is_open
from substrack.queries.installation import settings_that_lose
from substrack.services.founding import issue_setup_link
from substrack.settings import LogFormat, Settings, WrongSetting
from substrack.upkeep.upgrading import upgrade
from substrack.worker.running import Worker

log = logging.getLogger(__name__)

WEB_THREADS = 8
WAKE_SECONDS = 0.5
M_ARENA_MAX = -8


def serve(settings: Settings, host: str, port: int) -> None:
    """Run pages and worker until SIGTERM or Ctrl-C, after bringing the database up to date.

    Raises:
        WrongSetting: the port is taken, or a setting can't be used; the text says which.
    """
    with _listening(host, port) as taken, _process(settings) as runtime, _pages(runtime, taken) as server:
        _announce(runtime)
        with _working(runtime):
            click.echo(f"SubsTrack runs on {settings.base_url} (stop it with Ctrl-C)")
            server.run()


def web(settings: Settings, host: str, port: int) -> None:
    """Run the pages alone, until SIGTERM or Ctrl-C.

    Raises:
        WrongSetting: the port is taken, or a setting can't be used; the text says which.
    """
    with _listening(host, port) as taken, _process(settings) as runtime, _pages(runtime, taken) as server:
        _announce(runtime)
        click.echo(f"SubsTrack's pages run on {settings.base_url} (stop with Ctrl-C); a worker must run too")
        server.run()


def worker(settings: Settings) -> None:
    """Run the worker alone, until SIGTERM or Ctrl-C.

    Raises:
        WrongSetting: a setting can't be used; the text says which.
    """
    with _process(settings) as runtime:
        _announce(runtime, keeps_link=True)
        with _working(runtime) as ended:
            click.echo("SubsTrack's worker runs (stop it with Ctrl-C)")
            _stay_until(ended)


def check_port(host: str, port: int) -> None:
    """Make sure that a port can be taken, before anything is prepared for it.

    Raises:
        WrongSetting: it can't.
    """
    with _listening(host, port):
        pass


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Take the port for as long as the process lives; IPv4 where a name has both."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, address = min((family, address) for family, _type, _protocol, _name, address in found)
        taken = socket.create_server(address[:2], family=family)
    except OSError as error:
        raise WrongSetting(_unusable(host, port, error)) from None
    with taken:
        yield taken


def _unusable(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        cause = f"Port {port} on {host} is taken by another program."
        return f"{cause} Stop that one, or choose another port with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} may only be used by root. Choose one above 1023 with --port."
    return f"SubsTrack can't listen on {host}, port {port}: {error.strerror or error}. Try another --host."


@contextmanager
def _process(settings: Settings) -> Iterator[Runtime]:
    """Set up one process, and end it quietly when it is told to."""
    start_logging(settings)
    _share_heaps()
    before = upgrade(settings, now=settings.now or wall_clock())
    if before is not None:
        click.echo(f"The database was upgraded; as it was before, it lies in {before.path}.")
    runtime = make_runtime(settings)
    signal.signal(signal.SIGTERM, _leave)
    # What is loaded by now stays: looking for garbage in it again and again took a fifth of a large sweep.
    gc.freeze()
    try:
        yield runtime
    except (SystemExit, KeyboardInterrupt):
        pass  # waitress ends on these by itself; a worker alone ends here
    finally:
        runtime.close()
        log.info("stopped")


def _share_heaps() -> None:
    """Let all threads take memory from two heaps, which saves some 15 MB: else glibc makes one for each.

    See mallopt(3), M_ARENA_MAX. Other C libraries have no such thing.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Leave by way of every `finally`; a second signal ends the process where it stands."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise SystemExit(0)


@contextmanager
def _pages(runtime: Runtime, taken: socket.socket) -> Iterator[Any]:
    from waitress.server import create_server

    from substrack.web.app import create_app

    impatient = runtime.for_pages()
    try:
        yield create_server(
            create_app(impatient),
            sockets=[taken],
            threads=WEB_THREADS,
            ident=None,
            # Waitress would drop the headers of our own proxies before the app can read them.
            clear_untrusted_proxy_headers=runtime.settings.trusted_proxies == 0,
        )
    finally:
        impatient.close()


@contextmanager
def _working(runtime: Runtime) -> Iterator[Future[bool]]:
    """Run a worker beside; at the end it finishes what is under way.

    What does not end in time is cut off with the process: it lies in the tables and is repeated.
    """
    working = Worker(runtime)
    with ThreadPoolExecutor(1, "worker") as thread:
        ended: Future[bool] | None = None
        try:
            ended = thread.submit(working.run)
            yield ended
        finally:
            working.stop()
            if ended is not None and not ended.result():
                logging.shutdown()
                os._exit(0)


def _stay_until(ended: Future[bool]) -> None:
    """Wait for the worker, waking up from time to time so that no signal is lost.

    Python's handlers run between two steps of the main thread. A signal that arrives just before it begins to
    wait for a lock, or at another thread, does not wake it: waiting without an end would be for ever.
    """
    while not ended.done():
        wait_for([ended], timeout=WAKE_SECONDS)
    ended.result()


def _announce(runtime: Runtime, *, keeps_link: bool = False) -> None:
    """Warn of what would surprise later, and print the link that sets an empty installation up.

    A new link ends those before it. `keeps_link` leaves one that works alone: beside pages that have printed
    theirs, a worker must not end it; beside gunicorn, which prints none, somebody has to.
    """
    _warn(runtime)
    with runtime.transaction() as session:
        if not registration_is_open(session):
            return
        if keeps_link and has_setup_link(session, now=runtime.now()):
            return
        link = runtime.signer.url(issue_setup_link(session, now=runtime.now()))
    click.echo(f"Nothing is set up yet. Open this link to begin; it works once:\n\n  {link}\n")


def _warn(runtime: Runtime) -> None:
    warnings = list(_warnings(runtime.settings))
    with runtime.reading() as session:
        names = settings_that_lose(session)
    if names:
        off = " and ".join(names)
        warnings.append(f"the database server may lose payments in a power cut; turn {off} on.")
    for warning in warnings:
        if runtime.settings.log_format is LogFormat.JSON:
            log.warning("%s", warning)
        else:
            click.echo(f"Note: {warning}", err=True)


def _warnings(settings: Settings) -> Iterator[str]:
    if settings.base_url_is_private:
        where = "this machine" if settings.base_url_is_loopback else "your own network"
        yield (
            f"links in mails begin with {settings.base_url}, which only {where} can open. "
            "Set SUBSTRACK_BASE_URL before you write to anybody."
        )
    if not settings.smtp_url:
        yield "no mail server is set (SUBSTRACK_SMTP_URL), so mail is only kept, and shown in the app."
    elif settings.mail_from.endswith("@localhost"):
        yield f"mail comes from {settings.mail_from}, which most servers refuse. Set SUBSTRACK_MAIL_FROM."
    if settings.now is not None:
        yield f"the clock stands still at {settings.now.isoformat()} (SUBSTRACK_NOW)."
