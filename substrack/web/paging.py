"""Where in a long list a page is: the number and the words searched for, as its URL says."""

from __future__ import annotations

from typing import Final

from flask import request

MAX_NUMBER: Final = 100_000
MAX_SEARCH: Final = 100


def numbered(name: str = "page") -> int:
    """Read which page of a list is wanted; anything odd is the first."""
    number = request.args.get(name, 1, type=int)
    return number if 1 <= number <= MAX_NUMBER else 1


def searched(name: str = "q") -> str:
    """Read what is searched for, in one short line; empty for everything."""
    return " ".join(request.args.get(name, "").replace("\0", " ").split())[:MAX_SEARCH]
