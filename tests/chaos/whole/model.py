"""The model: what must become of one payment when acts follow each other, written once more from the design.

It shares no code with the services. Given the lines of a payment's journal in their order, it works out
status and sums after each and compares. Sums are in minor units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tests.chaos.whole.deeds import Line
from tests.chaos.whole.history import Act

TOLERANCE_MINOR: Final = 5
ASKED: Final = ("pending", "overdue")
OPEN: Final = (*ASKED, "member_confirmed")


class Illegal(Exception):
    """What the state machine does not allow."""


@dataclass(frozen=True)
class State:
    """One payment as it stands."""

    status: str
    amount: int
    received: int
    written_off: int
    version: int

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> State:
        """Read what a line of the journal tells."""
        return cls(*(facts[name] for name in ("status", "amount", "received", "written_off", "version")))

    @property
    def left(self) -> int:
        """What is still to come."""
        return self.amount - self.received - self.written_off

    def settled_or(self, status: str) -> State:
        """Be confirmed when nothing is left, else as said."""
        return replace(self, status="confirmed" if self.left == 0 else status)


def replay(start: State | None, lines: Sequence[Line], acts: Mapping[str, Act]) -> list[str]:
    """Go through the lines of one payment; `acts` are those that are known, by correlation id.

    The first line begins where `start` is, if that is known. Return what is wrong.
    """
    wrong, before = [], {line.id: State.read(line.before) for line in lines}
    state = start
    for line in lines:
        shown = before[line.id]
        if state is not None and shown != state:
            wrong.append(f"{line}: begins at {shown}, not at {state}")
        try:
            expected = _expected(shown, line, acts.get(line.correlation_id), before)
        except Illegal as illegal:
            wrong.append(f"{line}: {illegal}, {shown}")
            expected = State.read(line.after)
        state = State.read(line.after)
        if replace(expected, version=shown.version + 1) != state:
            wrong.append(f"{line}: leads to {state}, not to {expected}")
    return wrong


def _expected(state: State, line: Line, act: Act | None, before: Mapping[int, State]) -> State:
    if line.verb == "undo":
        return before[min(key for key in line.after["undone"] if key in before)]
    sources, lead = _MOVES[line.verb]
    if state.status not in sources:
        raise Illegal(f"{line.verb} from {state.status}")
    return lead(state, line, act)


def _to(status: str) -> Callable[[State, Line, Act | None], State]:
    return lambda state, _line, _act: replace(state, status=status)


def _confirm(state: State, line: Line, act: Act | None) -> State:
    part = line.after.get("allocated", 0)
    if act is not None and act.verb == "confirm" and line.is_persons:
        left = state.amount - state.received
        if act.amount_minor is not None:
            part = min(act.amount_minor, left)
        elif state.status != "member_confirmed":  # a claim may stand for less, once some of it was booked
            part = left
    received = state.received + part
    rest = state.amount - received
    if part < 0 or rest < 0:
        raise Illegal(f"{part} of {state.left} is received")
    small = min(TOLERANCE_MINOR, state.amount // 2)
    forgiven = small if part and line.is_persons else state.written_off  # credit forgives nothing
    written_off = rest if received and rest <= forgiven else 0
    return replace(state, received=received, written_off=written_off).settled_or("pending")


def _reopen(state: State, line: Line, act: Act | None) -> State:
    """All money goes when it was for something else, what the last receipt gave when it never came."""
    received = line.after["received"]
    if not 0 <= received <= state.received:
        raise Illegal(f"{state.received} received becomes {received}")
    return replace(state, status="pending", received=received, written_off=0)


def _adjust(state: State, line: Line, act: Act | None) -> State:
    if act is None or act.verb != "adjust":
        raise Illegal("an amount that nobody corrected")
    amount = act.amount_minor if act.amount_minor is not None else state.amount
    received = min(state.received, amount)
    rest = amount - received
    kept = replace(
        state,
        amount=amount,
        received=received,
        written_off=rest if rest <= state.written_off else 0,
    )
    if state.status == "member_confirmed":
        return kept
    return kept.settled_or("pending" if state.status == "confirmed" else state.status)


def _released(state: State, line: Line, _act: Act | None = None) -> State:
    received = line.after["received"]
    if not 0 <= received < state.received:
        raise Illegal(f"{state.received} received becomes {received}")
    return replace(state, received=received, written_off=0)


def _reshared(state: State, line: Line, _act: Act | None = None) -> State:
    amount = line.after["amount"]
    if amount < state.received:
        raise Illegal(f"{state.received} received of {amount}")
    return replace(state, amount=amount)


_MOVES: Final[Mapping[str, tuple[Sequence[str], Callable[[State, Line, Act | None], State]]]] = {
    "claim": (ASKED, _to("member_confirmed")),
    "withdraw": (("member_confirmed",), _to("pending")),
    "confirm": (OPEN, _confirm),
    "reject": (("member_confirmed",), _to("pending")),
    "lapse": (("pending",), _to("overdue")),
    "extend": (("overdue",), _to("pending")),
    "waive": (OPEN, _to("waived")),
    "unwaive": (("waived",), _to("pending")),
    "reopen": (("confirmed",), _reopen),
    "adjust": ((*OPEN, "confirmed"), _adjust),
    "release": ((*OPEN, "waived"), _released),
    "reshare": (("waived",), _reshared),
}
"""From where each act leads, and how; `release` takes money off what is open or waived."""
