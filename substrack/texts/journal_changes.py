"""What the journal says of a change: which facts of a group or a person it touched, or what an undo left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from substrack.domain.payments import Status
from substrack.texts.words import Words


def terms_changed(before: Mapping[str, Any], after: Mapping[str, Any], locale: str) -> str:
    """Name what of a group's terms was changed; "" where the journal does not know."""
    _ = Words(locale)
    topics = {
        _("what it is called"): ("renamed", "kind"),
        _("how it is shared"): ("split", "part_period"),
        _("who pays"): ("payer_id", "payer_included"),
        _("its rhythm"): ("unit", "every", "billing_day", "starts_on", "ends_on"),
        _("its currency"): ("currency",),
        _("when it is due"): ("due_days", "collect_days_before"),
        _("how people are asked"): (
            "grace_days", "repeat_every_days", "max_requests", "overdue_after_days", "hour", "time_zone",
        ),
        _("what people are told beforehand"): ("heads_up_days", "tells_opened"),
        _("the tolerance"): ("tolerance_minor",),
    }  # fmt: skip
    return _named(topics, before, after, _)


def person_changed(before: Mapping[str, Any], after: Mapping[str, Any], locale: str) -> str:
    """Name what is known otherwise about a person; "" where the journal does not know."""
    _ = Words(locale)
    topics = {
        _("the name"): ("renamed",),
        _("the language"): ("language",),
        _("the time zone"): ("time_zone",),
    }
    return _named(topics, before, after, _)


def left_by_undo(after: Mapping[str, Any], locale: str) -> str:
    """Say how a payment stands after an undo; "" where the journal does not know."""
    _ = Words(locale)
    stands: Mapping[str | None, str] = {
        Status.PENDING: _("The payment is open again."),
        Status.OVERDUE: _("The payment is overdue again."),
        Status.MEMBER_CONFIRMED: _("The payment waits to be checked again."),
        Status.CONFIRMED: _("The payment is paid again."),
        Status.WAIVED: _("The payment is waived again."),
    }
    return stands.get(after.get("status"), "")


def _named(
    topics: Mapping[str, tuple[str, ...]], before: Mapping[str, Any], after: Mapping[str, Any], _: Words
) -> str:
    changed = {name for name, value in after.items() if value and value != before.get(name)}
    changed |= {name for name in after if name in before and after[name] != before[name]}
    return _.listed([words for words, names in topics.items() if changed.intersection(names)])
