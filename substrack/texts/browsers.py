"""Browsers as people call them, from what they send about themselves. A hint for their owner, no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from substrack.texts.words import Words

_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)
"""Marks of user agents in the order in which they tell apart: Edge calls itself Chrome, and both Safari."""


def browser_name(agent: str | None, locale: str) -> str:
    """Name a browser and its device: "Firefox, Linux"; what is neither stays as it was sent."""
    if not agent:
        return Words(locale)("an unknown browser")
    known = [name for name in (_first(agent, _BROWSERS), _first(agent, _SYSTEMS)) if name]
    return ", ".join(known) or agent[:60]


def _first(agent: str, names: Sequence[tuple[str, str]]) -> str | None:
    return next((name for mark, name in names if mark in agent), None)
