"""Members: who joins a group, on what terms, and who leaves.

Nothing here changes what is owed already: terms and dates count for the periods to come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.delivery import WAITING, MessageState
from substrack.domain.errors import NotFound, Refused
from substrack.domain.money import CurrencyMismatch, Money
from substrack.domain.notices import Notice
from substrack.domain.payments import OPEN
from substrack.domain.shares import (
    FixedAmountMissing,
    FixedAmountNegative,
    PayerShareIsTheRest,
    SplitKind,
    check_stay,
    check_weight,
)
from substrack.domain.sharing import overlaps
from substrack.domain.terms import check_day
from substrack.queries.groups import price_on
from substrack.queries.sharing import first_window_of, stay_of
from substrack.services.group_rows import (
    check_payer,
    has_opened,
    hold_group,
    joining_day,
    skip_the_past,
    today_in,
)
from substrack.services.journal import record
from substrack.services.ledger import lock_contacts
from substrack.services.outbox import Draft, queue, usable_addresses
from substrack.services.people import find_or_add_contact
from substrack.services.prices import check_fixed_amounts
from substrack.services.schedule import reschedule_group, reschedule_payments
from substrack.store import Group, Member, Message, Payment

BY_WEIGHT: Final = frozenset({SplitKind.WEIGHTS, SplitKind.VARIABLE})
"""The splits in which a weight means something."""

A_PRESS: Final = timedelta(hours=1)
"""How long a second “Tell them” counts as the same press."""


class UnknownMember(NotFound):
    """There is no such member."""

    def __init__(self) -> None:
        super().__init__("There is no such member.")


class AlreadyMember(Refused):
    """This person is a member of the group on that day."""

    field = "name"

    def __init__(self, member_id: int) -> None:
        self.member_id = member_id
        super().__init__("This person is a member of the group already.")


class WeightMeansNothing(Refused):
    """The group does not split by weight."""

    field = "weight"

    def __init__(self, split: SplitKind) -> None:
        self.split = split
        super().__init__(
            "Weights only count in a group that is split by weight; change how it is split first."
        )


class PayerStays(Refused):
    """The payer shares, as the group says; that is changed at the group."""

    def __init__(self) -> None:
        super().__init__("The payer can't leave while the payer shares; change that in the group itself.")


class PayerJoinsByTerms(Refused):
    """Whether the payer shares is one of the group's terms."""

    def __init__(self) -> None:
        super().__init__("This is the payer; say in the group itself that the payer shares.")


@dataclass(frozen=True)
class Told:
    """Which members were written to, now or within the hour, and which have no usable address."""

    told: tuple[int, ...]
    unreachable: tuple[int, ...]


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
        FixedAmountMissing (fixed split),
        PayerShareIsTheRest, PayerJoinsByTerms, WeightOutOfRange, WeightMeansNothing, CurrencyMismatch,
        UnknownGroup, UnknownContact, Refused.
    """
    group = hold_group(session, group_id, by)
    _check_weight(group, weight)
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
    check_payer(session, group.workspace_id, contact_id)
    member = Member(
        group_id=group.id,
        contact_id=contact_id,
        joined_on=check_day(joined_on or joining_day(group, now), "joined_on"),
        weight=weight,
        fixed_minor=_fixed_minor(group, contact_id, fixed),
        created_at=now,
    )
    _check_not_there(session, group, contact_id, member.joined_on, None)
    if contact_id == group.payer_id:
        raise PayerJoinsByTerms
    session.add(member)
    session.flush()
    _check_amounts(session, group, member)
    _record(session, "join", group, member, by=by, now=now, after=_facts(member), correlation_id=press)
    if has_opened(group) and group.next_open_at is None:
        skip_the_past(group, min(member.joined_on, today_in(group, now)))
    reschedule_group(session, group)
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
    before = _facts(member)
    if weight is not None and weight != member.weight:
        _check_weight(group, weight)
        member.weight = weight
    if fixed is not None or clears_fixed:
        member.fixed_minor = _fixed_minor(group, member.contact_id, fixed)
    if joined_on is not None:
        check_stay(check_day(joined_on, "joined_on"), member.left_on)
        _check_not_there(session, group, member.contact_id, joined_on, member.left_on, but=member.id)
        member.joined_on = joined_on
    session.flush()
    _check_amounts(session, group, member)
    if _facts(member) != before:
        _record(session, "edit", group, member, by=by, now=now, before=before, after=_facts(member))
        reschedule_group(session, group)
    return member


def leave_group(
    session: Session, member_id: int, *, left_on: date | None = None, by: Actor, now: datetime
) -> Member:
    """Let a member leave; `left_on` (today) is the first day they are no longer there.

    What they owe stays owed until an admin decides, but is no longer asked for. A second call corrects the
    day.

    Raises:
        LeavesBeforeJoining, PayerStays, UnknownMember, DateOutOfRange, AlreadyMember (they came back before).
    """
    group, member = _hold(session, member_id, by)
    lock_contacts(session, [member.contact_id])
    if group.payer_included and member.contact_id == group.payer_id:
        raise PayerStays
    day = check_day(left_on or today_in(group, now), "left_on")
    check_stay(member.joined_on, day)
    if member.left_on == day:
        return member
    _check_not_there(session, group, member.contact_id, member.joined_on, day, but=member.id)
    before = _facts(member)
    member.left_on = day
    _record(session, "leave", group, member, by=by, now=now, before=before, after=_facts(member))
    owed = select(Payment.id).where(Payment.member_id == member.id, Payment.status.in_(OPEN))
    reschedule_payments(session, list(session.scalars(owed)), now=now)
    reschedule_group(session, group)
    return member


def tell_them(
    session: Session,
    group_id: int,
    member_ids: Sequence[int] | None = None,
    *,
    by: Actor,
    now: datetime,
) -> Told:
    """Send the welcome to members: to those named, or to everybody who has not had one. Never to the payer.

    A second press within the hour sends no second one, unless the first came to nothing.

    Raises:
        UnknownGroup.
    """
    group = hold_group(session, group_id, by)
    members = _to_be_told(session, group, member_ids, today_in(group, now))
    reachable = {
        contact_id
        for contact_id, addresses in usable_addresses(session, [one.contact_id for one in members]).items()
        if any(address.unsubscribed_at is None for address in addresses)
    }
    told = [member for member in members if member.contact_id in reachable]
    lately = _told_lately(session, told, now)
    fresh = [member for member in told if member.id not in lately]
    queue(session, [_welcome(group, member, now) for member in fresh], now=now)
    for member in fresh:
        member.told_at = now
        _record(session, "tell", group, member, by=by, now=now)
    session.flush()
    unreachable = [member.id for member in members if member.contact_id not in reachable]
    return Told(tuple(member.id for member in told), tuple(unreachable))


def _told_lately(session: Session, members: Sequence[Member], now: datetime) -> set[int]:
    """Find those whose welcome of the last hour is on its way or was sent."""
    welcomes = select(Message.payload).where(
        Message.contact_id.in_([member.contact_id for member in members]),
        Message.notice == Notice.WELCOME,
        Message.created_at > now - A_PRESS,
        Message.state.in_((*WAITING, MessageState.SENT)),
    )
    return {payload["member_id"] for payload in session.scalars(welcomes)}


def _welcome(group: Group, member: Member, now: datetime) -> Draft:
    # A second press within the same state of things is the same letter; a wish to tell again is another.
    time = member.told_at.isoformat() if member.told_at else "first"
    return Draft(
        workspace_id=group.workspace_id,
        contact_id=member.contact_id,
        notice=Notice.WELCOME,
        dedupe_key=f"welcome:{member.id}:{time}",
        due_at=now,
        payload={"member_id": member.id},
    )


def _to_be_told(
    session: Session, group: Group, member_ids: Sequence[int] | None, today: date
) -> list[Member]:
    query = select(Member).where(
        Member.group_id == group.id,
        Member.contact_id != group.payer_id,
        or_(Member.left_on.is_(None), Member.left_on > today),
    )
    chosen = Member.told_at.is_(None) if member_ids is None else Member.id.in_(member_ids)
    return list(session.scalars(query.where(chosen).order_by(Member.id)))


def _hold(session: Session, member_id: int, by: Actor) -> tuple[Group, Member]:
    group_id = session.scalar(select(Member.group_id).where(Member.id == member_id))
    if group_id is None:
        raise UnknownMember
    group = hold_group(session, group_id, by)
    return group, session.get_one(Member, member_id, populate_existing=True)


def _check_weight(group: Group, weight: int) -> None:
    check_weight(weight)
    if weight != 1 and group.split not in BY_WEIGHT:
        raise WeightMeansNothing(group.split)


def _fixed_minor(group: Group, contact_id: int, fixed: Money | None) -> int | None:
    is_payer = contact_id == group.payer_id
    if fixed is None:
        if group.split is SplitKind.FIXED and not is_payer:
            raise FixedAmountMissing(())
        return None
    if is_payer:
        raise PayerShareIsTheRest
    if fixed.currency != group.currency:
        raise CurrencyMismatch(fixed.currency, group.currency)
    if fixed.minor < 0:
        raise FixedAmountNegative(fixed.minor)
    return fixed.minor


def _check_not_there(
    session: Session,
    group: Group,
    contact_id: int,
    joined_on: date,
    left_on: date | None,
    *,
    but: int | None = None,
) -> None:
    """Refuse a stay that overlaps another of the same person; one may begin the day another ended."""
    query = select(Member).where(Member.group_id == group.id, Member.contact_id == contact_id)
    for other in session.scalars(query.order_by(Member.id)):
        if other.id != but and overlaps(joined_on, left_on, stay_of(other)):
            raise AlreadyMember(other.id)


def _check_amounts(session: Session, group: Group, member: Member) -> None:
    """Check that fixed amounts fit the price from the day both this member and a period are there."""
    if group.split is SplitKind.VARIABLE or member.fixed_minor is None:
        return
    window = first_window_of(group, member)
    price = price_on(session, group.id, window.starts_on)
    if price is not None:
        check_fixed_amounts(session, group, price, window)


def _facts(member: Member) -> dict[str, Any]:
    return {
        "joined_on": member.joined_on.isoformat(),
        "left_on": member.left_on.isoformat() if member.left_on else None,
        "weight": member.weight,
        "fixed_minor": member.fixed_minor,
    }


def _record(
    session: Session, verb: str, group: Group, member: Member, *, by: Actor, now: datetime, **facts: Any
) -> None:
    record(
        session,
        verb,
        by=by,
        now=now,
        workspace_id=group.workspace_id,
        group_id=group.id,
        subject_kind="member",
        subject_id=member.id,
        **facts,
    )
