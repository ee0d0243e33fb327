"""The books row by row: every look there is, what each kind of fault is called, and what a person can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from substrack.bootstrap import Rehearsed, Runtime
from substrack.domain.actors import OPERATOR
from substrack.domain.money import Money
from substrack.queries.faults import Fault, FaultKind
from substrack.services.repaired import ChangedMeanwhile, Repaired
from substrack.services.repairing import LOOKS, REPAIRS, look, repair

MOST: Final = 1_000
"""Faults that are told at once; there is no use in more before these are dealt with."""

AMOUNTS: Final = frozenset({"amount", "received", "written_off", "total", "billed", "payer_part"})

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Told:
    """What a kind of fault is, in a sentence, and what to do where no repair is safe."""

    found: str
    advice: str


IF_UNKNOWN: Final = "Compare `payment list` with a backup of before, and restore that if need be."

WORDS: Final[Mapping[FaultKind, Told]] = {
    FaultKind.PAYMENT_CHANGED: Told("Its row is not what its history says it became.", IF_UNKNOWN),
    FaultKind.PAYMENT_UNCLEAR: Told(
        "Its row, its history and what was received for it say different things.",
        "Ask the payer what came. `payment reopen ID --because something-else` takes off what settles it, "
        "`payment confirm ID --amount …` books what came; or restore a backup.",
    ),
    FaultKind.ALLOCATIONS_DIFFER: Told(
        "The parts of receipts that settle it do not come to what it says was received.",
        "Ask the payer what came: `payment reopen ID --because something-else`, then `payment confirm ID`.",
    ),
    FaultKind.CLAIM_LOST: Told(
        "It waits for a check, and nobody's claim names it.",
        "Decide it all the same: `payment confirm ID`, or `payment withdraw ID`.",
    ),
    FaultKind.CLAIM_LEFT_OPEN: Told("A claim on it waits, though it was decided about.", IF_UNKNOWN),
    FaultKind.PAYMENT_UNTIMED: Told(
        "Time acts on it though it is closed, or never acts on it though it is open.", IF_UNKNOWN
    ),
    FaultKind.RECEIPT_CHANGED: Told("Its amount is not the one that was booked.", IF_UNKNOWN),
    FaultKind.RECEIPT_OVERUSED: Told(
        "It settles more than it brought.",
        "`receipt void ID --reason …`, then `receipt add` what really came.",
    ),
    FaultKind.RECEIPT_VOID_IN_USE: Told(
        "It is void and still settles something.",
        "`payment reopen ID --because something-else` for each payment it settles.",
    ),
    FaultKind.ALLOCATION_ELSEWHERE: Told(
        "It is settled by money of another person, another payer or another currency.",
        "`payment reopen ID --because something-else` takes that money off it.",
    ),
    FaultKind.PERIOD_VOID_DIFFERS: Told(
        "It is void and was never voided, or was voided and is not.", "Restore a backup of before."
    ),
    FaultKind.PERIOD_SUM: Told(
        "Its payments, the payer's part and its bill do not come to its total.",
        "Look at the bill, then `period edit ID --total … --reason …`.",
    ),
    FaultKind.PERIOD_OWN_SHARE: Told("The payer's own share is open.", "Restore a backup of before."),
    FaultKind.ATTEMPT_EMPTY: Told("It is open and has nothing to decide.", IF_UNKNOWN),
    FaultKind.ATTEMPT_CLOSED: Told(
        "It is closed, and something it names still waits.", "`payment reject ID`, or `payment confirm ID`."
    ),
    FaultKind.PERIOD_MISSING: Told(
        "Periods of its sequence are gone.",
        "Restore a backup of before; a period that is past is never opened by guess.",
    ),
    FaultKind.PERIODS_APART: Told(
        "Days between it and the next are missing, or counted twice.",
        "If they are to be paid for, correct the amounts: `payment adjust ID --amount … --reason …`.",
    ),
    FaultKind.SEQUENCE_WRONG: Told(
        "It does not go on with the number after its last period.", "Restore a backup of before."
    ),
    FaultKind.OPENING_WRONG: Told("Its next period does not open when its calendar has it.", IF_UNKNOWN),
    FaultKind.MESSAGE_TO_NOBODY: Told("It waits for somebody who is gone.", "`message cancel ID`."),
    FaultKind.REQUEST_FOR_NOTHING: Told("It asks for nothing that is owed.", "`message cancel ID`."),
    FaultKind.ANSWER_WITHOUT_CAUSE: Told("Nothing happened that it tells of.", "`message cancel ID`."),
    FaultKind.LINK_OF_ERASED: Told("A link of somebody who was erased still works.", IF_UNKNOWN),
}


def find_faults(runtime: Runtime, progress: Progress) -> list[Fault]:
    """Look through all tables; return the first `MOST` faults, those first that others may follow from."""
    found: list[Fault] = []
    for fault in _all_faults(runtime, progress):
        found.append(fault)
        if len(found) == MOST:
            break
    return found


def _all_faults(runtime: Runtime, progress: Progress) -> Iterator[Fault]:
    """Read each window in a transaction of its own: a long look holds up neither writers nor the log."""
    for one in LOOKS:
        done = 0
        with runtime.reading() as session:
            for upto, faults in look(session, one, now=runtime.now()):
                yield from faults
                session.rollback()
                done = upto
                progress(one.noun, done)


def has_repair(fault: Fault) -> bool:
    """Tell whether there is a way out of this kind of fault by itself."""
    return fault.kind in REPAIRS


def rehearse(runtime: Runtime, fault: Fault) -> Repaired:
    """Put a fault right and take that back; return what would change.

    Raises:
        NotSafe, RightAlready.
    """
    repaired = Repaired({}, {})
    with suppress(Rehearsed), runtime.transaction() as session:
        repaired = repair(session, fault, by=OPERATOR, now=runtime.now())
        session.flush()
        raise Rehearsed
    return repaired


def put_right(runtime: Runtime, fault: Fault, shown: Repaired) -> None:
    """Put a fault right, exactly as it was shown.

    Raises:
        NotSafe, RightAlready; ChangedMeanwhile: it would be something else by now.
    """
    with runtime.transaction() as session:
        if repair(session, fault, by=OPERATOR, now=runtime.now()) != shown:
            raise ChangedMeanwhile


def spelt(values: Mapping[str, Any], currency: str | None) -> dict[str, Any]:
    """Write amounts in major units, as people and programs read them."""
    return {name: _spelt(name, value, currency) for name, value in values.items()}


def _spelt(name: str, value: Any, currency: str | None) -> Any:
    is_amount = name in AMOUNTS and value is not None
    return Money(int(value), currency).major() if is_amount and currency else value
