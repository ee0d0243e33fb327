"""Lines of the journal as a page shows them: the sentence, when, by whom, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from substrack.domain.payments import ANOTHER_SUM, Act, ReopenCause
from substrack.queries.journal import JournalRow
from substrack.texts.catalogue import language_of
from substrack.texts.formats import clock, day
from substrack.texts.journal_words import Line, actor_name, event_sentence
from substrack.texts.labels import reason_in_words
from substrack.web.sessions import me

LONG_RUN: Final = 4


@dataclass(frozen=True)
class StoryLine:
    """One thing that happened; `clock` is its time of day for who is signed in.

    `leads` what happened to payments along with it: it is about their period.
    """

    sentence: str
    at: datetime
    clock: str
    actor: str
    reason: str | None
    group: str | None
    group_public_id: str | None
    payment_public_id: str | None
    correlation_id: str
    leads: bool = False


@dataclass(frozen=True)
class StoryAct:
    """One act: the line that began it, and what it brought about when that is a long list."""

    line: StoryLine
    brought: tuple[StoryLine, ...] = ()


@dataclass(frozen=True)
class StoryDay:
    """What happened on one day, the newest first."""

    day: str
    acts: tuple[StoryAct, ...]


def tell(rows: Iterable[JournalRow]) -> list[StoryLine]:
    """Put lines of the journal into the words of who is signed in, in the same order."""
    return [_line(row, language_of(me().language)) for row in rows]


def tell_by_day(rows: Iterable[JournalRow]) -> list[StoryDay]:
    """Put lines of the journal under the days on which they happened for who is signed in."""
    days = groupby(tell(rows), key=lambda line: line.at.date())
    return [StoryDay(day(when, language_of(me().language)), tuple(_acts(lines))) for when, lines in days]


def _acts(lines: Iterable[StoryLine]) -> Iterator[StoryAct]:
    """Put long runs of lines from one act under one line; short ones are read as they are.

    Under that of the period it was done to, else under the one that began it.
    """
    for _act, run in groupby(lines, key=lambda line: line.correlation_id):
        found = tuple(run)
        if len(found) < LONG_RUN:
            yield from map(StoryAct, found)
        else:
            lead = next((line for line in found if line.leads), found[-1])
            yield StoryAct(lead, tuple(line for line in found if line is not lead))


def _reason(row: JournalRow, locale: str) -> str | None:
    """Give a reason as it stands, or one that was picked from a list in words."""
    is_picked = row.reason in {*ReopenCause, ANOTHER_SUM} or row.verb == Act.REJECT
    return reason_in_words(row.reason, locale) if row.reason and is_picked else row.reason


def _line(row: JournalRow, locale: str) -> StoryLine:
    line = Line(
        row.verb, row.subject_kind, row.person, row.span, row.currency, row.before, row.after, row.is_own
    )
    at = row.at.astimezone(ZoneInfo(me().time_zone))
    return StoryLine(
        sentence=event_sentence(line, locale),
        at=at,
        clock=clock(at, locale),
        actor=actor_name(row.actor_kind, row.via, row.actor, locale),
        reason=_reason(row, locale),
        group=row.group,
        group_public_id=row.group_public_id,
        payment_public_id=row.payment_public_id,
        correlation_id=row.correlation_id,
        leads=row.subject_kind == "period" and row.verb != "rebalance",
    )
