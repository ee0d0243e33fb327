"""Several people typed at once: "Ann <ann@example.org>, Bob", one a line or with commas between them.

Reads names, addresses and parts as they stand; whether an address is one and a part makes sense, others say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from substrack.domain.errors import Refused
from substrack.domain.wording import clean_text

MAX_PEOPLE: Final = 100

_BETWEEN: Final = re.compile(r"[\n;]|,(?!\d)")
"""A comma before a digit is the decimal separator of a part ("Bob = 3,50")."""

_GUEST: Final = re.compile(r"(?P<name>[^<>=]*?)\s*(?:<(?P<email>[^<>]*)>)?\s*(?:=\s*(?P<part>[^<>=]*))?")

_MARKS: Final = re.compile(r"[,;<>=\n]")
"""What stands between the parts of an entry, and so in no name of one."""


class GuestUnreadable(Refused):
    """One entry is neither a name nor a name with an address; `entry` is what was typed."""

    field = "people"

    def __init__(self, entry: str) -> None:
        self.entry = entry[:60]
        super().__init__(
            "“%(entry)s” can't be read. Write it such as “Ann <ann@example.org>” or “Ann”.", entry=self.entry
        )


class TooManyGuests(Refused):
    """More people than anybody shares a subscription with."""

    field = "people"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(
            "These are %(number)s people; add at most %(most)s at once.", number=number, most=MAX_PEOPLE
        )


@dataclass(frozen=True, slots=True)
class Guest:
    """One person as typed; `part` is what stood after “=”: a weight or an amount."""

    name: str
    email: str | None = None
    part: str | None = None


def write_guests(guests: Iterable[Guest]) -> str:
    """Write people down, one a line, so that `read_guests` reads the same."""
    return "\n".join(_written(guest) for guest in guests)


def read_guests(text: str) -> tuple[Guest, ...]:
    """Read who is typed, in that order. A bare address is called by what stands before its “@”.

    Raises: GuestUnreadable, TooManyGuests, TextRefused.
    """
    entries = _BETWEEN.split(clean_text(text, field="people"))
    guests = tuple(_read(entry.strip()) for entry in entries if entry.strip())
    if len(guests) > MAX_PEOPLE:
        raise TooManyGuests(len(guests))
    return guests


def _written(guest: Guest) -> str:
    name = " ".join(_MARKS.sub(" ", guest.name).split())
    email = f" <{guest.email}>" if guest.email else ""
    return f"{name}{email}" + (f" = {guest.part}" if guest.part else "")


def _read(entry: str) -> Guest:
    found = _GUEST.fullmatch(entry)
    if found is None:
        raise GuestUnreadable(entry)
    name, email = found["name"].strip(), (found["email"] or "").strip() or None
    if email is None and "@" in name:
        name, email = "", name
    name = name or (email or "").partition("@")[0]
    if not name:
        raise GuestUnreadable(entry)
    return Guest(name, email, (found["part"] or "").strip() or None)
