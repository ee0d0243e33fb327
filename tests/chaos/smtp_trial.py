"""One trial: a mail meets a fault, with another behind it; then the server is well, and time goes on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from typing import Any
from unittest import mock

from sqlalchemy import select, update

from substrack.bootstrap import Runtime
from substrack.channels.email import TIMEOUT_SECONDS, EmailChannel
from substrack.domain.delivery import LEASE, MessageState
from substrack.store import Address, Contact, Lane, Message
from substrack.worker import senders
from substrack.worker.outbox import deliver_due
from tests.chaos.smtp_table import Fault, Outcome
from tests.fakes.smtp import free_port
from tests.fakes.smtp_script import ScriptedRelay
from tests.support.post import NOW, Post, through

REPLY_SECONDS = 0.5
"""For an answer that will not come. All others have as long as ever: the machine may be slow, too."""

LEASE_SECONDS = 1
FROM = "subs@example.org"


@dataclass
class Trial:
    """One fault, met once by Ben's mail, while Mia's waits behind it."""

    post: Post
    fault: Fault
    number: int

    def run(self) -> Outcome:
        """Let it happen, and say what came of it."""
        starts_at = NOW + timedelta(days=2 * self.number)
        self.tried_at = starts_at + timedelta(seconds=1)
        self._set_admin(self.fault.admin)
        ben = self.post.person(f"{self.fault.name}{self.number}")
        mia = self.post.person(f"Mia{self.number}")
        self.key = self.post.write(f"ben:{self.number}", to=ben, due_at=starts_at)
        self.behind = self.post.write(
            f"mia:{self.number}", to=mia, due_at=starts_at + timedelta(microseconds=1)
        )
        with _relay(self.fault.relay) as ill, ScriptedRelay() as well:
            for stage, twist in self.fault.twists.items():
                ill.twist(stage, twist)
            with patient_for(REPLY_SECONDS if self.fault.stalls else TIMEOUT_SECONDS):
                self._deliver(self._reached(ill), timedelta(0))
            first, lane = self.post.message(self.key), self._lane()
            self._rename(ben)
            pauses = lane is not None and lane.failing_since is not None
            self._check_who_is_behind(pauses=pauses)
            waits = self._waits(first, lane)
            if waits is not None:
                assert not self._deliver(self._through(well), waits - timedelta(seconds=1)), "too early"
            self._deliver(self._through(well), waits or timedelta(minutes=1))
            return self._outcome(first, waits, pauses, self.post.address_of(ben), [*ill.taken, *well.taken])

    def _outcome(
        self,
        first: Message,
        waits: timedelta | None,
        pauses: bool,
        address: Address,
        kept: list[EmailMessage],
    ) -> Outcome:
        letters = [letter for letter in kept if address.value in str(letter["To"])]
        same = {(letter["Message-ID"], letter.get_body(("plain",)).get_content()) for letter in letters}  # type: ignore[union-attr]
        assert len(same) <= 1, "a repeat says something else"
        to_mia = [letter for letter in kept if f"mia{self.number}@" in str(letter["To"])]
        assert len(to_mia) == 1, f"who was behind got {len(to_mia)} mails"
        lane = self._lane()
        assert lane is None or lane.failing_since is None, "the lane stays paused"
        told = [letter for letter in kept if self.fault.admin in str(letter["To"])]
        return Outcome(
            first.state,
            waits,
            first.attempts,
            pauses_lane=pauses,
            refuses_address=address.refused_since is not None,
            tells_admin=len(told) == 1,
            copies=len(letters),
        )

    def _check_who_is_behind(self, *, pauses: bool) -> None:
        behind = self.post.message(self.behind)
        assert behind.attempts == 0, "who was behind pays for it"
        assert behind.state is (MessageState.QUEUED if pauses else MessageState.SENT)

    def _waits(self, first: Message, lane: Lane | None) -> timedelta | None:
        """Read when the mail is to go: not before it is due, nor before its lane opens."""
        if first.state is not MessageState.QUEUED:
            return None
        is_paused = lane is not None and lane.paused_until is not None and lane.failing_since is not None
        opens_at = lane.paused_until if is_paused and lane is not None else None
        return max(first.due_at, opens_at or first.due_at) - self.tried_at

    def _deliver(self, runtime: Runtime, after: timedelta) -> int:
        return deliver_due(runtime, now=self.tried_at + after).sent

    def _through(self, relay: ScriptedRelay) -> Runtime:
        return through(self.post.runtime, relay.url, mail_from=FROM, smtp_connections=1)

    def _reached(self, relay: ScriptedRelay) -> Runtime:
        """Give the way to the ill server."""
        url = self.fault.url.format(closed=free_port()) if self.fault.url else relay.url
        if self.fault.has_login:
            url = url.replace("://", "://olga@")
        lease = LEASE_SECONDS if relay.slow else int(LEASE.total_seconds())
        return through(
            self.post.runtime,
            url,
            password="secret",
            mail_from=FROM,
            smtp_connections=1,
            lease_seconds=lease,
        )

    def _lane(self) -> Lane | None:
        with self.post.runtime.reading() as session:
            return session.scalar(select(Lane).where(Lane.name.startswith("email:")))

    def _rename(self, contact_id: int) -> None:
        """Let the world change, so that a text that is written anew is another one."""
        with self.post.runtime.transaction() as session:
            session.execute(update(Contact).where(Contact.id == contact_id).values(name="Somebody Else"))

    def _set_admin(self, email: str) -> None:
        values = {"value": email, "value_key": email.casefold()}
        with self.post.runtime.transaction() as session:
            session.execute(update(Address).where(Address.contact_id == self.post.olga_id).values(values))


def _relay(facts: Any) -> ScriptedRelay:
    relay = ScriptedRelay(**facts)
    relay.offers = (*relay.offers, "AUTH PLAIN")
    return relay


@contextmanager
def patient_for(seconds: float) -> Iterator[None]:
    """Have the channel wait so long for each answer, and one name lead nowhere."""
    ask = socket.getaddrinfo

    def look_up(host: Any, *args: Any, **options: Any) -> Any:
        if str(host).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return ask(host, *args, **options)

    with ExitStack() as stack:
        channel = partial(EmailChannel, timeout_seconds=seconds)
        stack.enter_context(mock.patch.object(senders, "EmailChannel", channel))
        stack.enter_context(mock.patch.object(socket, "getaddrinfo", look_up))
        yield


def wrong_outcomes(post: Post, faults: dict[str, Fault], *, times: int) -> list[str]:
    """Try every fault; say which came out otherwise than the table says."""
    wrong: list[str] = []
    plan = [(name, fault) for name, fault in faults.items() for _ in range(times)]
    for number, (name, fault) in enumerate(plan):
        try:
            found = Trial(post, fault, number).run()
        except Exception as error:
            wrong.append(f"{name}: {type(error).__name__} {error}")
        else:
            if found != fault.outcome:
                wrong.append(f"{name}: {_difference(fault.outcome, found)}")
    return wrong


def _difference(expected: Outcome, found: Outcome) -> str:
    names = [name for name in vars(expected) if getattr(expected, name) != getattr(found, name)]
    return ", ".join(f"{name} {getattr(found, name)} for {getattr(expected, name)}" for name in names)
