"""Mentions: where a text names somebody, as words of their own and in any case; "also" does not name Al."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence


class Mentions:
    """Finds and replaces the names and addresses of one person."""

    def __init__(self, words: Collection[str]) -> None:
        longest_first = sorted(filter(None, words), key=len, reverse=True)
        choices = "|".join(map(re.escape, longest_first)) or "(?!)"
        # Python folds the case of every alphabet; lower() and LIKE of SQLite only that of ASCII.
        self._whole = re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE)

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
