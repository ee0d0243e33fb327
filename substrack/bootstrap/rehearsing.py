"""Doing something to see what it would do, and taking it back."""

from __future__ import annotations


class Rehearsed(Exception):
    """Leaves the transactions of a rehearsal, to be rolled back; whoever opened them catches it."""
