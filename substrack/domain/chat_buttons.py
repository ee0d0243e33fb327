"""What a button below a chat message says when it is pressed: an act and what it is about, in 64 bytes.

The data names things by their public ids and proves nothing: anybody can send any data, so who may act is
looked up at every press (see `bot.pressing`). `seen` is a short digest of what the button showed, so that a
decision about something that changed since is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

MAX_BYTES: Final = 64
"""Bot API, InlineKeyboardButton: callback_data has 1–64 bytes."""

MAX_DIGITS: Final = 9
"""Of a page, a version, the number of a message: what a database takes for an integer."""

MAX_KEY_DIGITS: Final = 18

_SEPARATOR: Final = ":"
_ARGUMENT: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Do(StrEnum):
    """What a press does. The codes are in messages on people's phones for years: never reuse one."""

    PAID = "p"  # payment
    PAID_ALL = "pa"  # subject
    LATER = "l"  # subject: shows the choices
    LATER_UNTIL = "lu"  # subject, choice
    HOW_TO_PAY = "h"  # subject
    OBJECT = "o"  # subject: asks for words
    WITHDRAW = "w"  # subject
    BACK = "b"  # shows the message as it is now
    CONFIRM = "c"  # claim, seen
    CONFIRM_ONE = "co"  # payment, seen
    REJECT = "r"  # claim, seen: shows the reasons
    REJECT_FOR = "rf"  # claim, seen, reason
    REJECT_OTHER = "ro"  # claim, seen, page of a list: asks for words
    TOO_LITTLE = "rl"  # claim, seen, page of a list: asks for the sum that came
    UNDO = "u"  # decision
    PROOF = "f"  # claim
    PENDING = "q"  # admin (a person), page
    CONFIRM_PAGE = "qa"  # admin, page: names people and sums
    CONFIRM_PAGE_NOW = "qb"  # admin, page, seen
    UNDO_PAGE = "qu"  # one of the decisions, page: takes back all that were made with it
    NEVER_MIND = "x"  # act, what it was about, number of the list: the words asked for are not coming
    LANGUAGE = "g"  # language
    UNLINK = "z"  # yes or no
    NOT_ME = "nm"  # address: the former chat objects
    NEW_CODE = "k"  # person
    ANSWER = "an"  # note: asks for words
    NO_ANSWER = "na"  # note
    PROVES = "i"  # payment: the picture this question answers is its proof


class Later(StrEnum):
    """When to be asked again."""

    DAYS = "days"
    WEEK = "week"
    FIRST = "first"


class WhyNot(StrEnum):
    """Reasons to reject a claim that need no typing."""

    NOT_RECEIVED = "none"
    TOO_LITTLE = "little"  # on old messages; it asks for the sum now, as `Do.TOO_LITTLE` does


@dataclass(frozen=True)
class ButtonData:
    """An act and its arguments."""

    do: Do
    about: tuple[str, ...] = ()

    def encode(self) -> str:
        """Write it as callback data.

        Raises:
            ValueError: an argument has other characters than `A-Za-z0-9_-`, or it is too long.
        """
        if not all(_ARGUMENT.fullmatch(each) for each in self.about):
            raise ValueError(f"not to be put on a button: {self.about}")
        text = _SEPARATOR.join((self.do.value, *self.about))
        if len(text) > MAX_BYTES:
            raise ValueError(f"{len(text)} bytes on a button: {text}")
        return text

    @classmethod
    def decode(cls, text: str) -> Self | None:
        """Read callback data; None for what no button of ours says."""
        code, *about = text.split(_SEPARATOR)
        if len(text) > MAX_BYTES or code not in _CODES:
            return None
        if not all(_ARGUMENT.fullmatch(each) for each in about):
            return None
        return cls(Do(code), tuple(about))

    def argument(self, place: int) -> str:
        """Return one argument, "" where there is none."""
        return self.about[place] if place < len(self.about) else ""

    def number(self, place: int, *, digits: int = MAX_DIGITS) -> int | None:
        """Return an argument that is a whole number; None for what no button of ours says."""
        text = self.argument(place)
        return int(text) if len(text) <= digits and text.isdecimal() else None


_CODES: Final = frozenset(do.value for do in Do)


def data(do: Do, *about: str | int) -> str:
    """Write callback data in one go; raises ValueError as `ButtonData.encode`."""
    return ButtonData(do, tuple(map(str, about))).encode()


def seen(versions: Iterable[tuple[str, int]]) -> str:
    """Digest the versions (payment, version) that a button showed; their order does not matter."""
    text = " ".join(f"{name}:{version}" for name, version in sorted(versions))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


class SubjectKind(StrEnum):
    """What a member's button is about."""

    MESSAGE = "m"
    CONTACT = "c"


@dataclass(frozen=True)
class Subject:
    """The payments of one message, or everything one person owes; `id` is a public id."""

    kind: SubjectKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind.value}{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what `str` wrote."""
        kind, key = text[:1], text[1:]
        return cls(SubjectKind(kind), key) if kind in set(SubjectKind) and key else None
