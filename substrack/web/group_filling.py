"""The form of a group, filled in: with what fits most, as the group stands, or like another one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from substrack.domain.money import Money
from substrack.domain.shares import SplitKind
from substrack.queries.group_form import EarlierWays, GroupOnForm
from substrack.web.group_forms import SAME_NAME, TYPED_WAYS, GroupForm
from substrack.web.way_forms import typed_way

DEFAULTED: Final = (
    "currency",
    "split",
    "payer_included",
    "collect_days_before",
    "due_days",
    "grace_days",
    "repeat_every_days",
    "max_requests",
    "overdue_after_days",
    "hour",
    "part_period",
    "heads_up_days",
    "tells_opened",
)
"""What a workspace may have its new groups begin with."""


def new_form(
    *, payer: str, time_zone: str, today: date, defaults: Mapping[str, Any], earlier: EarlierWays | None
) -> GroupForm:
    """Make an empty form with the workspace's defaults, or else such as fit most groups."""
    usual: dict[str, Any] = {"currency": "EUR", "starts_on": today}
    chosen = {name: value for name, value in defaults.items() if name in DEFAULTED}
    return GroupForm(
        **_split_apart(usual | chosen),
        payer=payer,
        time_zone=time_zone,
        same_ways=earlier.public_id if earlier else TYPED_WAYS,
    )


def filled_form(group: GroupOnForm) -> GroupForm:
    """Make the form of a group as it stands."""
    return GroupForm(**_values(group), version=str(group.version))


def form_like(group: GroupOnForm, *, name: str, people: str, today: date) -> GroupForm:
    """Make the form of a new group with the terms of another one, which goes on from its next period."""
    changed = {"name": name, "starts_on": max(group.next_start, today), "ends_on": None}
    return GroupForm(**_values(group) | changed, people=people)


def _values(group: GroupOnForm) -> dict[str, Any]:
    terms = group.terms
    values = {name: getattr(terms, name) for name in SAME_NAME} | {
        "kind": terms.kind.value,
        "price": terms.price.major() if terms.price else "",
        "tolerance": Money(terms.tolerance_minor, terms.currency).major(),
        "split": terms.split.value,
        "unit": terms.unit.value,
        "part_period": terms.part_period.value,
        "payer": group.payer_public_id,
        "ways": [typed_way(method) for method in terms.pay_methods],
    }
    return _split_apart(values)


def _split_apart(values: dict[str, Any]) -> dict[str, Any]:
    """Say of a split that waits for its bill, beside the price, that it does; a bill goes by weight."""
    if values.get("split") != SplitKind.VARIABLE:
        return values
    return values | {"split": SplitKind.WEIGHTS.value, "differs": True}
