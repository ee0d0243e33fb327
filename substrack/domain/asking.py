"""Whether somebody can be asked for money right now, and if not, why."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class AskState(StrEnum):
    """How somebody stands; `RECENT` was asked within the repeat of a group, and `PAID` owes nothing.

    `ASKED_ELSE` was asked today, but not for this.
    """

    READY = "ready"
    RECENT = "recent"
    ASKED_TODAY = "asked_today"
    ASKED_ELSE = "asked_else"
    ON_ITS_WAY = "on_its_way"
    TO_CHECK = "to_check"
    SNOOZED = "snoozed"
    OBJECTED = "objected"
    LEFT = "left"
    UNREACHABLE = "unreachable"
    UNSUBSCRIBED = "unsubscribed"
    PAID = "paid"


CAN_BE_ASKED: Final = frozenset({AskState.READY, AskState.RECENT, AskState.ASKED_ELSE})
CAN_BE_ASKED_BY_HAND: Final = CAN_BE_ASKED | {AskState.UNREACHABLE, AskState.UNSUBSCRIBED}

ASK: Final = "ask"
ASK_BY_HAND: Final = "ask_by_hand"
"""The verbs by which an admin asks: by a message of ours, and by one of their own."""

STOP_ASKING: Final = "stop_asking"
"""The verb that takes one of them back."""

HURRY: Final = "hurry"
"""The verb by which an admin lets a request that waits go out now."""

AT_ANY_HOUR: Final = "at_any_hour"
"""The mark on a request that goes out by night too, because an admin wants it to."""
