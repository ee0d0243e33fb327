"""Leave of stored facts what a ledger needs (ids, numbers, days, statuses), and nothing anybody wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

PLAIN_FACTS: Final = frozenset(
    {
        "anchor_on",
        "contact_requested_on",
        "currency",
        "due_on",
        "ends_on",
        "exhausted_at",
        "from_on",
        "joined_on",
        "kind",
        "kinds",
        "left_on",
        "made_on",
        "objection",
        "part_period",
        "requested_on",
        "role",
        "split",
        "starts_on",
        "state",
        "status",
        "unit",
        "until",
        "went_on_from",
        "why",
    }
)
"""Facts that are words by their type, and none of anybody's: days, choices and ids."""


def sift(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts with every text emptied that is not known to be plain; numbers and their lists stay."""
    return {name: _sifted(name, value) for name, value in facts.items()}


def _sifted(name: str, value: Any) -> Any:
    match value:
        case str():
            return value if name in PLAIN_FACTS else ""
        case Mapping():
            return sift(value)
        case list():
            return [_sifted(name, each) for each in value]
        case _:
            return value
