"""What a repair says of itself, and why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from substrack.domain.errors import Conflict, Refused
from substrack.services.ledger import Decision
from substrack.store import Event


class NotSafe(Refused):
    """Nothing in the books says how it should be; only a person can know."""

    def __init__(self) -> None:
        super().__init__("What is right can't be told from the books alone.")


class RightAlready(Conflict):
    """What was found is not so any more."""

    def __init__(self) -> None:
        super().__init__("It is right by now; nothing was changed.")


class ChangedMeanwhile(Conflict):
    """The repair would not be the one that was shown."""

    def __init__(self) -> None:
        super().__init__("It has changed since it was shown; nothing was done. Look again.")


@dataclass(frozen=True)
class Repaired:
    """What was changed: how it was, and how it is now; amounts in minor units."""

    before: dict[str, Any]
    after: dict[str, Any]


def note_repair(
    session: Session, write: Callable[..., Event], subject: Any, repaired: Repaired, decision: Decision
) -> Repaired:
    """Write the line of a repair by `write`, which is the journal's for this kind of subject."""
    write(
        session,
        "repair",
        subject,
        by=decision.by,
        now=decision.now,
        reason=decision.reason,
        before=repaired.before,
        after=repaired.after,
        correlation_id=decision.correlation_id,
    )
    session.flush()
    return repaired
