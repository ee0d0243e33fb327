"""What a check says: how things stand, what was found, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How things stand. Only what is `WRONG` makes a doctor's visit end in exit status 1."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    UNKNOWN = "not looked at"


@dataclass(frozen=True)
class Verdict:
    """One sentence of what was found; `advice` says what to do, empty when there is nothing to be done."""

    state: State
    found: str
    advice: str = ""


def as_sentence(text: str) -> str:
    """End what others say with a full stop, so that another sentence can follow."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def ok(found: str) -> Verdict:
    """Say that things are as they should be."""
    return Verdict(State.OK, found)


def warning(found: str, advice: str) -> Verdict:
    """Say what works and is not good."""
    return Verdict(State.WARNING, found, advice)


def wrong(found: str, advice: str) -> Verdict:
    """Say what does not work."""
    return Verdict(State.WRONG, found, advice)


def unknown(found: str, advice: str = "") -> Verdict:
    """Say why nothing can be said."""
    return Verdict(State.UNKNOWN, found, advice)
