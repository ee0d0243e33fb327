"""A tally of rows: how many there are, and a checksum of the lines they are written as."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

Rows = Sequence[list[Any]]


@dataclass
class Tally:
    """Counts rows as they pass by, spelt as in a backup; two are equal when the rows were, in their order."""

    rows: int = 0
    _digest: Any = field(default_factory=sha256, repr=False)

    @property
    def sha256(self) -> str:
        """The checksum of all lines so far."""
        return str(self._digest.hexdigest())

    def count(self, rows: Rows) -> bytes:
        """Count rows, and return the lines that a backup holds of them."""
        lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()
        self._digest.update(lines)
        self.rows += len(rows)
        return lines

    def passing(self, batches: Iterable[Rows]) -> Iterator[list[Any]]:
        """Count rows on their way to somebody else, who may change them."""
        for rows in batches:
            self.count(rows)
            yield from rows

    def same_as(self, other: Tally) -> bool:
        """Tell whether both have seen the same rows."""
        return (self.rows, self.sha256) == (other.rows, other.sha256)
