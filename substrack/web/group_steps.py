"""The one thing to do next in a group: beside the period on its page, and at the thumb on a phone."""

from __future__ import annotations

from dataclasses import dataclass

from substrack.domain.cycles import local_date
from substrack.domain.money import Money
from substrack.queries.claims import ClaimRow
from substrack.queries.group_page import who_owes
from substrack.queries.group_periods import PeriodColumn
from substrack.queries.groups import GroupRow
from substrack.queries.review import load_claims
from substrack.web.reading import reading, runtime
from substrack.web.sessions import me


@dataclass(frozen=True)
class NextStep:
    """What to do: `check` the claims, `look` at claims elsewhere, enter the `bill`, `open`, `ask` or `rest`.

    `claims` are those about the period shown, at most a page of them; `to_check` counts all of the group.
    `can_ask`: somebody owes, so that they can be asked as well, whatever comes first.
    """

    kind: str
    to_check: int = 0
    claims: tuple[ClaimRow, ...] = ()
    bill: PeriodColumn | None = None
    can_ask: bool = False

    @property
    def amount(self) -> Money:
        """What is booked when all these claims are confirmed."""
        first, *others = (claim.amount for claim in self.claims)
        return sum(others, first)

    @property
    def names(self) -> list[str]:
        """Who made them."""
        return list(dict.fromkeys(claim.name for claim in self.claims))


def next_step(group: GroupRow, columns: tuple[PeriodColumn, ...], *, opens_by_hand: bool) -> NextStep | None:
    """Choose what comes first in a group; the period shown is the first of `columns`."""
    claims = load_claims(reading(), me().workspace_id, group_id=group.id)
    owing = who_owes(reading(), group.id, today=local_date(runtime().now(), me().time_zone))
    here = tuple(claim for claim in claims.rows if columns and _is_about(claim, group, columns[0]))
    bill = next((column for column in reversed(columns) if column.total is None), None)
    if claims.total:
        return NextStep("check" if here else "look", claims.total, here, can_ask=owing.is_owed)
    if bill:
        return NextStep("bill", bill=bill, can_ask=owing.is_owed)
    if opens_by_hand and _is_due(group):
        return NextStep("open", can_ask=owing.is_owed)
    if not owing.is_owed:
        return None
    return NextStep("ask") if owing.can_be_asked else NextStep("rest", can_ask=True)


def _is_about(claim: ClaimRow, group: GroupRow, column: PeriodColumn) -> bool:
    return any(item.group_public_id == group.public_id and item.span == column.span for item in claim.waiting)


def _is_due(group: GroupRow) -> bool:
    """Tell whether the next period should be open already, or is the very first."""
    return group.next_sequence == 1 or (
        group.next_open_at is not None and group.next_open_at <= runtime().now()
    )
