"""The payment state machine: the only table that says which change of status is legal.

Services move a payment by a conditional UPDATE whose `WHERE status IN (…)` comes from `TRANSITIONS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from substrack.domain.actors import Actor, ActorKind
from substrack.domain.errors import Conflict, Phrase, Refused


class Status(StrEnum):
    """The five statuses; a voided payment carries `voided_at` beside its status."""

    PENDING = "pending"
    MEMBER_CONFIRMED = "member_confirmed"
    CONFIRMED = "confirmed"
    OVERDUE = "overdue"
    WAIVED = "waived"


class Act(StrEnum):
    """What can happen to a payment; the verbs of its history."""

    OPEN = "open"
    CLAIM = "claim"
    WITHDRAW = "withdraw"
    CONFIRM = "confirm"
    REJECT = "reject"
    LAPSE = "lapse"
    EXTEND = "extend"
    WAIVE = "waive"
    UNWAIVE = "unwaive"
    REOPEN = "reopen"
    ADJUST = "adjust"
    RELEASE = "release"
    RESHARE = "reshare"
    UNDO = "undo"


class PaymentKind(StrEnum):
    """Dues are owed to the payer; the payer's own share counts in the total and nowhere else."""

    DUES = "dues"
    OWN = "own"


class ReopenCause(StrEnum):
    """Why a confirmed payment is open again."""

    NEVER_CAME = "never-came"
    SOMETHING_ELSE = "something-else"


ANOTHER_SUM: Final = "another-sum"
"""Why a receipt is void in whose place the right sum is booked; no cause of a reopening."""


ASKABLE = frozenset({Status.PENDING, Status.OVERDUE})
OPEN = frozenset({Status.PENDING, Status.OVERDUE, Status.MEMBER_CONFIRMED})
LARGEST_REST: Final = 2
"""A rest is small change only up to this part of what was owed (docs/decisions/0019-small-rests.md)."""

CLOSED = frozenset({Status.CONFIRMED, Status.WAIVED})
COUNTED = OPEN | {Status.CONFIRMED}
"""What "2 of 3 paid" counts: a waived share is neither paid nor still to be."""

_ADMINS = frozenset({ActorKind.USER, ActorKind.OPERATOR})
_MEMBER = frozenset({ActorKind.CONTACT})
_TIME = frozenset({ActorKind.TIME})
_CREDIT = frozenset({ActorKind.CREDIT})


@dataclass(frozen=True)
class Transition:
    """From where to where an act leads, and who may do it."""

    sources: frozenset[Status]
    targets: frozenset[Status]
    actors: frozenset[ActorKind]


def _row(sources: frozenset[Status], targets: set[Status], actors: frozenset[ActorKind]) -> Transition:
    return Transition(sources, frozenset(targets), actors)


_PENDING = frozenset({Status.PENDING})
_OVERDUE = frozenset({Status.OVERDUE})
_CLAIMED = frozenset({Status.MEMBER_CONFIRMED})
_CONFIRMED = frozenset({Status.CONFIRMED})
_WAIVED = frozenset({Status.WAIVED})

TRANSITIONS: Mapping[Act, Transition] = MappingProxyType(
    {
        Act.CLAIM: _row(ASKABLE, {Status.MEMBER_CONFIRMED}, _MEMBER | _ADMINS),
        Act.WITHDRAW: _row(_CLAIMED, {Status.PENDING}, _MEMBER | _ADMINS),
        Act.CONFIRM: _row(OPEN, {Status.CONFIRMED, Status.PENDING}, _ADMINS | _CREDIT),
        Act.REJECT: _row(_CLAIMED, {Status.PENDING}, _ADMINS),
        Act.LAPSE: _row(_PENDING, {Status.OVERDUE}, _TIME),
        Act.EXTEND: _row(_OVERDUE, {Status.PENDING}, _ADMINS),
        Act.WAIVE: _row(OPEN, {Status.WAIVED}, _ADMINS),
        Act.UNWAIVE: _row(_WAIVED, {Status.PENDING}, _ADMINS),
        Act.REOPEN: _row(_CONFIRMED, {Status.PENDING}, _ADMINS),
        Act.ADJUST: _row(OPEN | _CONFIRMED, set(OPEN | _CONFIRMED), _ADMINS),
        Act.RESHARE: _row(_WAIVED, {Status.WAIVED}, _ADMINS),
        Act.RELEASE: _row(OPEN | _WAIVED, set(OPEN | _WAIVED), _ADMINS),
    }
)


class NotAllowed(Refused):
    """Somebody tried what is not theirs to do."""

    def __init__(self, act: Act) -> None:
        super().__init__("Only an admin of this workspace can do that to a payment.")
        self.act = act


class WrongStatus(Conflict):
    """The payment is not in a status from which this act is possible; says in which it is."""

    def __init__(self, act: Act, status: Status) -> None:
        super().__init__(_STANDS_AS_IT_IS[status])
        self.act, self.status = act, status


_STANDS_AS_IT_IS = {
    Status.PENDING: Phrase("This payment is open; that can’t be done to it now."),
    Status.MEMBER_CONFIRMED: Phrase("This payment waits for a check; that can’t be done to it now."),
    Status.CONFIRMED: Phrase("This payment is already confirmed; that can’t be done to it now."),
    Status.OVERDUE: Phrase("This payment is overdue; that can’t be done to it now."),
    Status.WAIVED: Phrase("This payment is waived; that can’t be done to it now."),
}


def check_actor(act: Act, by: Actor) -> None:
    """Refuse an act that is not this kind of actor's to do.

    Raises:
        NotAllowed: the actor's kind is not in the row of the act.
    """
    if by.kind not in TRANSITIONS[act].actors:
        raise NotAllowed(act)


@dataclass(frozen=True)
class Standing:
    """The money side of one payment, in minor units: what is owed, has come, was forgiven as small change."""

    amount_minor: int
    received_minor: int
    written_off_minor: int = 0

    @property
    def left_minor(self) -> int:
        """What is still to come."""
        return self.amount_minor - self.received_minor - self.written_off_minor

    @property
    def is_covered(self) -> bool:
        """Tell whether nothing is left to pay."""
        return self.left_minor == 0


def after_receiving(standing: Standing, allocated_minor: int, *, tolerance_minor: int) -> Standing:
    """Add money to a payment; a rest of up to the tolerance is written off, if it is no more than a half.

    Nothing is written off while nothing at all has been received: silence is not a payment.
    """
    at_most = min(tolerance_minor, standing.amount_minor // LARGEST_REST)
    return after_giving_back(standing, allocated_minor, written_off_minor=at_most)


def after_giving_back(standing: Standing, allocated_minor: int, *, written_off_minor: int) -> Standing:
    """Add money to a payment of which so much was written off before; no more of it is now."""
    received = standing.received_minor + allocated_minor
    rest = standing.amount_minor - received
    written_off = rest if received > 0 and 0 < rest <= written_off_minor else 0
    return Standing(standing.amount_minor, received, written_off)
