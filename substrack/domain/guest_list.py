"""Several people typed at once: "Ann <ann@example.org>, Bob", one a line or with commas between them.
The address may stand bare, as a spreadsheet has it: "Ann ann@example.org". A name with a comma or another
mark in it stands in quotes: "Bob, Jr".

Reads names, addresses and parts as they stand; whether an address is one and a part makes sense, others say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from substrack.domain.errors import Refused
from substrack.domain.wording import clean_text

MAX_PEOPLE: Final = 100

_QUOTED: Final = r'"(?:[^"\n]|"")*"'
"""A name with marks in it, as in mail headers and tables; a quote within is doubled."""

_ENTRY: Final = re.compile(rf"[ \t]*(?:{_QUOTED}(?=[ \t]*(?:[<=,;\n]|\Z)))?(?:,(?=\d)|[^\n;,])*")
"""A comma before a digit is the decimal separator of a part ("Bob = 3,50")."""

_GUEST: Final = re.compile(
    rf"(?:(?P<quoted>{_QUOTED})|(?P<name>[^<>=]*?))\s*(?:<(?P<email>[^<>]*)>)?\s*(?:=\s*(?P<part>[^<>=]*))?"
)

_BARE_ADDRESS: Final = re.compile(r"[^\s@]+@[^\s@]+")

_MARKS: Final = re.compile(r'[,;<>=@"\n]')
"""What means something in an entry, so that a name with one of them is quoted."""


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
    entries = (entry.strip() for entry in _entries(clean_text(text, field="people")))
    guests = tuple(_read(entry) for entry in entries if entry)
    if len(guests) > MAX_PEOPLE:
        raise TooManyGuests(len(guests))
    return guests


def read_guest(text: str) -> Guest | None:
    """Read one person who is typed with an address: "Ann <ann@example.org>", or the address alone.

    None for anything else, such as a name alone, several people, or somebody with a part.
    """
    try:
        guests = read_guests(text)
    except Refused:
        return None
    return guests[0] if len(guests) == 1 and guests[0].email and not guests[0].part else None


def _entries(text: str) -> Iterator[str]:
    place = 0
    while place < len(text):
        found = _ENTRY.match(text, place)
        assert found is not None, "an entry may be empty"
        yield found[0]
        place = found.end() + 1


def _written(guest: Guest) -> str:
    name = _quoted(guest.name) if _MARKS.search(guest.name) else guest.name
    email = f" <{guest.email}>" if guest.email else ""
    return f"{name}{email}" + (f" = {guest.part}" if guest.part else "")


def _read(entry: str) -> Guest:
    found = _GUEST.fullmatch(entry)
    if found is None:
        raise GuestUnreadable(entry)
    is_quoted = found["quoted"] is not None
    name = found["quoted"][1:-1].replace('""', '"') if is_quoted else found["name"]
    name, email = name.strip(), (found["email"] or "").strip() or None
    if email is None and "@" in name and not is_quoted:
        name, email = _apart(name)
    name = name or (email or "").partition("@")[0]
    if not name:
        raise GuestUnreadable(entry)
    return Guest(name, email, (found["part"] or "").strip() or None)


def _apart(typed: str) -> tuple[str, str]:
    """Tell a name from the bare address behind it; what does not end in one is an address as it stands."""
    *names, last = typed.split()
    is_address = bool(_BARE_ADDRESS.fullmatch(last)) and not any("@" in name for name in names)
    return (" ".join(names), last) if is_address else ("", typed)


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
