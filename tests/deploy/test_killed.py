"""Claims about a larger installation: two web and three worker processes on PostgreSQL behind nginx, of which
one each is killed while members claim and an admin confirms.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.delivery import WAITING, MessageState
from substrack.store import Attempt, Message, Receipt
from tests.deploy.certificates import Certificate
from tests.deploy.installations import Household, Installation, found_household
from tests.deploy.nginx import Ports, nginx
from tests.deploy.programs import Program, waited_until
from tests.deploy.units import BIND, Unit
from tests.deploy.visitors import Visitor
from tests.fakes.smtp import SILENCE, FakeRelay, free_port
from tests.support.databases import Databases

NAMES: Final = ("Ben", "Mia", "Theo", "Noor", "Kai", "Ida", "Jan", "Lea", "Ole")
"""Nine: an admin who gets more than ten notices within an hour gets a summary instead."""

AT_ONCE: Final = 4
TRIES: Final = 3
DECIDE: Final = re.compile(r"https://\S+/decide/\S+")
SETTINGS: Final = {"trusted_proxies": "1", "lease_seconds": "30", "smtp_connections": "1"}


@dataclass
class Cluster:
    """Everything that runs, and what visitors were answered."""

    household: Household
    base_url: str
    certificate: Certificate
    relay: FakeRelay
    webs: Sequence[Program]
    workers: Sequence[Program]
    claimed: list[str] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)

    def visitor(self, place: int) -> Visitor:
        """Let somebody come from a network of their own."""
        return Visitor(self.base_url, self.certificate.trusted(), f"127.0.1.{place + 1}")

    def claim(self, place: int) -> None:
        """Let a member open their page and say that they paid; once more if the answer was lost."""
        member = self.household.members[place]
        self._press(self.visitor(place), self.household.page_of(member), "I’ve paid")
        self.claimed.append(member.public_id)

    def confirm_by_mail(self, claims: int) -> None:
        """Let Olga open the link of each notice as it comes in, and confirm, until so many are decided."""
        olga, seen = self.visitor(99), set[str]()
        while len(seen) < claims:
            waited_until(lambda: bool(self._notices() - seen))
            for link in self._notices() - seen:
                self._press(olga, link, "Confirm")
                seen.add(link)

    def _notices(self) -> set[str]:
        texts = [mail.text for mail in list(self.relay.received) if mail.to == "olga@example.org"]
        return {link for text in texts for link in DECIDE.findall(text)}

    def _press(self, visitor: Visitor, link: str, label: str) -> None:
        """Look at a page and press its button; look and press again as long as the press gets no answer."""
        for _try in range(TRIES):
            shown = visitor.ask(link)
            assert shown.status == 200, "looking at a page never fails"
            if not shown.page.has_button(label):
                return  # the answer was lost, and not the press
            answer = visitor.press(shown, label)
            if answer.status == 303:
                return
            self.failed.append(answer.status)
        raise AssertionError(self.failed)

    def held(self) -> int:
        """Find the one message that a worker holds."""
        query = select(Message.id).where(Message.state == MessageState.SENDING)
        return self.household.cast.read(lambda session: session.scalars(query).one())

    def end_lease(self, message_id: int) -> None:
        """Let the lease of a worker that is gone run out at once, so that those of the living may be long."""
        ended = update(Message).where(Message.id == message_id)
        self.household.cast.do(Session.execute, ended.values(lease_until=datetime.now(UTC)))

    def holder(self) -> Program:
        """Find the worker at the other end of the relay's first connection."""
        port = self.relay.connections[0][1]
        return next(worker for worker in self.workers if _has_connection(worker.pid, port))


@pytest.fixture
def cluster(
    databases: Databases, nginx_program: str, certificate: Certificate, tmp_path: Path
) -> Iterator[Cluster]:
    ports = Ports(free_port(), free_port(), [free_port(), free_port()])
    base_url = f"https://localhost:{ports.https}"
    with ExitStack() as stack:
        url = stack.enter_context(databases.lend("postgresql"))
        relay = stack.enter_context(FakeRelay())
        own = {"database_url": url, "base_url": base_url, "smtp_url": relay.url}
        installed = Installation(tmp_path, {**SETTINGS, **own})
        web, worker = Unit.read("substrack-web.service"), Unit.read("substrack-worker.service")
        # Not boxed: this server runs as another user, whose socket root can't reach without its powers.
        household = found_household(stack.enter_context(installed.opened()), *NAMES)
        webs = [
            stack.enter_context(installed.program(web, is_boxed=False, replaced={BIND: f"127.0.0.1:{port}"}))
            for port in ports.behind
        ]
        workers = [stack.enter_context(installed.program(worker, is_boxed=False)) for _number in range(3)]
        proxy = nginx(nginx_program, tmp_path / "nginx", certificate, ports, under_path=False)
        stack.enter_context(proxy).until_listening(ports.https)
        for each, port in zip(webs, ports.behind, strict=True):
            each.until_listening(port)
        for each in workers:
            each.until_says("worker runs")
        yield Cluster(household, base_url, certificate, relay, webs, workers)


def test_killing_a_web_and_a_worker_loses_and_doubles_nothing(cluster: Cluster) -> None:
    cluster.relay.fail_next("DATA", SILENCE)
    cluster.claim(0)
    waited_until(lambda: "DATA" in cluster.relay.dialogue)
    holder, held = cluster.holder(), cluster.held()  # the notice of it, whose mail is under way

    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        deciding = pool.submit(cluster.confirm_by_mail, len(NAMES))
        claiming = [pool.submit(cluster.claim, place) for place in range(1, len(NAMES))]
        holder.kill()
        cluster.end_lease(held)
        waited_until(lambda: len(cluster.claimed) >= 3)
        cluster.webs[0].kill()
        for each in (*claiming, deciding):
            each.result()
    waited_until(lambda: not _waiting(cluster))

    # A press that was on its way to the killed process is lost with it, and was pressed once more (`TRIES`).
    assert set(cluster.failed) <= {502}
    read, cast = cluster.household.cast.read, cluster.household.cast
    claims = read(lambda session: list(session.scalars(select(Attempt.contact_id))))
    receipts = read(
        lambda session: list(session.scalars(select(Receipt.contact_id).where(Receipt.source == "admin")))
    )
    everybody = sorted(member.contact_id for member in cluster.household.members)
    assert sorted(claims) == sorted(receipts) == everybody
    sent = Counter(str(mail.message["Message-ID"]) for mail in cluster.relay.received)
    assert set(sent.values()) == {1}
    assert Counter(message.notice.value for message in cast.messages()) == {
        "claim_received": len(NAMES),
        "received": len(NAMES),
    }
    assert len(sent) == 2 * len(NAMES)


def _waiting(cluster: Cluster) -> bool:
    query = select(Message.id).where(Message.state.in_(WAITING)).limit(1)
    return bool(cluster.household.cast.read(lambda session: session.scalars(query).all()))


def _has_connection(pid: int, port: int) -> bool:
    """Tell whether a process has a connection that starts at a port (proc(5), /proc/[pid]/fd and net/tcp)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if int(row[1].rpartition(":")[2], 16) == port}
    held = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            held.add(str(entry.readlink()))
        except FileNotFoundError:
            continue  # closed meanwhile
    return bool(inodes & held)
