"""What came of an era, held against a calendar that knows nothing of the program."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.notices import REQUESTS
from substrack.store import Event, Group, Message, MessageItem, Payment, Period, Workspace
from tests.chaos.era import PLANS
from tests.journeys.oracle import periods

HOUR = 10


@dataclass(frozen=True)
class Verdict:
    """How many periods and requests there are, how many of them are wrong, and by how much one was late."""

    periods: int
    doubled: int
    missing: int
    early: int
    requests: int
    asked_twice: int
    half_written: int
    latest: timedelta

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing is wrong."""
        return not (self.doubled or self.missing or self.early or self.asked_twice or self.half_written)

    def __str__(self) -> str:
        return (
            f"{self.doubled} doubled, {self.missing} missing, {self.early} early of {self.periods} periods; "
            f"{self.asked_twice} of {self.requests} requests too soon after another, "
            f"{self.half_written} name nothing"
        )


def judge(session: Session, *, now: datetime) -> Verdict:
    """Look at everything that was opened and asked by `now`, the latest instant that any clock showed."""
    found = Counter(_found(session))
    wanted = Counter(_wanted(session, now))
    repeats, delays = _repeats(session), list(_delays(session))
    asked = _asked(session, repeats)
    return Verdict(
        periods=found.total(),
        doubled=(found - wanted).total(),
        missing=(wanted - found).total(),
        early=sum(delay < timedelta(0) for delay in delays),
        requests=sum(map(len, asked.values())),
        asked_twice=sum(_too_soon(asked.values())),
        half_written=sum(repeat == NAMES_NOTHING for days in asked.values() for _day, repeat in days),
        latest=max(delays),
    )


def count_acts_at_other_times(session: Session, instants: Collection[datetime]) -> int:
    """Count periods opened and requests written at any instant but these."""
    opened = session.scalars(select(Period.opened_at)).all()
    asked = session.scalars(select(Message.created_at).where(Message.notice.in_(REQUESTS))).all()
    return sum(at not in instants for at in (*opened, *asked))


Opened = tuple[str, int, date, date]


def _found(session: Session) -> Iterator[Opened]:
    query = select(Group.name, Period.sequence, Period.starts_on, Period.ends_on)
    for row in session.execute(query.join(Group, Group.id == Period.group_id)):
        yield row[0], row[1], row[2], row[3]


def _wanted(session: Session, now: datetime) -> Iterator[Opened]:
    zones = dict(session.execute(select(Group.name, Group.time_zone)).all())
    for plan in PLANS:
        local = now.astimezone(ZoneInfo(zones[plan.name])).replace(tzinfo=None)
        morning = (local - timedelta(hours=HOUR)).date()
        for number, period in enumerate(periods(plan, until=morning), start=1):
            yield plan.name, number, period.starts_on, period.ends_on


def _delays(session: Session) -> Iterator[timedelta]:
    """Walk the journal and tell of each period how long after its day and hour in its group it opened."""
    opens_on = dict(session.execute(select(Period.id, Period.opens_on)).all())
    zones: dict[int | None, Any] = {}
    kinds = Event.subject_kind.in_(("group", "period"))
    for event in session.scalars(select(Event).where(kinds).order_by(Event.id)):
        if event.subject_kind == "group":
            zones[event.group_id] = (event.after or {}).get("time_zone", zones.get(event.group_id))
        elif event.verb == "open":
            opens = datetime.combine(opens_on[event.subject_id], time(HOUR), ZoneInfo(zones[event.group_id]))
            yield event.at - opens


NAMES_NOTHING: Final = 0
"""How often a request allows another when it has no item: only half of it was written."""

Asked = dict[Any, list[tuple[date, int]]]


def _asked(session: Session, repeats: dict[int, int]) -> Asked:
    """List on which days people were asked by a channel, and how often each time allows."""
    query = (
        select(Message.id, Message.contact_id, Message.channel, Message.created_at, Workspace.time_zone)
        .join(Workspace, Workspace.id == Message.workspace_id)
        .where(Message.notice.in_(REQUESTS), Message.state != MessageState.CANCELLED)
    )
    asked: Asked = defaultdict(list)
    for key, contact_id, channel, created_at, zone in session.execute(query):
        day = created_at.astimezone(ZoneInfo(zone)).date()
        asked[contact_id, channel].append((day, repeats.get(key, NAMES_NOTHING)))
    return asked


def _repeats(session: Session) -> dict[int, int]:
    query = (
        select(MessageItem.message_id, Group.repeat_every_days)
        .join(Payment, Payment.id == MessageItem.payment_id)
        .join(Group, Group.id == Payment.group_id)
    )
    found: dict[int, int] = {}
    for message_id, repeat in session.execute(query):
        found[message_id] = min(repeat, found.get(message_id, repeat))
    return found


def _too_soon(asked: Iterable[list[tuple[date, int]]]) -> Iterator[bool]:
    for days in asked:
        for (earlier, _repeat), (later, repeat) in pairwise(sorted(days)):
            yield (later - earlier).days < repeat
