"""How much an experiment does: little in every test run, more in `make chaos`, all in `make chaos-long`."""

from __future__ import annotations

import os
from typing import TypeVar

Size = TypeVar("Size")

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
