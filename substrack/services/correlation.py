"""Causes: what a request, a tick, an update or a command shares with all that it leads to.

An edge opens a cause. The first decision taken in it has its very id as correlation id, further ones have
siblings of it: ids of their own, since an undo goes by them, with the same first eight characters. Logs say
the id that holds where they are written, so one id leads from the request to the message that was sent.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count

from substrack.domain.references import SIBLINGS, sibling_id
from substrack.store import new_public_id


class Cause:
    """One request, tick, update or command, and the ids of the decisions it leads to; any thread may ask."""

    def __init__(self) -> None:
        self.id = new_public_id()
        self._numbers = count()

    def next_id(self) -> str:
        """Give the next decision its id: the cause's own, then siblings, then whatever comes."""
        number = next(self._numbers)
        return sibling_id(self.id, number) if number < SIBLINGS else new_public_id()


_CAUSE: ContextVar[Cause | None] = ContextVar("cause", default=None)
_TOLD: ContextVar[Mapping[str, str]] = ContextVar("told", default={})  # noqa: B039 - never changed in place


def new_correlation_id() -> str:
    """Make the id that all events and messages of one decision share."""
    cause = _CAUSE.get()
    return cause.next_id() if cause else new_public_id()


def id_after_told() -> str:
    """Make the id of a decision that an effect has led to: another one, with the first eight of its cause."""
    told = None if _CAUSE.get() else _TOLD.get().get("correlation_id")
    return sibling_id(told, 1 + secrets.randbelow(SIBLINGS - 1)) if told else new_correlation_id()


def told_ids() -> Mapping[str, str]:
    """Give the ids that a line of the log carries where it is written."""
    return _TOLD.get()


@contextmanager
def cause(*, request_id: str | None = None) -> Iterator[str]:
    """Open a cause for what is done inside, and give its id; a proxy may have its own id of the request."""
    opened = Cause()
    told = {"correlation_id": opened.id} | ({"request_id": request_id} if request_id else {})
    with _holding(opened, told):
        yield opened.id


@contextmanager
def effect(correlation_id: str | None) -> Iterator[None]:
    """Do what an earlier cause has led to: logs say its id. Decisions taken meanwhile are others."""
    with _holding(None, {"correlation_id": correlation_id} if correlation_id else {}):
        yield


@contextmanager
def _holding(opened: Cause | None, told: Mapping[str, str]) -> Iterator[None]:
    before, told_before = _CAUSE.set(opened), _TOLD.set(told)
    try:
        yield
    finally:
        _CAUSE.reset(before)
        _TOLD.reset(told_before)
