"""The journey's own book of what everybody owes, said and paid, to compare with the program's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.journeys.letters import Letter

GRACE_DAYS = 3
REPEAT_DAYS = 3
OVERDUE_REPEAT_DAYS = 7
MAXIMUM = 8

ANSWERS = {"received", "part_received", "rejected", "waived"}


@dataclass
class Due:
    """What one person owes for a period: asking counts from `asked_on`, or `free_from` once opened again."""

    reference: str
    id: str
    name: str
    group: str
    starts_on: date
    currency: str
    amount: Decimal
    left: Decimal
    asked_on: date
    free_from: date
    rank: int = 0
    state: str = "open"
    asked: list[date] = field(default_factory=list)
    rests_until: date = date.min
    has_objected: bool = False

    @property
    def may_be_asked_from(self) -> date:
        """The day from which it may be asked for, with what its owner last said taken into account."""
        return max(self.free_from, self.rests_until)


@dataclass
class Claim:
    """One press of "I've paid" in one currency, until Olga has decided; `letter` is the notice she got."""

    name: str
    dues: list[Due]
    amount: Decimal
    pressed_on: date
    letter: Letter | None = None

    @property
    def may_be_short(self) -> bool:
        """Tell whether one unit less is neither nothing nor within the tolerance."""
        return self.dues[0].currency == "EUR" and self.dues[-1].left > 2


@dataclass
class Answer:
    """What a person is to hear about some of their dues."""

    name: str
    kind: str
    references: frozenset[str]
    since: datetime


class Book:
    """Dues, the money that came, credit, and answers that are still to come."""

    def __init__(self) -> None:
        self.dues: dict[str, Due] = {}
        self.cash: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.credit: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.answers: list[Answer] = []
        self.claims: list[Claim] = []
        self.asked: dict[str, list[date]] = {}
        self.stopped: set[str] = set()  # whose mailbox wants no requests
        self.gone: set[tuple[str, str]] = set()  # (name, group) of those who left

    def learn(self, rows: Iterable[dict[str, Any]], *, at: datetime, collected_ahead: set[str]) -> None:
        """Write down payments that were not there before, oldest first; credit settles what it can.

        Whoever's credit settled something hears of it, once.
        """
        today = at.date()
        by_credit: defaultdict[str, list[Due]] = defaultdict(list)
        for row in rows:
            if row["kind"] == "own" or row["reference"] in self.dues:
                continue
            amount = Decimal(row["amount"])
            due_on = date.fromisoformat(row["due_on"])
            free_from = today if row["group_name"] in collected_ahead else max(today, due_on)
            due = Due(
                row["reference"],
                row["id"],
                row["member"],
                row["group_name"],
                date.fromisoformat(row["period"]["starts_on"]),
                row["currency"],
                amount,
                amount,
                free_from,
                free_from,
                rank=len(self.dues),
            )
            self.dues[due.reference] = due
            by_credit[due.name] += self.spend_credit(due.name, due.currency, at=at)
        for name, dues in by_credit.items():
            if dues:
                kind = "part_received" if any(due.left for due in dues) else "received"
                self.expect(name, kind, dues, at=at)

    def of(self, name: str, *states: str) -> list[Due]:
        """List somebody's dues in these states, the oldest first."""
        return sorted(
            (due for due in self.dues.values() if due.name == name and due.state in states),
            key=lambda due: (due.starts_on, due.rank),
        )

    def of_letter(self, letter: Letter) -> list[Due]:
        """List the dues a letter names, the oldest first."""
        named = (self.dues[code] for code in letter.references)
        return sorted(named, key=lambda due: (due.asked_on, due.rank))

    def find(self, payment_id: str) -> Due:
        """Find dues by the id of the payment."""
        return next(due for due in self.dues.values() if due.id == payment_id)

    def book(self, dues: list[Due], amount: Decimal, *, at: datetime) -> None:
        """Let money settle dues, the oldest first; what is over is credit."""
        name, currency = dues[0].name, dues[0].currency
        self.cash[name, currency] += amount
        for due in sorted(dues, key=lambda due: (due.starts_on, due.rank)):
            amount -= self._settle(due, amount, at)
        self.credit[name, currency] += amount

    def spend_credit(self, name: str, currency: str, *, at: datetime) -> list[Due]:
        """Let credit settle what is open, the oldest first; return what it gave something to."""
        given = []
        for due in self.of(name, "open"):
            free = self.credit[name, currency]
            if due.currency == currency and free:
                self.credit[name, currency] -= self._settle(due, free, at)
                given.append(due)
        return given

    def _settle(self, due: Due, amount: Decimal, at: datetime) -> Decimal:
        part = min(due.left, amount)
        due.left -= part
        self.close(due, "open" if due.left else "done", today=at.date())
        return part

    def close(self, due: Due, state: str, *, today: date) -> None:
        """Change the state of dues; what opens again may be asked for from today."""
        due.state = state
        if state == "open":
            due.free_from = max(due.free_from, today)

    def open_claim(self, dues: list[Due], amount: Decimal, *, today: date) -> None:
        """Note that somebody said they paid."""
        self.claims.append(Claim(dues[0].name, dues, amount, today))
        for due in dues:
            self.close(due, "claimed", today=today)

    def close_claim(self, claim: Claim, state: str, *, today: date) -> None:
        """Note that a claim was taken back or decided."""
        self.claims.remove(claim)
        for due in claim.dues:
            self.close(due, state, today=today)

    def expect(self, name: str, kind: str, dues: list[Due], *, at: datetime) -> None:
        """Note an answer that has to come."""
        self.answers.append(Answer(name, kind, frozenset(due.reference for due in dues), at))

    def hear(self, name: str, letter: Letter) -> None:
        """Tick off an answer; one that nobody waits for is one too many."""
        for answer in self.answers:
            is_about = letter.kind == "waived" or answer.references == letter.references
            if (answer.name, answer.kind) == (name, letter.kind) and is_about:
                self.answers.remove(answer)
                return
        raise AssertionError(f"an answer too many to {name}: {letter.subject}\n{letter.text}")

    def note_request(self, name: str, letter: Letter, *, today: date) -> None:
        """Check a request against the rules, then write it down."""
        assert name not in self.stopped, f"{name} had stopped requests: {letter.subject}"
        before = self.asked.setdefault(name, [])
        assert not before or today >= before[-1] + timedelta(days=REPEAT_DAYS), (name, today, before)
        before.append(today)
        assert len(letter.references) == len(letter.rows)
        for row in letter.rows:
            due = self.dues[row.reference]
            self._check_row(due, name, today)
            assert row.amount == due.left, (row, due)
            assert row.title.startswith(due.group)
            due.asked.append(today)

    def _check_row(self, due: Due, name: str, today: date) -> None:
        assert due.name == name, f"{name} is asked for what {due.name} owes"
        assert due.state == "open", f"{name} is asked for what is {due.state}: {due}"
        assert (name, due.group) not in self.gone, f"{name} has left {due.group}"
        assert today >= due.may_be_asked_from, f"asked too early: {due}"
        assert not due.asked or today >= due.asked[-1] + timedelta(days=REPEAT_DAYS), due
        assert len(due.asked) < MAXIMUM, due

    def check_nobody_is_forgotten(self, *, today: date) -> None:
        """Check that what is open was asked for in time: the grace, and at most one repeat to come along."""
        for due in self.dues.values():
            if due.state != "open" or due.name in self.stopped or (due.name, due.group) in self.gone:
                continue
            if not due.asked:
                last_day = due.may_be_asked_from + timedelta(days=GRACE_DAYS + REPEAT_DAYS - 1)
            elif len(due.asked) < MAXIMUM:
                last_day = max(due.asked[-1], due.may_be_asked_from) + timedelta(
                    days=OVERDUE_REPEAT_DAYS + REPEAT_DAYS - 1
                )
            else:
                continue
            assert today <= last_day, f"nobody asks for {due}"
