"""Mentions: where a text names somebody, as words of their own; "also" does not name Al.

An address, or a name of several words, is known in any capitals. A name of one word is known by its capitals
("will" does not name Will), and one that is itself a common word ("May 2026") names nobody by itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

_ENGLISH: Final = (
    "april art august autumn bill chance chase dawn faith frank grace grant hope jan joy june link mark max "
    "may norm penny rich rose sky star sterling summer sunny true van will winter"
)
_GERMAN: Final = "ernst juli juni mai rosa"
_RUSSIAN: Final = "август вера лев любовь май мир надежда слава"

ALSO_WORDS: Final = frozenset(f"{_ENGLISH} {_GERMAN} {_RUSSIAN}".split())
"""Names of one word, case-folded, that dates and sentences about money have in capitals as well."""


class Mentions:
    """Finds and replaces the name and the addresses of one person."""

    def __init__(self, name: str, addresses: Collection[str] = ()) -> None:
        is_one_word = len(name.split()) == 1
        in_any_case = addresses if is_one_word else [*addresses, name]
        as_written = _in_capitals(name) if is_one_word else ()
        # Python folds the case of every alphabet; lower() and LIKE of SQLite only that of ASCII.
        self._whole = re.compile(rf"(?<!\w)(?:(?i:{_one_of(in_any_case)})|{_one_of(as_written)})(?!\w)")

    def are_in(self, value: object) -> bool:
        """Tell whether a text, or any text in a value that JSON can hold, names the person."""
        if isinstance(value, str):
            return self._whole.search(value) is not None
        if isinstance(value, Mapping):
            return any(map(self.are_in, value.values()))
        return isinstance(value, Sequence) and any(map(self.are_in, value))

    def replaced(self, text: str, name: str) -> str:
        """Write another name wherever the person is named."""
        return self._whole.sub(lambda _found: name, text)


def _in_capitals(name: str) -> set[str]:
    """Return a name of one word as it may be written; in no way if it is a common word."""
    return set() if name.casefold() in ALSO_WORDS else {name, name[:1].upper() + name[1:], name.upper()}


def _one_of(words: Iterable[str]) -> str:
    longest_first = sorted(filter(None, words), key=len, reverse=True)
    return "|".join(map(re.escape, longest_first)) or "(?!)"
