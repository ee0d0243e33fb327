"""Searching people by a piece of their name, as a search box sends it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, true

from substrack.store import Contact


def named_like(search: str) -> ColumnElement[bool]:
    """Select contacts whose name holds what was typed, in any case; all of them when nothing was.

    SQLite compares letters beyond ASCII as they stand, so the usual spellings are tried one by one.
    """
    typed = search.strip()
    if not typed:
        return true()
    spellings = sorted({typed, typed.lower(), typed.upper(), typed.title()})
    return or_(*(Contact.name.icontains(one, autoescape=True) for one in spellings))
