"""On what terms somebody may be a member of a group: weight, fixed amount, and the days they are there.

It refuses and changes nothing; whoever asks holds the group.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.errors import Refused
from substrack.domain.money import CurrencyMismatch, Money
from substrack.domain.shares import (
    FixedAmountMissing,
    FixedAmountNegative,
    PayerShareIsTheRest,
    SplitKind,
    check_weight,
)
from substrack.domain.sharing import overlaps
from substrack.queries.sharing import first_window_of, stay_of
from substrack.services.fixed_amounts import check_fixed_amounts
from substrack.store import Group, Member

BY_WEIGHT: Final = frozenset({SplitKind.WEIGHTS, SplitKind.VARIABLE})
"""The splits in which a weight means something."""


class AlreadyMember(Refused):
    """This person is a member of the group on that day."""

    field = "name"

    def __init__(self, member_id: int) -> None:
        self.member_id = member_id
        super().__init__("This person is a member of the group already.")


class WeightMeansNothing(Refused):
    """The group does not split by weight."""

    field = "weight"

    def __init__(self, split: SplitKind) -> None:
        self.split = split
        super().__init__(
            "Weights only count in a group that is split by weight; change how it is split first."
        )


def check_member_weight(group: Group, weight: int) -> None:
    """Refuse a weight that is out of range, or means nothing because the group splits in another way.

    Raises:
        WeightOutOfRange, WeightMeansNothing.
    """
    check_weight(weight)
    if weight != 1 and group.split not in BY_WEIGHT:
        raise WeightMeansNothing(group.split)


def fixed_minor_of(group: Group, contact_id: int, fixed: Money | None) -> int | None:
    """Return a fixed amount in minor units; the payer has none, for theirs is the rest.

    Raises:
        FixedAmountMissing: the group splits by fixed amounts. FixedAmountNegative, CurrencyMismatch,
        PayerShareIsTheRest.
    """
    is_payer = contact_id == group.payer_id
    if fixed is None:
        if group.split is SplitKind.FIXED and not is_payer:
            raise FixedAmountMissing(())
        return None
    if is_payer:
        raise PayerShareIsTheRest
    if fixed.currency != group.currency:
        raise CurrencyMismatch(fixed.currency, group.currency)
    if fixed.minor < 0:
        raise FixedAmountNegative(fixed.minor)
    return fixed.minor


def check_not_there(
    session: Session,
    group: Group,
    contact_id: int,
    joined_on: date,
    left_on: date | None,
    *,
    but: int | None = None,
) -> None:
    """Refuse a stay that overlaps another of the same person; one may begin the day another ended.

    Raises:
        AlreadyMember.
    """
    query = select(Member).where(Member.group_id == group.id, Member.contact_id == contact_id)
    for other in session.scalars(query.order_by(Member.id)):
        if other.id != but and overlaps(joined_on, left_on, stay_of(other)):
            raise AlreadyMember(other.id)


def check_fixed_fits(session: Session, group: Group, member: Member) -> None:
    """Check that fixed amounts fit the price while both this member and a period are there.

    Raises:
        FixedAmountsOverTotal, FixedAmountsOverLater.
    """
    if group.split is SplitKind.VARIABLE or member.fixed_minor is None:
        return
    check_fixed_amounts(session, group, first_window_of(group, member), until=member.left_on)


def facts_of_member(member: Member) -> dict[str, Any]:
    """Write down a member's terms for the journal."""
    return {
        "joined_on": member.joined_on.isoformat(),
        "left_on": member.left_on.isoformat() if member.left_on else None,
        "weight": member.weight,
        "fixed_minor": member.fixed_minor,
    }
