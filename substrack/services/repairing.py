"""Putting the books right: which faults there are ways out of, and the lock and second look before each.

Money is never guessed at. A repair follows from what the books say elsewhere; where they do not, there is
none, and whoever asked is told what a person can do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.queries.claim_faults import claim_faults
from substrack.queries.faults import Fault, FaultKind, Find, only, windows
from substrack.queries.message_faults import link_faults, message_faults
from substrack.queries.money_faults import allocation_faults, receipt_changes, receipt_faults
from substrack.queries.payment_faults import payment_faults
from substrack.queries.period_faults import missing_periods, period_faults, periods_apart
from substrack.services import payment_repairs, period_repairs, send_repairs
from substrack.services.ledger import Decision
from substrack.services.locks import lock_contacts
from substrack.services.openings import opening_faults
from substrack.services.repaired import NotSafe, Repaired, RightAlready
from substrack.store import Allocation, Attempt, Event, Group, Link, Message, Payment, Period, Receipt

__all__ = ["LOOKS", "REPAIRS", "Look", "look", "repair"]

Repair = Callable[[Session, Fault, Decision], Repaired]


@dataclass(frozen=True)
class Look:
    """One way to look through a table, by the noun of what it holds."""

    noun: str
    table: Any
    kinds: frozenset[FaultKind]
    finds: Callable[[datetime], Find]


def _look(noun: str, table: Any, find: Find, *kinds: FaultKind) -> Look:
    return Look(noun, table, frozenset(kinds), lambda _now: find)


LOOKS: Final = (
    _look(
        "payments",
        Payment,
        payment_faults,
        FaultKind.PAYMENT_CHANGED,
        FaultKind.PAYMENT_UNCLEAR,
        FaultKind.ALLOCATIONS_DIFFER,
        FaultKind.CLAIM_LOST,
        FaultKind.CLAIM_LEFT_OPEN,
        FaultKind.PAYMENT_UNTIMED,
    ),
    _look("booked receipts", Event, receipt_changes, FaultKind.RECEIPT_CHANGED),
    _look(
        "receipts",
        Receipt,
        receipt_faults,
        FaultKind.RECEIPT_OVERUSED,
        FaultKind.RECEIPT_VOID_IN_USE,
    ),
    _look("allocations", Allocation, allocation_faults, FaultKind.ALLOCATION_ELSEWHERE),
    _look(
        "periods",
        Period,
        period_faults,
        FaultKind.PERIOD_VOID_DIFFERS,
        FaultKind.PERIOD_SUM,
        FaultKind.PERIOD_OWN_SHARE,
    ),
    _look("claims", Attempt, claim_faults, FaultKind.ATTEMPT_EMPTY, FaultKind.ATTEMPT_CLOSED),
    _look("gaps between periods", Period, periods_apart, FaultKind.PERIODS_APART),
    _look("sequences", Group, missing_periods, FaultKind.PERIOD_MISSING, FaultKind.SEQUENCE_WRONG),
    _look("openings", Group, opening_faults, FaultKind.OPENING_WRONG),
    Look(
        "messages",
        Message,
        frozenset(
            {FaultKind.MESSAGE_TO_NOBODY, FaultKind.REQUEST_FOR_NOTHING, FaultKind.ANSWER_WITHOUT_CAUSE}
        ),
        lambda now: partial(message_faults, now=now),
    ),
    _look("links", Link, link_faults, FaultKind.LINK_OF_ERASED),
)
"""Every look, in the order in which faults are put right: what others follow from comes first."""

REPAIRS: Final[Mapping[FaultKind, Repair]] = {
    FaultKind.PAYMENT_CHANGED: payment_repairs.put_back,
    FaultKind.CLAIM_LOST: payment_repairs.open_claim_again,
    FaultKind.CLAIM_LEFT_OPEN: payment_repairs.close_claim,
    FaultKind.PAYMENT_UNTIMED: payment_repairs.time_anew,
    FaultKind.RECEIPT_CHANGED: payment_repairs.put_receipt_back,
    FaultKind.RECEIPT_VOID_IN_USE: payment_repairs.revive_receipt,
    FaultKind.PERIOD_VOID_DIFFERS: period_repairs.mend_void,
    FaultKind.PERIOD_SUM: period_repairs.mend_sum,
    FaultKind.ATTEMPT_EMPTY: payment_repairs.end_attempt,
    FaultKind.ATTEMPT_CLOSED: payment_repairs.open_attempt_again,
    FaultKind.SEQUENCE_WRONG: period_repairs.mend_sequence,
    FaultKind.OPENING_WRONG: period_repairs.mend_opening,
    FaultKind.MESSAGE_TO_NOBODY: send_repairs.stop_message,
    FaultKind.REQUEST_FOR_NOTHING: send_repairs.stop_message,
    FaultKind.ANSWER_WITHOUT_CAUSE: send_repairs.stop_message,
    FaultKind.LINK_OF_ERASED: send_repairs.revoke_link,
}


def look(session: Session, one: Look, *, now: datetime) -> Iterator[tuple[int, list[Fault]]]:
    """Look through one table, a window of keys after the other; give how far it came and what was found."""
    find = one.finds(now)
    for window in windows(session, one.table):
        yield window.upto, list(find(session, window))


def repair(session: Session, fault: Fault, *, by: Actor, now: datetime) -> Repaired:
    """Put one fault right, after another look under the locks of what it touches; write its Event.

    Raises:
        NotSafe: the books do not say how it should be. RightAlready: it is not so any more.
    """
    mend = REPAIRS.get(fault.kind)
    if mend is None:
        raise NotSafe
    _hold(session, fault)
    seen = _seen_again(session, fault, now)
    if seen is None:
        raise RightAlready
    return mend(session, seen, Decision(by, now, f"doctor: {fault.kind.value}"))


def _seen_again(session: Session, fault: Fault, now: datetime) -> Fault | None:
    (one,) = (one for one in LOOKS if fault.kind in one.kinds)
    found = one.finds(now)(session, only(fault.place or fault.key))
    return next((each for each in found if (each.kind, each.key) == (fault.kind, fault.key)), None)


def _hold(session: Session, fault: Fault) -> None:
    """Take locks in the order groups, contacts, rows, like every decision."""
    match fault.subject:
        case "group":
            session.get(Group, fault.key, with_for_update=True)
        case "period":
            period = session.get_one(Period, fault.key)
            session.get(Group, period.group_id, with_for_update={"key_share": True})
            owed = select(Payment.contact_id).where(Payment.period_id == fault.key)
            lock_contacts(session, session.scalars(owed))
        case "payment" | "receipt" | "claim":
            table: Any = {"payment": Payment, "receipt": Receipt, "claim": Attempt}[fault.subject]
            lock_contacts(session, session.scalars(select(table.contact_id).where(table.id == fault.key)))
    session.expire_all()
