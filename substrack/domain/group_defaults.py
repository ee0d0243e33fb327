"""The terms a new group begins with, as a workspace chose them once for all.

They are checked by the rules of a group's terms, so that a form never begins with what can't be saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any, Self

from substrack.domain.shares import PartPeriod, SplitKind
from substrack.domain.terms import GroupTerms, check_terms


@dataclass(frozen=True)
class GroupDefaults:
    """What the form of a new group is filled with; names and meanings are those of `GroupTerms`."""

    currency: str = "EUR"
    payer_included: bool = GroupTerms.payer_included
    part_period: PartPeriod = GroupTerms.part_period
    grace_days: int = GroupTerms.grace_days
    repeat_every_days: int = GroupTerms.repeat_every_days
    max_requests: int = GroupTerms.max_requests
    overdue_after_days: int = GroupTerms.overdue_after_days
    hour: int = GroupTerms.hour

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote; what is missing or unknown is as if nothing had been chosen."""
        known = {field.name for field in fields(cls)}
        chosen = {name: value for name, value in stored.items() if name in known}
        return cls(**chosen | {"part_period": PartPeriod(chosen.get("part_period", cls.part_period))})

    def as_dict(self) -> dict[str, Any]:
        """Return the form that is stored as JSON."""
        return asdict(self) | {"part_period": self.part_period.value}


def check_defaults(defaults: GroupDefaults) -> GroupDefaults:
    """Return the defaults cleaned.

    Raises:
        Refused: a new group could not be saved with them; `field` says which.
    """
    terms = GroupTerms(name="-", starts_on=date(2026, 1, 1), split=SplitKind.VARIABLE, **defaults.as_dict())
    return replace(defaults, currency=check_terms(terms).currency)
