"""Batches of keys: a statement takes so many parameters and no more (PostgreSQL 65,535, SQLite 32,766)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

Key = TypeVar("Key", int, str)

AT_ONCE: Final = 10_000


def in_batches(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """Give each key once, in order, in lists that fit into one statement; an empty one gives nothing."""
    ordered = sorted(set(keys))
    for start in range(0, len(ordered), AT_ONCE):
        yield ordered[start : start + AT_ONCE]
