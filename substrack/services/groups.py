"""Groups: set up, changed, paused, resumed, ended and put away.

A change is for the periods to come; what is open already is never touched here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, ActorKind
from substrack.domain.currencies import exponent_of
from substrack.domain.errors import Refused
from substrack.domain.pay_methods import PayMethod
from substrack.domain.terms import EndsBeforeStarting, GroupTerms, check_day, check_terms
from substrack.queries.calendars import WENT_ON_FROM, load_calendar
from substrack.queries.groups import load_terms
from substrack.services.access import check_admin
from substrack.services.announcing import announce_ahead
from substrack.services.contact_rows import hold_contact
from substrack.services.fixed_amounts import check_what_comes
from substrack.services.group_rows import (
    PLAIN_COLUMNS,
    TEXTS,
    facts_of,
    hold_group,
    joining_day,
    skip_the_past,
    today_in,
    write_calendar,
)
from substrack.services.journal import record_group
from substrack.services.pay_details import change_pay_methods, write_pay_methods
from substrack.services.schedule import reschedule_group
from substrack.services.seats import seat_payer
from substrack.store import Contact, Group, Price, Role, RoleGrant, Workspace


class PayerIsGone(Refused):
    """Whom this group pays was erased."""

    def __init__(self) -> None:
        super().__init__("Whom this group pays was erased, so it can’t come back. Set up another one.")


class NoPayer(Refused):
    """Nobody is there who could receive the money."""

    field = "payer"

    def __init__(self) -> None:
        super().__init__("There is no admin yet who could be the payer. Add one first: `user add`.")


def create_group(
    session: Session,
    workspace_id: int,
    terms: GroupTerms,
    *,
    by: Actor,
    now: datetime,
    press: str | None = None,
) -> Group:
    """Write a group with its first price, its ways to pay and, if the payer shares, the payer's seat.

    Nothing opens before somebody else joins. The payer is the acting admin unless the terms name another; the
    zone is the workspace's unless they name one. `press` is what `presses.find_made` will know it by.

    Raises:
        Refused: the terms make no sense; `field` says which.
    """
    check_admin(session, by, workspace_id)
    workspace = session.get_one(Workspace, workspace_id)
    checked = check_terms(replace(terms, time_zone=terms.time_zone or workspace.time_zone))
    cycle = checked.cycle
    group = Group(
        workspace_id=workspace_id,
        payer_id=_payer_of(session, workspace_id, checked.payer_id, by),
        payer_included=checked.payer_included,
        currency=checked.currency,
        exponent=exponent_of(checked.currency),
        unit=checked.unit,
        every=checked.every,
        billing_day=cycle.billing_day,
        starts_on=checked.starts_on,
        anchor_on=cycle.anchor_on,
        next_sequence=1,
        version=1,
        created_at=now,
        ends_on=checked.ends_on,
        **{name: getattr(checked, name) for name in (*TEXTS, *PLAIN_COLUMNS)},
    )
    session.add(group)
    session.flush()
    if checked.price is not None:
        session.add(Price(group_id=group.id, from_on=cycle.anchor_on, amount_minor=checked.price.minor))
    write_pay_methods(session, group, checked.pay_methods)
    if group.payer_included:
        seat_payer(session, group, joining_day(group, now), by=by, now=now)
    price_minor = checked.price.minor if checked.price else None
    facts = facts_of(group) | {"price_minor": price_minor}
    record_group(session, "create", group, by=by, now=now, after=facts, correlation_id=press)
    reschedule_group(session, group)
    return group


def pause_group(session: Session, group_id: int, *, by: Actor, now: datetime) -> Group:
    """Open no further periods until resumed; what is open goes on. Idempotent."""
    group = hold_group(session, group_id, by)
    if group.paused_at is None:
        group.paused_at = now
        _changed(session, "pause", group, by=by, now=now)
    return group


def resume_group(session: Session, group_id: int, *, by: Actor, now: datetime) -> Group:
    """Go on with the first period that starts today or later; what the pause covered is skipped."""
    group = hold_group(session, group_id, by)
    if group.paused_at is not None:
        group.paused_at = None
        went_on_from = skip_the_past(group, today_in(group, now))
        _changed(session, "resume", group, went_on_from=went_on_from, by=by, now=now)
        announce_ahead(session, group, now=now)
    return group


def end_group(session: Session, group_id: int, *, ends_on: date | None, by: Actor, now: datetime) -> Group:
    """Let no period start after a day; None lets the group go on without end.

    A group that was over already goes on from today: what started in between is not billed.

    Raises:
        EndsBeforeStarting, DateOutOfRange. FixedAmountsOverTotal, FixedAmountsOverLater: it would go on to
        a period whose price its fixed amounts exceed.
    """
    group = hold_group(session, group_id, by)
    if ends_on is not None and check_day(ends_on, "ends_on") < group.starts_on:
        raise EndsBeforeStarting(group.starts_on)
    if group.ends_on != ends_on:
        former = load_calendar(session, group)
        ending = former.ending(ends_on, today_in(group, now))
        write_calendar(group, ending)
        if ending.ends_later_than(former):
            check_what_comes(session, group)
        _changed(session, "end", group, went_on_from=ending.went_on_from(former), by=by, now=now)
        announce_ahead(session, group, now=now)
    return group


def archive_group(session: Session, group_id: int, *, by: Actor, now: datetime) -> Group:
    """Put a group away: nothing opens any more, its history stays. What is open stays owed. Idempotent."""
    group = hold_group(session, group_id, by)
    if group.archived_at is None:
        group.archived_at = now
        _changed(session, "archive", group, by=by, now=now)
    return group


def restore_group(session: Session, group_id: int, *, by: Actor, now: datetime) -> Group:
    """Take a group back; it goes on like one that was paused. Idempotent.

    Raises:
        PayerIsGone: whom it pays was erased.
    """
    group = hold_group(session, group_id, by)
    if session.get_one(Contact, group.payer_id).erased_at is not None:
        raise PayerIsGone
    if group.archived_at is not None:
        group.archived_at = None
        went_on_from = skip_the_past(group, today_in(group, now))
        _changed(session, "restore", group, went_on_from=went_on_from, by=by, now=now)
        announce_ahead(session, group, now=now)
    return group


def set_pay_methods(
    session: Session, group_id: int, methods: Sequence[PayMethod], *, by: Actor, now: datetime
) -> Group:
    """Say how to pay for a group, in this order; make each with `domain.pay_methods.pay_method`.

    The same again changes nothing; admins hear of a change.
    """
    group = hold_group(session, group_id, by)
    former = load_terms(session, group_id)
    if change_pay_methods(session, group, methods, former=former, by=by, now=now):
        group.version += 1
        session.flush()
    return group


def default_payer(session: Session, workspace_id: int, by: Actor) -> int:
    """Find who receives the money where nobody is named: the acting admin, else the first owner.

    Raises:
        NoPayer.
    """
    grants = select(RoleGrant.contact_id).where(RoleGrant.workspace_id == workspace_id)
    if by.kind is ActorKind.USER:
        grants = grants.where(RoleGrant.user_id == by.id)
    owners_first = (RoleGrant.role != Role.OWNER, RoleGrant.id)
    found = session.scalars(grants.order_by(*owners_first).limit(1)).first()
    if found is None:
        raise NoPayer
    return found


def _payer_of(session: Session, workspace_id: int, contact_id: int | None, by: Actor) -> int:
    if contact_id is not None:
        return hold_contact(session, contact_id, of=workspace_id).id
    return default_payer(session, workspace_id, by)


def _changed(
    session: Session,
    verb: str,
    group: Group,
    *,
    went_on_from: date | None = None,
    by: Actor,
    now: datetime,
) -> None:
    group.version += 1
    days = {"ends_on": group.ends_on, "anchor_on": group.anchor_on, WENT_ON_FROM: went_on_from}
    facts = {name: day.isoformat() if day else None for name, day in days.items()}
    record_group(session, verb, group, by=by, now=now, after=facts)
    reschedule_group(session, group)
