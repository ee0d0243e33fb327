"""What can be wrong with rows of the books: the kinds of faults, and one fault that was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

PAGE: Final = 5_000
"""Keys looked at by one statement."""


class FaultKind(StrEnum):
    """Every kind of fault, in the order in which they are put right: what others follow from comes first."""

    PAYMENT_CHANGED = "payment_changed"
    PAYMENT_UNCLEAR = "payment_unclear"
    ALLOCATIONS_DIFFER = "allocations_differ"
    CLAIM_LOST = "claim_lost"
    CLAIM_LEFT_OPEN = "claim_left_open"
    PAYMENT_UNTIMED = "payment_untimed"
    RECEIPT_CHANGED = "receipt_changed"
    RECEIPT_OVERUSED = "receipt_overused"
    RECEIPT_VOID_IN_USE = "receipt_void_in_use"
    ALLOCATION_ELSEWHERE = "allocation_elsewhere"
    PERIOD_VOID_DIFFERS = "period_void_differs"
    PERIOD_SUM = "period_sum"
    PERIOD_OWN_SHARE = "period_own_share"
    ATTEMPT_EMPTY = "attempt_empty"
    ATTEMPT_CLOSED = "attempt_closed"
    PERIOD_MISSING = "period_missing"
    PERIODS_APART = "periods_apart"
    SEQUENCE_WRONG = "sequence_wrong"
    OPENING_WRONG = "opening_wrong"
    MESSAGE_TO_NOBODY = "message_to_nobody"
    REQUEST_FOR_NOTHING = "request_for_nothing"
    ANSWER_WITHOUT_CAUSE = "answer_without_cause"
    LINK_OF_ERASED = "link_of_erased"


@dataclass(frozen=True)
class Fault:
    """One row that is wrong: its kind, its table's noun, its key and public id, and what was seen.

    Amounts in `facts` are minor units of `currency`. `place` is the key by which it was come upon, where that
    is a row of another table.
    """

    kind: FaultKind
    subject: str
    key: int
    public_id: str
    currency: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    place: int | None = None


@dataclass(frozen=True)
class Window:
    """A range of keys: those above `after`, up to and with `upto`."""

    after: int
    upto: int

    def holds(
        self, key: InstrumentedAttribute[int] | InstrumentedAttribute[int | None]
    ) -> ColumnElement[bool]:
        """Select the keys in the window."""
        return (key > self.after) & (key <= self.upto)


Find = Callable[[Session, Window], Iterator[Fault]]


def windows(session: Session, table: Any) -> Iterator[Window]:
    """Cut the keys of a table into windows of `PAGE`, so that no statement reads or locks much."""
    last = session.scalar(select(func.max(table.id))) or 0
    for after in range(0, last, PAGE):
        yield Window(after, after + PAGE)


def only(key: int) -> Window:
    """Give the window that holds one key."""
    return Window(key - 1, key)
