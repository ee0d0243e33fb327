"""Which of many backups are kept: the newest of each of seven days, four weeks and three months.

Counted in the days, weeks and months that have one, not back from today: a machine that was off for a year,
or whose clock is wrong, loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

DAYS: Final = 7
WEEKS: Final = 4
MONTHS: Final = 3

Span = Callable[[datetime], object]

SPANS: Final[tuple[tuple[int, Span], ...]] = (
    (DAYS, lambda made_at: made_at.date()),
    (WEEKS, lambda made_at: made_at.isocalendar()[:2]),
    (MONTHS, lambda made_at: (made_at.year, made_at.month)),
)


def worth_keeping(made_at: Iterable[datetime]) -> set[datetime]:
    """Choose, among the instants (UTC) of backups, those to keep."""
    newest_first = sorted(set(made_at), reverse=True)
    return set().union(*(_newest_of_each(newest_first, count, span) for count, span in SPANS))


def _newest_of_each(newest_first: list[datetime], count: int, span: Span) -> set[datetime]:
    newest: dict[object, datetime] = {}
    for instant in newest_first:
        newest.setdefault(span(instant), instant)
    return set(list(newest.values())[:count])
