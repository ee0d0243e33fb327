"""Kinds of acts, for whoever looks for something in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class JournalKind(StrEnum):
    """What an act is about, roughly."""

    SAID = "said"
    DECIDED = "decided"
    MONEY = "money"
    PERIODS = "periods"
    GROUPS = "groups"
    PEOPLE = "people"
    MESSAGES = "messages"
    ADMINS = "admins"


ACTS: Mapping[JournalKind, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        JournalKind.SAID: {"payment": ("claim", "withdraw", "snooze", "object")},
        JournalKind.DECIDED: {
            "payment": (
                "confirm",
                "reject",
                "waive",
                "unwaive",
                "reopen",
                "adjust",
                "undo",
                "release",
                "reshare",
                "repair",
                "answer",
                "dismiss",
            )
        },
        JournalKind.MONEY: {"receipt": ()},
        JournalKind.PERIODS: {"period": (), "payment": ("open", "lapse", "extend", "void", "restore")},
        JournalKind.GROUPS: {"group": ()},
        JournalKind.PEOPLE: {"member": (), "contact": ()},
        JournalKind.MESSAGES: {"message": (), "payment": ("ask", "ask_by_hand", "stop_asking")},
        JournalKind.ADMINS: {"user": (), "workspace": (), "connection": ()},
    }
)
"""Kind → kinds of subjects → verbs; no verbs means all of them."""
