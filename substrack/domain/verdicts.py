"""The last word about what a person still owes: their page opens with it, and says what to do next.

`queries.pay_verdicts` finds these; `texts.verdicts` puts them into words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from substrack.domain.bills import Item
from substrack.domain.money import Money


class VerdictKind(StrEnum):
    """What was said about payments that are open all the same."""

    REJECTED = "rejected"
    PART_RECEIVED = "part_received"
    REOPENED = "reopened"
    ANSWERED = "answered"


@dataclass(frozen=True)
class Verdict:
    """One decision that left items open, all of one payer and currency; `left` of `amount` is to come.

    `question` is what the member wrote, where `reason` is the answer to it.
    """

    kind: VerdictKind
    items: tuple[Item, ...]
    reason: str | None
    amount: Money
    left: Money
    question: str = ""

    @property
    def payer(self) -> str:
        """Name who receives the money."""
        return self.items[0].payer.name

    @property
    def received(self) -> Money:
        """What came so far."""
        return self.amount - self.left
