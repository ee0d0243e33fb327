"""Editing a group: what its form says, for the periods to come.

What is open already is never touched here, but how it is asked for follows the new rules at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.calendars import Calendar
from substrack.domain.currencies import currency_code, exponent_of
from substrack.domain.errors import Conflict, Refused
from substrack.domain.shares import check_terms as check_people
from substrack.domain.terms import GroupTerms, check_terms
from substrack.queries.calendars import WENT_ON_FROM, load_calendar
from substrack.queries.groups import has_periods, load_terms
from substrack.queries.sharing import sharers_of, window_from
from substrack.services.announcing import announce_ahead
from substrack.services.contact_rows import hold_contact
from substrack.services.fixed_amounts import check_what_comes
from substrack.services.group_rows import (
    ASKING_RULES,
    PLAIN_COLUMNS,
    TEXTS,
    facts_of,
    has_opened,
    hold_group,
    joining_day,
    next_start,
    today_in,
    write_calendar,
)
from substrack.services.journal import record_group
from substrack.services.locks import lock_contacts
from substrack.services.pay_details import change_pay_methods
from substrack.services.prices import set_price
from substrack.services.schedule import owers_in, reschedule_group, reschedule_members_payments
from substrack.services.seats import release_payer, seat_payer, unseat_payer
from substrack.store import Contact, Group, Member, Price

NAMES_SHOWN: Final = 5
"""How many people with fixed amounts a refusal names."""


class GroupChanged(Conflict):
    """Somebody changed the group since its form was opened."""

    def __init__(self) -> None:
        super().__init__("Somebody changed this group in the meantime; look at it again before you save.")


class CurrencyFrozen(Refused):
    """The currency stands from the first period on."""

    field = "currency"

    def __init__(self, currency: str) -> None:
        super().__init__(
            "The currency stays %(currency)s once a period is open; start another group instead.",
            currency=currency,
        )


class AmountsInCurrency(Refused):
    """Members have fixed amounts, which would be the same numbers of another currency."""

    field = "currency"

    def __init__(self, currency: str, names: Sequence[str]) -> None:
        more = ", …" if len(names) > NAMES_SHOWN else ""
        super().__init__(
            "The currency stays %(currency)s while fixed amounts are set in it (%(names)s); take them out "
            "first, or start another group.",
            currency=currency,
            names=", ".join(names[:NAMES_SHOWN]) + more,
        )


class PriceInCurrency(Refused):
    """A price is set ahead, which would be the same number of another currency."""

    field = "currency"

    def __init__(self, currency: str, from_on: date) -> None:
        super().__init__(
            "The currency stays %(currency)s: a price from %(day)s on is set in it. Start another group "
            "instead.",
            currency=currency,
            day=from_on,
        )


class StartFrozen(Refused):
    """The start stands from the first period on."""

    field = "starts_on"

    def __init__(self, starts_on: date) -> None:
        super().__init__("The start stays %(day)s once a period is open.", day=starts_on)


def edit_group(
    session: Session,
    group_id: int,
    terms: GroupTerms,
    *,
    expected_version: int | None = None,
    announces_price: bool = True,
    by: Actor,
    now: datetime,
) -> Group:
    """Give a group the terms of its form, as from `queries.groups.load_terms`, for the periods to come.

    A changed rhythm is anchored at the next unopened period, before the first one at the start or where a
    rest left off; a changed price is one from there on. Changed rules of asking also count for what is open.
    Nothing is written when nothing differs, so that a second press is calm.

    Ways to pay that were left as they were stay the former payer's when the payer changes.

    Raises:
        GroupChanged: it differs, and has another version than the form was opened with.
        CurrencyFrozen, StartFrozen: a period is open already.
        AmountsInCurrency, PriceInCurrency: what is set in the former currency.
        Refused: the terms make no sense; `field` says which.
    """
    group = hold_group(session, group_id, by)
    former = load_terms(session, group_id)
    wanted = replace(
        terms,
        time_zone=terms.time_zone or group.time_zone,
        payer_id=terms.payer_id or group.payer_id,
    )
    is_current = expected_version in (None, group.version)
    if is_current:
        _check_frozen(session, group, wanted)
        if currency_code(wanted.currency) != group.currency:
            _check_nothing_is_set(session, group)
    checked = check_terms(wanted)
    if checked == former:
        return group
    if not is_current:
        raise GroupChanged
    _hold_people(session, group, checked)
    before, texts = facts_of(group), [getattr(group, name) for name in TEXTS]
    went_on_from = _apply(session, group, checked, former, announces_price=announces_price, by=by, now=now)
    group.version += 1
    after = facts_of(group)
    renamed = texts != [getattr(group, name) for name in TEXTS]
    difference = _difference(before, after, renamed)
    if went_on_from:
        difference["after"][WENT_ON_FROM] = went_on_from.isoformat()
    record_group(session, "edit", group, by=by, now=now, **difference)
    if any(before[name] != after[name] for name in ASKING_RULES):
        reschedule_members_payments(session, group.id, now=now)
    reschedule_group(session, group)
    if before != after:
        announce_ahead(session, group, now=now)
    return group


def _hold_people(session: Session, group: Group, terms: GroupTerms) -> None:
    """Hold all whom an edit reaches, at once and in their order; whoever is to be the payer must be there."""
    payer_id = terms.payer_id or group.payer_id
    reached = {payer_id, group.payer_id}
    if any(getattr(terms, name) != getattr(group, name) for name in ASKING_RULES):
        reached.update(owers_in(session, group.id))
    lock_contacts(session, reached)
    hold_contact(session, payer_id, of=group.workspace_id)


def _check_frozen(session: Session, group: Group, terms: GroupTerms) -> None:
    if not session.scalar(select(has_periods(group.id))):
        return
    if currency_code(terms.currency) != group.currency:
        raise CurrencyFrozen(group.currency)
    if terms.starts_on != group.starts_on:
        raise StartFrozen(group.starts_on)


def _check_nothing_is_set(session: Session, group: Group) -> None:
    """Refuse another currency while there are amounts in this one beside the price that the form gives."""
    with_amounts = (
        select(Contact.name)
        .join(Member, Member.contact_id == Contact.id)
        .where(
            Member.group_id == group.id,
            Member.fixed_minor.is_not(None),
            Contact.id != group.payer_id,
            or_(Member.left_on.is_(None), Member.left_on > next_start(group)),
        )
    )
    names = list(session.scalars(with_amounts.order_by(Member.id).limit(NAMES_SHOWN + 1)))
    if names:
        raise AmountsInCurrency(group.currency, names)
    ahead = select(Price.from_on).where(Price.group_id == group.id, Price.from_on > next_start(group))
    from_on = session.scalar(ahead.order_by(Price.from_on).limit(1))
    if from_on is not None:
        raise PriceInCurrency(group.currency, from_on)


def _apply(
    session: Session,
    group: Group,
    terms: GroupTerms,
    former: GroupTerms,
    *,
    announces_price: bool,
    by: Actor,
    now: datetime,
) -> date | None:
    """Give a group other terms; returns where it goes on if an end that is taken back skipped anything."""
    calendar = load_calendar(session, group)
    for name in (*TEXTS, *PLAIN_COLUMNS):
        setattr(group, name, getattr(terms, name))
    changed = calendar.under(terms, today_in(group, now))
    _change_currency(session, group, terms.currency)
    _change_calendar(session, group, changed)
    _change_payer(session, group, terms, by=by, now=now)
    session.flush()
    check_people(group.split, sharers_of(session, group, window_from(group, next_start(group))))
    price = load_terms(session, group.id).price
    change_pay_methods(session, group, terms.pay_methods, former=former, by=by, now=now)
    if terms.price is not None and terms.price != price:
        set_price(session, group.id, amount=terms.price, announces=announces_price, by=by, now=now)
    if changed.ends_later_than(calendar) or _who_shares_when(former) != _who_shares_when(terms):
        check_what_comes(session, group)
    return changed.went_on_from(calendar)


def _who_shares_when(terms: GroupTerms) -> tuple[object, ...]:
    """Name the terms, beside the end, by which fixed amounts begin to count that did not before."""
    people = (terms.payer_id, terms.payer_included, terms.part_period, terms.split)
    return (*people, terms.starts_on, terms.cycle)


def _change_currency(session: Session, group: Group, currency: str) -> None:
    """Change the currency; the amount that waits for its payer to be a member again counts in no other."""
    if currency == group.currency:
        return
    group.currency, group.exponent = currency, exponent_of(currency)
    theirs = Member.group_id == group.id, Member.contact_id == group.payer_id
    session.execute(update(Member).where(*theirs).values(fixed_minor=None))


def _change_calendar(session: Session, group: Group, calendar: Calendar) -> None:
    former = next_start(group)
    write_calendar(group, calendar)
    if not has_opened(group):
        _move_start(session, group, former, next_start(group))


def _move_start(session: Session, group: Group, former: date, start: date) -> None:
    """Take the first price, and those who were to be there from the start, along to an earlier start."""
    if start >= former:
        return
    first = session.scalar(select(Price).where(Price.group_id == group.id).order_by(Price.from_on).limit(1))
    if first is not None:
        first.from_on = min(first.from_on, start)
    session.execute(
        update(Member)
        .where(Member.group_id == group.id, Member.joined_on > start, Member.joined_on <= former)
        .values(joined_on=start)
    )


def _change_payer(session: Session, group: Group, terms: GroupTerms, *, by: Actor, now: datetime) -> None:
    """Change who receives the money of later periods, and whether they share."""
    payer_id = terms.payer_id or group.payer_id
    if (payer_id, terms.payer_included) == (group.payer_id, group.payer_included):
        return
    begins = next_start(group) if has_opened(group) else joining_day(group, now)
    if group.payer_included and not terms.payer_included:
        unseat_payer(session, group, begins, now=now)
    elif payer_id != group.payer_id:
        release_payer(session, group, begins, by=by, now=now)
    group.payer_id, group.payer_included = payer_id, terms.payer_included
    if group.payer_included:
        seat_payer(session, group, begins, by=by, now=now)


def _difference(before: dict[str, Any], after: dict[str, Any], renamed: bool) -> dict[str, Any]:
    changed = [name for name in after if before[name] != after[name]]
    return {
        "before": {name: before[name] for name in changed},
        "after": {name: after[name] for name in changed} | ({"renamed": True} if renamed else {}),
    }
