"""A household at which everything happens, one act after the other: through the services, at random.

An act is what an edge does for one press, one tick or one round of delivery; it may take several
transactions. What a rule refuses is an answer like any other; what the database refuses, rises.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any

from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor, Via
from substrack.domain.errors import Refused
from substrack.domain.money import Money
from substrack.domain.notices import Channel
from substrack.domain.payments import ASKABLE, OPEN, ReopenCause, Status
from substrack.domain.shares import SplitKind
from substrack.services.claim_decisions import confirm_claim, reject_claim
from substrack.services.claims import claim_payments, withdraw_claim
from substrack.services.connections import connection_for
from substrack.services.inbound import store_updates
from substrack.services.payments import adjust_payment, confirm_payment, reopen_payment, waive_payment
from substrack.services.prices import set_price
from substrack.services.proofs import claim_with_proof, read_proof
from substrack.services.putting_off import snooze_payments
from substrack.services.receipts import record_receipt
from substrack.services.undo import undo_decision
from substrack.services.user_sessions import start_session
from substrack.services.voiding import restore_period, void_period
from substrack.store import Attempt, AttemptState, Group, Payment, Period
from substrack.worker.outbox import deliver_due
from substrack.worker.ticking import tick
from tests.support.cast import Cast, at, make_cast

FIRST_DAY = at("2026-02-01")


def found(runtime: Runtime, random: Random) -> Household:
    """Set two groups up, and open their first period."""
    cast = make_cast(runtime)
    groups = [
        cast.group("Films", "8.97"),
        cast.group("Music", "10.00", split=SplitKind.WEIGHTS, payer_included=False),
    ]
    for group in groups:
        for name in ("Ben", "Mia"):
            cast.join(group, name)
    cast.tick(FIRST_DAY)
    return Household(cast, [group.id for group in groups], random)


@dataclass
class Household:
    """Olga's groups with Ben, Mia and others, who act as `random` says; the clock goes on with each tick."""

    cast: Cast
    group_ids: list[int]
    random: Random
    now: datetime = FIRST_DAY
    presses: int = 0
    last_decision: str | None = None

    @property
    def runtime(self) -> Runtime:
        """The runtime all acts run on."""
        return self.cast.runtime

    def moved_to(self, runtime: Runtime, random: Random) -> Household:
        """Give the same household on a copy of its database, for other things to happen to."""
        return replace(self, cast=replace(self.cast, runtime=runtime), random=random)

    @cached_property
    def acts(self) -> dict[str, Callable[[], None]]:
        """Name everything that can happen."""
        return {
            "claim": self.claim,
            "claim with proof": self.claim_with_proof,
            "withdraw": self.withdraw,
            "confirm": self.confirm,
            "reject": self.reject,
            "mark received": self.mark_received,
            "money in": self.money_in,
            "waive": self.waive,
            "reopen": self.reopen,
            "adjust": self.adjust,
            "undo": self.undo,
            "snooze": self.snooze,
            "void or restore": self.void_or_restore,
            "tick": self.tick,
            "deliver": self.deliver,
            "sign in": self.sign_in,
            "press in Telegram": self.press_in_telegram,
            "join": self.join,
            "price": self.price,
        }

    def live(self) -> str:
        """Let one act of any kind happen; return its name."""
        name = self.random.choice(list(self.acts))
        self.acts[name]()
        return name

    def claim(self) -> None:
        for contact_id, keys in self._some_payments(ASKABLE):
            self._do(claim_payments, contact_id, keys, note="by bank", by=Actor.contact(contact_id))

    def claim_with_proof(self) -> None:
        content = b"%PDF-1.7\n" + self.random.randbytes(self.random.randint(100, 20_000)) + b"\n%%EOF\n"
        for contact_id, keys in self._some_payments(ASKABLE):
            by = Actor.contact(contact_id, Via.TELEGRAM)
            self._do(claim_with_proof, contact_id, keys, read_proof(content), by=by)

    def withdraw(self) -> None:
        for contact_id, keys in self._some_payments({Status.MEMBER_CONFIRMED}):
            self._do(withdraw_claim, contact_id, keys, by=Actor.contact(contact_id))

    def confirm(self) -> None:
        for key in self._some(Attempt, Attempt.state == AttemptState.OPEN):
            self._decide(confirm_claim, key)

    def reject(self) -> None:
        for key in self._some(Attempt, Attempt.state == AttemptState.OPEN):
            self._decide(reject_claim, key, reason="not there")

    def mark_received(self) -> None:
        for _contact_id, keys in self._some_payments(OPEN):
            amount = self.random.choice([None, Money(self.random.randint(1, 300), "EUR")])
            self._decide(confirm_payment, keys[0], amount=amount)

    def money_in(self) -> None:
        for contact_id, _keys in self._some_payments(set(Status)):
            self._do(
                record_receipt,
                self.cast.workspace_id,
                contact_id=contact_id,
                payer_id=self.cast.olga_contact,
                amount=Money(self.random.randint(1, 2000), "EUR"),
                by=self.cast.olga,
            )

    def waive(self) -> None:
        for _contact_id, keys in self._some_payments(OPEN):
            self._decide(waive_payment, keys[0], reason="birthday")

    def reopen(self) -> None:
        for _contact_id, keys in self._some_payments({Status.CONFIRMED}):
            self._decide(reopen_payment, keys[0], because=self.random.choice(list(ReopenCause)))

    def adjust(self) -> None:
        for _contact_id, keys in self._some_payments(set(Status)):
            amount = Money(self.random.randint(0, 600), "EUR")
            self._decide(adjust_payment, keys[0], amount=amount, reason="typo")

    def undo(self) -> None:
        if self.last_decision is not None:
            self._do(undo_decision, self.last_decision, by=self.cast.olga)

    def snooze(self) -> None:
        until = self.now.date() + timedelta(days=self.random.randint(1, 20))
        for contact_id, keys in self._some_payments(ASKABLE):
            self._do(snooze_payments, contact_id, keys, until=until, by=Actor.contact(contact_id))

    def void_or_restore(self) -> None:
        for key in self._some(Period, Period.total_minor.is_not(None)):
            is_void = key in self._some(Period, Period.id == key, Period.voided_at.is_not(None))
            reason: dict[str, Any] = {} if is_void else {"reason": "twice"}
            self._do(restore_period if is_void else void_period, key, by=self.cast.olga, **reason)

    def tick(self) -> None:
        self.now += timedelta(hours=self.random.randint(6, 240))
        tick(self.runtime, now=self.now)

    def deliver(self) -> None:
        self.now += timedelta(seconds=15)  # past the time to undo
        deliver_due(self.runtime, now=self.now)

    def sign_in(self) -> None:
        assert self.cast.olga.id is not None
        self.presses += 1
        self._do(start_session, self.cast.olga.id, agent=f"phone {self.presses}")

    def press_in_telegram(self) -> None:
        self.presses += 1
        chat = {"id": 1001, "type": "private"}
        press = {
            "id": str(self.presses),
            "from": chat,
            "message": {"message_id": 1, "chat": chat},
            "data": "x",
        }
        body = {"update_id": self.presses, "callback_query": press}
        with self.runtime.transaction() as session:
            connection = connection_for(session, self.cast.workspace_id, Channel.TELEGRAM)
            store_updates(session, connection.id, [body], now=self.now)

    def join(self) -> None:
        group = self.cast.read(lambda session: session.get_one(Group, self.random.choice(self.group_ids)))
        with suppress(Refused):
            self.cast.join(group, self.random.choice(("Cleo", "Dan", "Eve", "Finn")), now=self.now)

    def price(self) -> None:
        amount = Money(self.random.randint(500, 3000), "EUR")
        self._do(set_price, self.random.choice(self.group_ids), amount=amount, by=self.cast.olga)

    def _do(self, service: Callable[..., Any], *args: Any, **terms: Any) -> Any:
        with suppress(Refused):
            return self.cast.do(service, *args, now=self.now, **terms)
        return None

    def _decide(self, service: Callable[..., Any], key: int, **terms: Any) -> None:
        outcome = self._do(service, key, by=self.cast.olga, **terms)
        if outcome is not None and outcome.correlation_id is not None:
            self.last_decision = outcome.correlation_id

    def _some_payments(self, statuses: Collection[Status]) -> list[tuple[int, list[int]]]:
        """Choose one person with up to three of their payments of these statuses; none if there is nobody."""
        query = select(Payment.contact_id, Payment.id).where(
            Payment.kind == "dues", Payment.status.in_(statuses), Payment.voided_at.is_(None)
        )
        found = self.cast.read(lambda session: session.execute(query.order_by(Payment.id)).all())
        if not found:
            return []
        contact_id = self.random.choice(found)[0]
        keys = [key for owner, key in found if owner == contact_id]
        return [(contact_id, keys[-self.random.randint(1, 3) :])]

    def _some(self, table: type[Any], *conditions: Any) -> list[int]:
        """Choose the key of one row; none if there is none."""
        query = select(table.id).where(*conditions).order_by(table.id)
        keys = self.cast.read(lambda session: list(session.scalars(query)))
        return [self.random.choice(keys)] if keys else []
