"""An outbox full of requests that real workers empty into a real relay, while people pay at random."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.delivery import WAITING, MessageState
from substrack.domain.notices import REQUESTS
from substrack.services.claims import claim_payments
from substrack.services.payments import confirm_payment
from substrack.store import Message, MessageItem, Payment
from tests.chaos.board import Board
from tests.chaos.crews import Crew
from tests.chaos.debtors import ASKED
from tests.chaos.draining import Instants, work_until_over
from tests.fakes.smtp import FakeRelay
from tests.support.cast import Cast

CODE: Final = re.compile(r"\b[0-9A-Z]{6}\b")
NEXT_ONES: Final = 30
LAST_SHARE: Final = 0.8
"""Of the requests: so many have gone out when the last of all acts is done."""


@dataclass(frozen=True)
class Found:
    """What the requests that arrived named. `too_late`: decided after the claim, which nobody can help."""

    requests: int
    acts: int
    named_after_claim: int
    named_after_build: int
    too_late: int
    left_out: int

    def __str__(self) -> str:
        return (
            f"{self.named_after_claim} times a request named what was paid before it was claimed, "
            f"{self.named_after_build} times before it was put into words; of {self.acts:,} acts "
            f"{self.left_out:,} took something out of a request, {self.too_late:,} came when it was under way"
        )


@dataclass
class Drain:
    """The outbox, its workers and those who pay meanwhile. `decided_at`: instants right after each commit."""

    cast: Cast
    relay: FakeRelay
    board: Board
    crew: Crew
    workers: int
    acts: int
    patience_seconds: float
    decided_at: dict[int, int] = field(default_factory=dict)
    _dice: random.Random = field(default_factory=lambda: random.Random(7))
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def run(self, actors: int = 3) -> None:
        """Let everything go out, and `actors` pay at the same time."""
        asked = self.cast.read(_asked)
        for hand in range(self.workers):
            self.crew.start(hand, work_until_over, self.board.path)
        numbers = count()
        acting = [threading.Thread(target=self._act, args=(numbers, asked)) for _ in range(actors)]
        for actor in acting:
            actor.start()
        for actor in acting:
            actor.join()
        self._wait_until(lambda: not self.cast.read(_is_waiting))

    def judge(self, notes: Path) -> Found:
        """Read what the mails name, and hold it against the instants."""
        instants, references = Instants.read(notes), self.cast.read(_references)
        payment_of = {reference: key for key, reference in references.items()}
        named: set[tuple[str, int]] = set()
        for mail in self.relay.received:
            public_id = str(mail.message["Message-ID"]).strip("<>").partition("@")[0]
            for code in set(CODE.findall(mail.text + mail.html)) & payment_of.keys():
                named.add((public_id, payment_of[code]))
        listed = set(self.cast.read(_listed))
        decided = [(one, self.decided_at[one[1]]) for one in listed if one[1] in self.decided_at]
        sent = [(one, at) for one, at in decided if one in named]
        return Found(
            requests=len({public_id for public_id, _payment in listed}),
            acts=len(self.decided_at),
            named_after_claim=sum(at < instants.claimed[one[0]] for one, at in sent),
            named_after_build=sum(at < instants.built[one[0]] for one, at in sent),
            too_late=sum(at >= instants.claimed[one[0]] for one, at in sent),
            left_out=len(decided) - len(sent),
        )

    def _act(self, numbers: count[int], asked: list[int]) -> None:
        """Act again and again, each time when its share of the requests has gone out."""
        for number in numbers:
            if number >= self.acts:
                return
            share = LAST_SHARE * number / self.acts
            self._wait_until(lambda share=share: self._share_sent(len(asked)) >= share)  # type: ignore[misc]
            self._pay(self._choose(asked))

    def _share_sent(self, asked: int) -> float:
        return len(self.relay.received) / (asked / 2)

    def _choose(self, asked: list[int]) -> int:
        """Choose a payment that is asked for; half the time one whose request leaves next."""
        with self._turn:
            is_near, place = self._dice.random() < 0.5, self._dice.randrange(1_000_000)
        chosen = self.cast.read(_leaving_next) if is_near else asked
        return chosen[place % len(chosen)] if chosen else asked[place % len(asked)]

    def _pay(self, payment_id: int) -> None:
        """Claim or confirm, and read the clock once the commit has come back."""
        cast = self.cast
        payment = cast.read(lambda session: session.get_one(Payment, payment_id))
        if payment_id % 2:
            by = Actor.contact(payment.contact_id)
            is_done = bool(cast.do(claim_payments, payment.contact_id, [payment_id], by=by, now=ASKED))
        else:
            is_done = cast.do(confirm_payment, payment_id, by=cast.olga, now=ASKED).changed
        if is_done:
            self.decided_at[payment_id] = time.monotonic_ns()

    def _wait_until(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + self.patience_seconds
        while not is_so():
            assert time.monotonic() < end, "the workers do not come to an end"
            time.sleep(0.01)


def _asked(session: Session) -> list[int]:
    """List the payments that requests name, in an order that says nothing."""
    query = select(MessageItem.payment_id).join(Message, Message.id == MessageItem.message_id)
    found = list(session.scalars(query.where(Message.notice.in_(REQUESTS)).order_by(MessageItem.id)))
    random.Random(3).shuffle(found)
    return found


def _leaving_next(session: Session) -> list[int]:
    query = (
        select(MessageItem.payment_id)
        .join(Message, Message.id == MessageItem.message_id)
        .where(Message.notice.in_(REQUESTS), Message.state.in_(WAITING))
        .order_by(Message.due_at, Message.id)
    )
    return list(session.scalars(query.limit(NEXT_ONES)))


def _is_waiting(session: Session) -> bool:
    due = exists().where(Message.state.in_(WAITING), Message.due_at <= ASKED)
    return bool(session.scalar(select(due)))


def _references(session: Session) -> dict[int, str]:
    return dict(session.execute(select(Payment.id, Payment.reference)).all())


def _listed(session: Session) -> list[tuple[str, int]]:
    """List which request was written for which payment, whether it was sent or not."""
    query = select(Message.public_id, MessageItem.payment_id, Message.state).join(
        MessageItem, MessageItem.message_id == Message.id
    )
    rows = session.execute(query.where(Message.notice.in_(REQUESTS))).all()
    assert {row.state for row in rows} <= {MessageState.SENT, MessageState.CANCELLED}
    return [(row.public_id, row.payment_id) for row in rows]
