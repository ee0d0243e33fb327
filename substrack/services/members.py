"""Members: who joins a group, whose terms change, and who leaves.

Nothing here changes what is owed already: terms and dates count for the periods to come.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import NotFound, Refused
from substrack.domain.money import Money
from substrack.domain.shares import check_stay
from substrack.domain.terms import check_day
from substrack.services.announcing import announce_ahead
from substrack.services.contact_rows import hold_contact
from substrack.services.erased import check_may_owe
from substrack.services.group_rows import (
    has_opened,
    hold_group,
    joining_day,
    skip_the_past,
    today_in,
)
from substrack.services.journal import record_member
from substrack.services.locks import lock_contacts
from substrack.services.member_terms import (
    check_fixed_fits,
    check_member_weight,
    check_not_there,
    facts_of_member,
    fixed_minor_of,
)
from substrack.services.people import find_or_add_contact
from substrack.services.schedule import reschedule_group, reschedule_stays
from substrack.store import Group, Member


class UnknownMember(NotFound):
    """There is no such member."""

    def __init__(self) -> None:
        super().__init__("There is no such member.")


class PayerStays(Refused):
    """The payer shares, as the group says; that is changed at the group."""

    def __init__(self) -> None:
        super().__init__("The payer can't leave while the payer shares; change that in the group itself.")


class PayerJoinsByTerms(Refused):
    """Whether the payer shares is one of the group's terms."""

    def __init__(self) -> None:
        super().__init__("This is the payer; say in the group itself that the payer shares.")


def add_member(
    session: Session,
    group_id: int,
    *,
    name: str | None = None,
    contact_id: int | None = None,
    email: str | None = None,
    weight: int = 1,
    fixed: Money | None = None,
    joined_on: date | None = None,
    shares_mailbox: bool = False,
    wanted_again: bool = False,
    by: Actor,
    now: datetime,
    press: str | None = None,
) -> Member:
    """Let a known person (`contact_id`) or a new one (`name`, `email`) join a group.

    Without a date they are there from the start while no period is open, else from today; they pay from the
    period that follows the group's rule for part periods. A group that was empty goes on from their day: what
    passed without anybody is not billed. `press` is what `presses.find_made` will know it by.

    Raises:
        AlreadyMember, MailboxShared and AddressErased (questions), FixedAmountsOverTotal,
        FixedAmountsOverLater, FixedAmountMissing (fixed split),
        PayerShareIsTheRest, PayerJoinsByTerms, WeightOutOfRange, WeightMeansNothing, CurrencyMismatch,
        UnknownGroup, UnknownContact, Refused.
    """
    group = hold_group(session, group_id, by)
    check_member_weight(group, weight)
    if contact_id is None:
        contact_id = find_or_add_contact(
            session,
            group.workspace_id,
            name=name or "",
            email=email,
            shares_mailbox=shares_mailbox,
            wanted_again=wanted_again,
            by=by,
            now=now,
        ).id
    hold_contact(session, contact_id, of=group.workspace_id)
    member = Member(
        group_id=group.id,
        contact_id=contact_id,
        joined_on=check_day(joined_on or joining_day(group, now), "joined_on"),
        weight=weight,
        fixed_minor=fixed_minor_of(group, contact_id, fixed),
        created_at=now,
    )
    _let_in(session, group, member)
    record_member(
        session, "join", group, member, by=by, now=now, after=facts_of_member(member), correlation_id=press
    )
    if has_opened(group) and group.next_open_at is None:
        skip_the_past(group, min(member.joined_on, today_in(group, now)))
    reschedule_stays(session, group.id, contact_id, now=now)
    reschedule_group(session, group)
    announce_ahead(session, group, only=member, now=now)
    return member


def edit_member(
    session: Session,
    member_id: int,
    *,
    weight: int | None = None,
    fixed: Money | None = None,
    clears_fixed: bool = False,
    joined_on: date | None = None,
    by: Actor,
    now: datetime,
) -> Member:
    """Change a member's terms for the periods to come; None leaves a value as it is.

    Raises:
        As `add_member`; LeavesBeforeJoining.
    """
    group, member = _hold(session, member_id, by)
    before = facts_of_member(member)
    if weight is not None and weight != member.weight:
        check_member_weight(group, weight)
        member.weight = weight
    if fixed is not None or clears_fixed:
        member.fixed_minor = fixed_minor_of(group, member.contact_id, fixed)
    if joined_on is not None:
        check_stay(check_day(joined_on, "joined_on"), member.left_on)
        check_not_there(session, group, member.contact_id, joined_on, member.left_on, but=member.id)
        member.joined_on = joined_on
    session.flush()
    check_fixed_fits(session, group, member)
    if facts_of_member(member) != before:
        record_member(
            session, "edit", group, member, by=by, now=now, before=before, after=facts_of_member(member)
        )
        if joined_on is not None:
            reschedule_stays(session, group.id, member.contact_id, now=now)
        reschedule_group(session, group)
        announce_ahead(session, group, only=member, now=now)
    return member


def leave_group(
    session: Session, member_id: int, *, left_on: date | None = None, by: Actor, now: datetime
) -> Member:
    """Let a member leave; `left_on` (today) is the first day they are no longer there.

    What they owe stays owed until an admin decides, but is no longer asked for. A second call corrects the
    day.

    Raises:
        LeavesBeforeJoining, PayerStays, UnknownMember, DateOutOfRange, AlreadyMember (they came back before),
        NobodyToAsk, NobodyToPay, FixedAmountsOverTotal, FixedAmountsOverLater.
    """
    group, member = _hold(session, member_id, by)
    lock_contacts(session, [member.contact_id])
    if group.payer_included and member.contact_id == group.payer_id:
        raise PayerStays
    day = check_day(left_on or today_in(group, now), "left_on")
    check_stay(member.joined_on, day)
    if member.left_on == day:
        return member
    stays_longer = member.left_on is not None and day > member.left_on
    if stays_longer:
        check_may_owe(session, member.contact_id, group.payer_id)
    check_not_there(session, group, member.contact_id, member.joined_on, day, but=member.id)
    before = facts_of_member(member)
    member.left_on = day
    if stays_longer:
        check_fixed_fits(session, group, member)
    record_member(
        session, "leave", group, member, by=by, now=now, before=before, after=facts_of_member(member)
    )
    reschedule_stays(session, group.id, member.contact_id, now=now)
    reschedule_group(session, group)
    announce_ahead(session, group, only=member, now=now)
    return member


def _let_in(session: Session, group: Group, member: Member) -> None:
    """Write a member who is not there yet, and whose amount fits the price."""
    check_not_there(session, group, member.contact_id, member.joined_on, None)
    if member.contact_id == group.payer_id:
        raise PayerJoinsByTerms
    session.add(member)
    session.flush()
    check_fixed_fits(session, group, member)


def _hold(session: Session, member_id: int, by: Actor) -> tuple[Group, Member]:
    group_id = session.scalar(select(Member.group_id).where(Member.id == member_id))
    if group_id is None:
        raise UnknownMember
    group = hold_group(session, group_id, by)
    return group, session.get_one(Member, member_id, populate_existing=True)
