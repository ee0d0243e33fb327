"""Faults to plant into the pages' process: each breaks what the whole promises, and must be noticed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy.orm import Session

from substrack.bootstrap import Runtime
from substrack.services import journal, settling
from substrack.store import Event

ONE_IN: Final = 4
"""How often a fault shows."""


def forget_commits() -> None:
    """Say yes to some acts whose transaction is not committed."""
    begin = Runtime.transaction

    @contextmanager
    def transaction(runtime: Runtime) -> Iterator[Session]:
        with begin(runtime) as session:
            yield session
            if not random.randrange(ONE_IN):
                session.flush()
                session.connection().exec_driver_sql("ROLLBACK")
                session.connection().exec_driver_sql("BEGIN")

    setattr(Runtime, "transaction", transaction)  # noqa: B010


def garble_the_journal() -> None:
    """Write the Event of some acts twice, and that of others not at all."""
    write = journal.record

    def record(*given: Any, **named: Any) -> Event:
        event, luck = write(*given, **named), random.randrange(ONE_IN)
        if luck == 0:
            write(*given, **named)
        elif luck == 1:
            given[0].expunge(event)
        return event

    for place in (journal, settling):
        setattr(place, "record", record)  # noqa: B010
