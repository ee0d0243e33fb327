"""Who has left a group: somebody with several stays in it is gone once the last of them is over.

What they owe of an earlier stay is asked for as long as they are there, or are to come back.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import aliased

from substrack.store import Member


def gone_on() -> ColumnElement[date | None]:
    """Select the first day on which the person of a `Member` is in its group no more; null if they stay.

    A stay that ends on the day it begins is none: that is how a return is called off.
    """
    stay = aliased(Member)
    is_over = func.count() == func.count(stay.left_on)
    last_day = select(case((is_over, func.coalesce(func.max(stay.left_on), Member.left_on)))).where(
        stay.contact_id == Member.contact_id,
        stay.group_id + 0 == Member.group_id,
        or_(stay.left_on.is_(None), stay.left_on > stay.joined_on),
    )  # "+ 0" keeps SQLite from reading all stays of a large group
    return case((Member.left_on.is_not(None), last_day.correlate(Member).scalar_subquery()))


def has_left(gone_on: date | None, today: date) -> bool:
    """Tell whether somebody is in a group no more, by the day that `gone_on` selects."""
    return gone_on is not None and gone_on <= today
