"""How fast mail goes out: against building and sending it bare, and against what a slow server allows."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from multiprocessing.synchronize import Barrier
from typing import Final

import aiosmtplib
import sqlalchemy as sa
from attrs import evolve
from sqlalchemy.orm import Session

from benchmarks.crowd import ASKED_AT, OPENS_AT, Crowd, fill, found_crowd, settle
from benchmarks.frame import Result, Target, in_turns, rate
from benchmarks.place import Place
from benchmarks.sinks import SlowSink, fast_sink, slow_sink
from substrack.bootstrap import Runtime, make_runtime
from substrack.settings import Settings
from substrack.store import Message
from substrack.texts.letters import RenderedLetter
from substrack.worker.outbox import deliver_due
from substrack.worker.ticking import tick

CONNECTIONS: Final = 10
SLOW_CONNECTIONS: Final = 4
LATENCY_SECONDS: Final = 0.1
FROM: Final = "post@example.com"


def measure(place: Place) -> Iterator[Result]:
    """Deliver requests to a fast server, in turns with the same mails sent bare, on each database."""
    count = place.sized(5_000, 40)
    for kind in place.kinds:
        with (
            fast_sink() as (name, port),
            place.lend(kind) as settings,
            requests(_mailing(settings, port, CONNECTIONS), count) as crowd,
        ):
            rates = _rates(crowd, port, place.rounds)
        of = f"{count:,} mails, {CONNECTIONS} connections, {name}, {kind}"
        ours, bare = rate(rates["ours"]), rate(rates["bare"])
        yield Result("deliver", of, ours, bare, "bare aiosmtplib", Target(0.5, at_least=True))


def _rates(crowd: Crowd, port: int, rounds: int) -> dict[str, float]:
    """Deliver in parts, and after each send the same part bare."""
    runs, sent = iter(_put_off(crowd, rounds)), list[RenderedLetter]()
    return in_turns(
        rounds,
        {
            "ours": lambda: _delivered(crowd.runtime, next(runs), sent),
            "bare": lambda: _sent_bare(port, sent),
        },
    )


def measure_slow(place: Place) -> Iterator[Result]:
    """Deliver to a server that takes 100 ms for a mail, with 1, 2 and 4 workers."""
    count = place.sized(400, 8)
    kind = place.sized("postgresql", "sqlite")
    best = SLOW_CONNECTIONS / LATENCY_SECONDS
    targets = {1: Target(0.9, at_least=True), 2: Target(1.9, at_least=True), 4: Target(3.6, at_least=True)}
    alone = best
    for workers in place.sized((1, 2, 4), (1,)):
        with slow_sink(LATENCY_SECONDS) as sink, place.lend(kind) as settings:  # type: ignore[arg-type]
            mailing = _mailing(settings, sink.port, SLOW_CONNECTIONS)
            with requests(mailing, count * workers):
                found = _rate_of(workers, mailing, sink)
        of = f"{workers} × {SLOW_CONNECTIONS} connections, {LATENCY_SECONDS * 1000:.0f} ms a mail, {kind}"
        against = "connections ÷ latency" if workers == 1 else "one worker"
        yield Result("deliver slowly", of, rate(found), rate(alone), against, targets[workers])
        alone = found if workers == 1 else alone


def _mailing(settings: Settings, port: int, connections: int) -> Settings:
    here = f"smtp://127.0.0.1:{port}"
    return evolve(settings, smtp_url=here, mail_from=FROM, smtp_connections=connections)


@contextmanager
def requests(settings: Settings, count: int) -> Iterator[Crowd]:
    """Let a request to each of so many people wait in the outbox."""
    runtime = make_runtime(settings)
    try:
        crowd = found_crowd(runtime)
        fill(crowd, groups=count // 4, members=5, tells_opened=False)
        for now in (OPENS_AT, ASKED_AT):
            tick(runtime, now=now)
        settle(crowd)
        yield crowd
    finally:
        runtime.close()


def _put_off(crowd: Crowd, parts: int) -> list[datetime]:
    """Let the requests be due in so many equal parts, a minute apart; give the instants."""
    with crowd.runtime.transaction() as session:
        for part in range(parts):
            due = sa.update(Message).where(Message.id % parts == part)
            session.execute(due.values(due_at=ASKED_AT + timedelta(minutes=part)))
    return [ASKED_AT + timedelta(minutes=part) for part in range(parts)]


def _delivered(runtime: Runtime, now: datetime, sent: list[RenderedLetter]) -> float:
    """Deliver what is due, and give the rate; `sent` has its words then."""
    before = time.perf_counter()
    report = deliver_due(runtime, now=now)
    took = time.perf_counter() - before
    with runtime.reading() as session:
        sent[:] = _words(session, now)
    assert report.sent == len(sent) > 0, report
    return report.sent / took


def _words(session: Session, now: datetime) -> Sequence[RenderedLetter]:
    stored = session.scalars(sa.select(Message.rendered).where(Message.sent_at == now))
    return [RenderedLetter.from_dict(words) for words in stored if words]


def _sent_bare(port: int, letters: Sequence[RenderedLetter]) -> float:
    before = time.perf_counter()
    asyncio.run(_send_bare(port, letters))
    return len(letters) / (time.perf_counter() - before)


async def _send_bare(port: int, letters: Sequence[RenderedLetter]) -> None:
    """Build the same mails with the standard library, and send them over as many connections."""
    waiting = list(enumerate(letters))

    async def send() -> None:
        server = aiosmtplib.SMTP(
            hostname="127.0.0.1", port=port, start_tls=False, local_hostname="[127.0.0.1]"
        )
        async with server:
            while waiting:
                await server.send_message(_bare_mail(*waiting.pop()))

    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))


def _bare_mail(number: int, letter: RenderedLetter) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(letter.from_name, addr_spec=FROM)
    message["To"] = f"guest{number}@example.org"
    message["Subject"] = letter.subject
    message["Date"] = ASKED_AT
    message["Message-ID"] = f"<{number}@example.com>"
    message["References"] = " ".join(f"<{thread}@example.com>" for thread in letter.references)
    message["Reply-To"] = letter.reply_to
    message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    return message


def _rate_of(workers: int, settings: Settings, sink: SlowSink) -> float:
    """Let workers begin together; give how fast mail was accepted from a tenth of it to nine tenths."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(workers)
    crew = [context.Process(target=_work, args=(settings, barrier)) for _ in range(workers)]
    for worker in crew:
        worker.start()
    for worker in crew:
        worker.join()
    assert all(worker.exitcode == 0 for worker in crew)
    at = sorted(sink.accepted())
    first, last = len(at) // 10, len(at) * 9 // 10
    return (last - first) / (at[last] - at[first])


def _work(settings: Settings, barrier: Barrier) -> None:
    runtime = make_runtime(settings)
    barrier.wait()
    deliver_due(runtime, now=ASKED_AT)
    runtime.close()
