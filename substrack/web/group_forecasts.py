"""What the terms on a group's form would do: its forecast, worked out without writing anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from substrack.domain.cycles import Cycle, local_date
from substrack.domain.errors import Refused
from substrack.domain.preview import preview
from substrack.domain.shares import Sharer
from substrack.domain.terms import GroupTerms
from substrack.queries.group_form import GroupOnForm, PersonChoice
from substrack.texts.catalogue import language_of
from substrack.texts.forecasts import Facts, Forecast, asked_in_future, forecast
from substrack.texts.kinds import usual_seats
from substrack.web.group_forms import GroupForm
from substrack.web.group_guests import read_people
from substrack.web.reading import runtime
from substrack.web.sessions import me

PAYER: Final = 0
"""The key of the payer in a preview; members have theirs, people who are only typed count from 1."""

SHOWN_DUE_DAYS: Final = 3


def foresee(form: GroupForm, people: Sequence[PersonChoice], group: GroupOnForm | None) -> Forecast | None:
    """Work out what the typed terms do; what makes no sense is refused in the form instead."""
    if not form.validate():
        return None
    try:
        terms = form.terms(people)
        return _foresee(form, terms, people, group)
    except Refused as refused:
        form.refuse(refused)
        return None


def _foresee(
    form: GroupForm, terms: GroupTerms, people: Sequence[PersonChoice], group: GroupOnForm | None
) -> Forecast:
    sharers = {sharer.key: (name, sharer) for name, sharer in _sharers(form, terms, group)}
    payer_id = terms.payer_id or me().contact_id
    everybody = [sharer for _, sharer in sharers.values()]
    if terms.payer_included:
        everybody.insert(0, Sharer(PAYER, is_payer=True))
    cycle, sequence = _cycle(terms, group)
    today = local_date(runtime().now(), terms.time_zone or me().time_zone)
    coming = preview(terms, everybody, sequence=sequence, cycle=cycle)
    begun = cycle.sequence_on_or_after(today + timedelta(days=terms.collect_days_before + 1)) - sequence
    facts = Facts(
        preview=asked_in_future(coming, today=today, grace_days=terms.grace_days),
        names={key: name for key, (name, _) in sharers.items()},
        unit=terms.unit,
        every=terms.every,
        payer=None if payer_id == me().contact_id else next(one.name for one in people if one.id == payer_id),
        opening_now=max(begun, 0),
        due_days=_due_days(terms, cycle, sequence),
        seats=usual_seats(terms.kind),
    )
    return forecast(facts, language_of(me().language))


def _due_days(terms: GroupTerms, cycle: Cycle, sequence: int) -> tuple[date, ...]:
    starts = [cycle.start_of(sequence + k) for k in range(SHOWN_DUE_DAYS)]
    return tuple(
        starts_on + timedelta(days=terms.due_days)
        for starts_on in starts
        if terms.ends_on is None or starts_on <= terms.ends_on
    )


def _cycle(terms: GroupTerms, group: GroupOnForm | None) -> tuple[Cycle, int]:
    """Find the calendar as it would be: a changed rhythm begins at the next unopened period."""
    if group is None or not group.has_opened:
        return terms.cycle, 1
    was = group.terms
    if (terms.unit, terms.every, terms.cycle.billing_day) == (was.unit, was.every, was.cycle.billing_day):
        return group.cycle, group.next_sequence
    begins = Cycle.begin(terms.unit, terms.every, terms.billing_day, group.next_start, group.next_sequence)
    return begins, group.next_sequence


def _sharers(form: GroupForm, terms: GroupTerms, group: GroupOnForm | None) -> list[tuple[str, Sharer]]:
    if group is None:
        guests = read_people(form, terms)
        return [(guest.shown, guest.sharer(key)) for key, guest in enumerate(guests, start=1)]
    payers = {terms.payer_id} | (set() if terms.payer_included else {group.terms.payer_id})
    return [(one.name, one.sharer) for one in group.sharers if one.contact_id not in payers]
