"""What the terms on a group's form would do: its forecast, worked out without writing anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from substrack.domain.collecting import FirstRequest, asked_from
from substrack.domain.cycles import Cycle, local_date
from substrack.domain.errors import Refused
from substrack.domain.preview import Preview, preview
from substrack.domain.requests import RequestRules, first_requests
from substrack.domain.shares import Sharer, SplitKind
from substrack.domain.terms import GroupTerms
from substrack.queries.collection_days import find_collection_day, load_askable
from substrack.queries.group_form import GroupOnForm
from substrack.texts.catalogue import language_of
from substrack.texts.forecasts import Facts, Forecast, forecast
from substrack.texts.kinds import usual_seats
from substrack.web.group_forms import GroupForm
from substrack.web.group_guests import read_people
from substrack.web.reading import reading, runtime
from substrack.web.sessions import me

PAYER: Final = 0
"""The key of the payer in a preview; members have theirs, people who are only typed count from 1."""

SHOWN_DUE_DAYS: Final = 3


@dataclass(frozen=True)
class _Person:
    """One who would share: `contact_id` is None for whom nobody knows yet, `has_email` for them alone."""

    name: str
    sharer: Sharer
    contact_id: int | None
    has_email: bool = False


def foresee(form: GroupForm, group: GroupOnForm | None) -> Forecast | None:
    """Work out what the typed terms do; what makes no sense is refused in the form instead."""
    if not form.validate():
        return None
    try:
        terms = form.terms()
        return _foresee(form, terms, group)
    except Refused as refused:
        form.refuse(refused)
        return None


def _foresee(form: GroupForm, terms: GroupTerms, group: GroupOnForm | None) -> Forecast:
    sharers = _sharers(form, terms, group)
    payer_id = terms.payer_id or me().contact_id
    everybody = [one.sharer for one in sharers]
    if terms.payer_included:
        everybody.insert(0, Sharer(PAYER, is_payer=True))
    today = local_date(runtime().now(), _zone(terms))
    cycle, sequence = _calendar(terms, group, today)
    coming = preview(terms, everybody, sequence=sequence, cycle=cycle)
    facts = Facts(
        preview=coming,
        names={one.sharer.key: one.name for one in sharers},
        unit=terms.unit,
        every=terms.every,
        payer=form.chosen_payer.name if form.chosen_payer and payer_id != me().contact_id else None,
        opening_now=cycle.count_begun(sequence, today + timedelta(days=terms.collect_days_before)),
        first_requests=_first_requests(coming, terms, sharers),
        due_days=_due_days(terms, cycle, sequence),
        seats=None if terms.split is SplitKind.VARIABLE else usual_seats(terms.kind),
    )
    return forecast(facts, language_of(me().language))


def _first_requests(
    coming: Preview, terms: GroupTerms, sharers: Sequence[_Person]
) -> dict[int, FirstRequest]:
    """Foretell when each of those who can be asked gets a first request."""
    now = runtime().now()
    asked_on = asked_from(
        due_on=coming.due_on,
        opens_on=coming.opens_on,
        in_advance=terms.collect_days_before > 0,
        today=local_date(now, _zone(terms)),
    )
    known = load_askable(reading(), [one.contact_id for one in sharers if one.contact_id is not None])
    usual = find_collection_day(reading(), me().workspace_id)
    days = {one.sharer.key: known[one.contact_id] for one in sharers if one.contact_id in known}
    new = {one.sharer.key: usual for one in sharers if one.contact_id is None and one.has_email}
    return first_requests(asked_on, days | new, _rules(terms), now)


def _rules(terms: GroupTerms) -> RequestRules:
    return RequestRules(
        grace_days=terms.grace_days,
        repeat_every_days=terms.repeat_every_days,
        maximum=terms.max_requests,
        overdue_after_days=terms.overdue_after_days,
        hour=terms.hour,
        time_zone=_zone(terms),
    )


def _zone(terms: GroupTerms) -> str:
    return terms.time_zone or me().time_zone


def _due_days(terms: GroupTerms, cycle: Cycle, sequence: int) -> tuple[date, ...]:
    starts = [cycle.start_of(sequence + k) for k in range(SHOWN_DUE_DAYS)]
    return tuple(
        starts_on + timedelta(days=terms.due_days)
        for starts_on in starts
        if terms.ends_on is None or starts_on <= terms.ends_on
    )


def _calendar(terms: GroupTerms, group: GroupOnForm | None, today: date) -> tuple[Cycle, int]:
    """Find the calendar as it would be, and the next period; what rests as if it went on today."""
    if group is None:
        return terms.cycle, 1
    changed = group.calendar.under(terms, today)
    going_on = changed.going_on(today) if group.rests else changed
    return going_on.cycle, going_on.next_sequence


def _sharers(form: GroupForm, terms: GroupTerms, group: GroupOnForm | None) -> list[_Person]:
    if group is None:
        guests = read_people(form, terms)
        return [
            _Person(guest.shown, guest.sharer(key), guest.contact_id, guest.guest.email is not None)
            for key, guest in enumerate(guests, start=1)
        ]
    payers = {terms.payer_id} | (set() if terms.payer_included else {group.terms.payer_id})
    return [
        _Person(one.name, one.sharer, one.contact_id) for one in group.sharers if one.contact_id not in payers
    ]
