"""Messages that wait after a restore and may have gone out before it: the backup can't know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from substrack.domain.delivery import WAITING, MessageState
from substrack.domain.notices import TOLD_BY_TIME, Notice
from substrack.queries.installation import InstallationRow, load_installation
from substrack.store import Message


@dataclass(frozen=True)
class Held:
    """What waits for an answer after a restore from a backup made at `made_at`: how many of each kind."""

    made_at: datetime
    kinds: Mapping[Notice, int]

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.kinds.values())


def load_held(session: Session) -> Held | None:
    """Count what may have gone out before the restore; None while sending does not wait for one."""
    row = load_installation(session)
    if row.restored_from is None:
        return None
    counted = select(Message.notice, func.count()).where(may_have_gone_out(row)).group_by(Message.notice)
    found = sorted(session.execute(counted), key=lambda kind: (-kind[1], kind[0]))
    return Held(row.restored_from, {kind[0]: kind[1] for kind in found})


def may_have_gone_out(row: InstallationRow) -> ColumnElement[bool]:
    """Say which waiting messages may have been sent between the backup and the restore.

    Those of the backup that were due by the restore; and what time has told since, catching up: it may have
    told it before.
    """
    return or_(
        and_(
            Message.id <= row.restored_upto,
            Message.state.in_(WAITING),
            Message.due_at <= row.restored_at,
        ),
        and_(
            Message.id > row.restored_upto,
            Message.state == MessageState.QUEUED,
            Message.notice.in_(TOLD_BY_TIME),
        ),
    )
