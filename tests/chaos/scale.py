"""How much an experiment does: little in every test run, more in `make chaos`, all in `make chaos-long`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

Size = TypeVar("Size")
Test = TypeVar("Test", bound=Callable[..., Any])

VARIABLE = "SUBSTRACK_CHAOS"
SCALES = ("short", "full", "long")


def scale() -> str:
    """Name the scale of this run: short, full or long.

    Raises:
        ValueError: the environment names another one.
    """
    named = os.environ.get(VARIABLE, SCALES[0])
    if named not in SCALES:
        raise ValueError(f"{VARIABLE}={named}: say one of {', '.join(SCALES)}")
    return named


def sized(*, short: Size, full: Size, long: Size | None = None) -> Size:
    """Choose a number by the scale of this run; without `long`, the full one is all there is."""
    sizes = {"short": short, "full": full, "long": full if long is None else long}
    return sizes[scale()]


def mostly_on(kind: str) -> Callable[[Test], Test]:
    """Mark a test that short runs do on one kind of database only, and all others on both."""
    mark: Callable[[Test], Test] = getattr(pytest.mark, f"only_{kind}")
    return mark if scale() == "short" else lambda test: test
