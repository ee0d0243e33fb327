"""When a payment is asked for, when it lapses, and when nobody is asked.

A payment has slots: the first request, then reminders, and after as many as the group allows one more in
which the admins are told instead. A round of slots begins whenever the payment becomes pending.
`next_action_at` is the earliest instant at which time does something to the payment; it is stored and
indexed, so a sweep reads only what is due. All days are local dates of the group's zone.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from substrack.domain.collecting import FirstRequest, first_day_of_collection, first_request_on
from substrack.domain.cycles import at_hour, local_date, local_hour
from substrack.domain.payments import ASKABLE, Status

Key = TypeVar("Key", bound=Hashable)

LAST_HOUR = 20
OVERDUE_REPEAT_DAYS = 7
NUDGE_DAYS = 3
SNOOZE_MAX_DAYS = 31
OBJECTION_REST_DAYS = 14
ANSWER_REST_DAYS = 3


@dataclass(frozen=True)
class RequestRules:
    """How a group asks: days, the hour it acts at, and its zone."""

    grace_days: int
    repeat_every_days: int
    maximum: int
    overdue_after_days: int
    hour: int
    time_zone: str


@dataclass(frozen=True)
class AskedPayment:
    """What the request rules need to know of one payment.

    `pending_on` is the day it last became pending; `requested_on` the day it was last asked for;
    `nudged_on` the day admins last heard of its claim. `collection_day` is the one day of the month on which
    its contact is first asked for everything; then the days of grace count for nothing. `asked_by_admins` of
    the `requests_sent` came before their time, because an admin wanted them to, and `requests_before` before
    this round. `is_told`: the admins know that the requests of this round are used up.
    """

    status: Status
    asked_on: date
    pending_on: date
    requests_sent: int
    requested_on: date | None
    snoozed_until: date | None
    is_reachable: bool
    is_asked: bool = True
    nudged_on: date | None = None
    collection_day: int | None = None
    asked_by_admins: int = 0
    requests_before: int = 0
    is_told: bool = False

    @property
    def requests(self) -> int:
        """How many requests went out in this round."""
        return self.requests_sent - self.requests_before

    @property
    def collected_on(self) -> date:
        """The day from which requests and lapse count: `asked_on`, or the first collection day from it on.

        A collection day that was set when time had begun to ask is too late to be a first one.
        """
        if self.collection_day is None:
            return self.asked_on
        first = first_day_of_collection(self.asked_on, self.collection_day)
        return self.asked_on if self._was_asked_before(first) else first

    def _was_asked_before(self, day: date) -> bool:
        by_time = self.requests_sent > self.asked_by_admins
        return by_time and self.requested_on is not None and self.asked_on <= self.requested_on < day


def next_request_on(payment: AskedPayment, rules: RequestRules) -> date | None:
    """Say on which day this payment is due to be asked for next; None when it is not to be asked for."""
    if payment.status not in ASKABLE or not payment.is_reachable or not payment.is_asked:
        return None
    if is_used_up(payment, rules) and payment.is_told:
        return None
    return max(_slot(payment, rules), payment.snoozed_until or date.min)


def _slot(payment: AskedPayment, rules: RequestRules) -> date:
    """Count from the last request, or from `collected_on`; whoever just heard "rejected" gets a rest first.

    A due date that was put off after a request has `collected_on` behind that request: the count starts
    afresh. So it does for whoever was asked by hand before their collection day.
    """
    counted_from = payment.requested_on or payment.collected_on
    first = first_request_on(
        payment.asked_on, grace_days=rules.grace_days, collection_day=payment.collection_day
    )
    slot = first if payment.requested_on is None else counted_from + _gap(payment, rules)
    if payment.collected_on > counted_from:
        slot = max(slot, first)
    if payment.pending_on > counted_from:
        return max(slot, payment.pending_on + timedelta(days=rules.repeat_every_days))
    return slot


def _gap(payment: AskedPayment, rules: RequestRules) -> timedelta:
    if payment.status is Status.OVERDUE:
        return timedelta(days=max(rules.repeat_every_days, OVERDUE_REPEAT_DAYS))
    return timedelta(days=rules.repeat_every_days)


def is_used_up(payment: AskedPayment, rules: RequestRules) -> bool:
    """Tell whether as many requests went out in this round as the group allows."""
    return payment.requests >= rules.maximum


def is_last_word(payment: AskedPayment, rules: RequestRules) -> bool:
    """Tell whether the next slot tells the admin instead of asking once more."""
    return is_used_up(payment, rules) and not payment.is_told


def lapses_on(payment: AskedPayment, rules: RequestRules) -> date | None:
    """Say from which day a pending payment is overdue, given that a request went out before.

    None where none did and none will: whoever has left, and could be asked, is not late with what they never
    heard of.
    """
    if payment.status is not Status.PENDING or _stays_unheard_of(payment):
        return None
    return payment.collected_on + timedelta(days=rules.overdue_after_days)


def _stays_unheard_of(payment: AskedPayment) -> bool:
    """Tell whether its contact was not asked, will not be, and has put nothing off."""
    is_heard_of = payment.requests or payment.snoozed_until
    return payment.is_reachable and not payment.is_asked and not is_heard_of


def nudges_on(payment: AskedPayment) -> date | None:
    """Say on which day admins are reminded of an unverified claim."""
    if payment.status is not Status.MEMBER_CONFIRMED or payment.nudged_on is None:
        return None
    return payment.nudged_on + timedelta(days=NUDGE_DAYS)


def next_action_at(
    payment: AskedPayment, rules: RequestRules, *, after: date | None = None
) -> datetime | None:
    """Find the earliest instant (UTC) at which time acts on this payment; None when it never does.

    `after` puts everything due up to and including that day on the day after it: used when a sweep found
    that it is not yet time (outside the hours, or nobody told yet).
    """
    days = [next_request_on(payment, rules), lapses_on(payment, rules), nudges_on(payment)]
    due = [day for day in days if day is not None]
    if not due:
        return None
    day = min(due)
    if after is not None:
        day = max(day, after + timedelta(days=1))
    return at_hour(day, rules.hour, rules.time_zone)


def may_ask_at(now: datetime, rules: RequestRules) -> bool:
    """Tell whether requests may go out at this instant: from the group's hour until 20:00 local time.

    A group whose hour is 20 or later asks within that hour.
    """
    return rules.hour <= local_hour(now, rules.time_zone) < _end_of_hours(rules)


def _end_of_hours(rules: RequestRules) -> int:
    return max(LAST_HOUR, rules.hour + 1)


def next_hours_at(now: datetime, rules: RequestRules) -> datetime:
    """Say when, outside the hours of `may_ask_at`, they begin next."""
    today = today_of(now, rules)
    has_passed = local_hour(now, rules.time_zone) >= rules.hour
    return at_hour(today + timedelta(days=has_passed), rules.hour, rules.time_zone)


def leaves_on(slot: date, now: datetime, rules: RequestRules) -> date:
    """Say on which local day a request whose slot is this day leaves: none does after today's hours."""
    today = today_of(now, rules)
    is_over = local_hour(now, rules.time_zone) >= _end_of_hours(rules)
    return max(slot, today + timedelta(days=is_over))


def first_requests(
    asked_on: date, collection_days: Mapping[Key, int | None], rules: RequestRules, now: datetime
) -> dict[Key, FirstRequest]:
    """Foretell when each of some people, who have these collection days, gets a first request."""
    found = {}
    for key, day in collection_days.items():
        slot = first_request_on(asked_on, grace_days=rules.grace_days, collection_day=day)
        found[key] = FirstRequest(leaves_on(slot, now, rules), is_collected=day is not None)
    return found


def initiates(payment: AskedPayment, rules: RequestRules, today: date) -> bool:
    """Tell whether this payment's slot has come, so that its contact is asked today."""
    slot = next_request_on(payment, rules)
    return slot is not None and slot <= today


def joins(payment: AskedPayment, rules: RequestRules, today: date) -> bool:
    """Tell whether this payment is listed in a request that goes out today anyway.

    Its next slot lies within `repeat_every_days`, and it was not itself asked for within them, so that a
    group with a slow rhythm is not drawn into the rhythm of a fast one. What is put off until a later day
    stays out, and what is collected on one day of the month comes along from that day on.
    """
    slot = next_request_on(payment, rules)
    if slot is None or is_last_word(payment, rules) or (payment.snoozed_until or today) > today:
        return False
    if payment.collection_day is not None and payment.collected_on > today:
        return False
    repeat = timedelta(days=rules.repeat_every_days)
    rested = payment.requested_on is None or payment.requested_on + repeat <= today
    return slot <= today + repeat and rested


def today_of(now: datetime, rules: RequestRules) -> date:
    """Say which local date it is for the group."""
    return local_date(now, rules.time_zone)
