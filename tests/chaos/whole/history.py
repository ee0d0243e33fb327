"""The history: every act, written down before it is sent and after its answer.

An act has an id of its own. Where people may write something (a note, a reason), they write that id, so that
the act can be found again in the books.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count


class Outcome(StrEnum):
    """How an act ended, as far as whoever acted can know."""

    DONE = "acknowledged"
    ALREADY = "acknowledged as done before"
    REFUSED = "refused"
    UNSENT = "not sent"
    UNKNOWN = "unknown"
    BROKEN = "broken"


@dataclass(eq=False)
class Act:
    """One press, or one look (`verb` "look").

    `payments` are those it names, by public id, each with the version that was shown, if one was.
    `amount_minor` is the sum that was typed, `undoes` the decision that is to be undone. Times are the wall
    clock's; `answered` is infinite while no answer came.
    """

    id: str
    verb: str
    actor: tuple[str, int]
    payments: Mapping[str, int | None]
    amount_minor: int | None = None
    undoes: str | None = None
    is_by_chat: bool = False
    sent: float = 0.0
    answered: float = math.inf
    outcome: Outcome = Outcome.UNKNOWN
    correlation_id: str | None = None
    said: str = ""

    def end(self, outcome: Outcome, said: str, correlation_id: str | None = None) -> None:
        """Write down how it ended."""
        self.answered = math.inf if outcome is Outcome.UNKNOWN else time.time()
        self.said, self.correlation_id, self.outcome = said, correlation_id, outcome

    def __str__(self) -> str:
        who = f"{self.actor[0]} {self.actor[1]}"
        return (
            f"{self.id} ({self.verb} by {who} of {dict(self.payments)}: {self.outcome}, “{self.said[:120]}”)"
        )


@dataclass
class History:
    """All acts, in the order in which they were begun; any thread may write."""

    acts: list[Act] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    def begin(
        self,
        verb: str,
        actor: tuple[str, int],
        payments: Mapping[str, int | None],
        *,
        amount_minor: int | None = None,
        undoes: str | None = None,
        is_by_chat: bool = False,
    ) -> Act:
        """Write down an act that is about to be sent."""
        name = f"w{next(self._numbers):07}"
        act = Act(name, verb, actor, payments, amount_minor, undoes, is_by_chat, time.time())
        self.acts.append(act)
        return act

    def count(self) -> Counter[Outcome]:
        """Count the acts by how they ended."""
        return Counter(act.outcome for act in self.acts)
