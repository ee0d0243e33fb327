"""Erasing a person: the books stay and add up, and nothing in them tells any more who it was.

What goes is said by the privacy tags of the columns. Their addresses go on the suppression list, and the
erasure is remembered, so that a restore can do it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.delivery import WAITING, MessageState
from substrack.domain.errors import Refused
from substrack.domain.former import former_name
from substrack.domain.mentions import Mentions
from substrack.domain.notices import Channel
from substrack.domain.payments import OPEN, PaymentKind
from substrack.queries.erasing import Standing, load_standing
from substrack.queries.personal import Subject, load_subject
from substrack.services.addresses import empty_address
from substrack.services.contact_rows import UnknownContact, hold_contact, record_contact
from substrack.services.emptying import empty_mentions, empty_rows
from substrack.services.erased import REASON
from substrack.services.group_rows import hold_group, is_admin, next_start, today_in
from substrack.services.groups import archive_group
from substrack.services.leases import lock_messages
from substrack.services.locks import lock_contacts
from substrack.services.members import leave_group
from substrack.services.payments import waive_payment
from substrack.services.roles import check_owns, hold_roles
from substrack.services.suppression import suppress
from substrack.services.user_sessions import end_sessions
from substrack.store import Address, Contact, Erasure, Group, Link, Member, Message, Payment, Period, User


class StillOpen(Refused):
    """There is something open with this person (`standing`), which erasing them would decide."""

    field = "anyway"

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        super().__init__(
            "This person is not settled: %(open)s open payments of theirs, %(claims)s of them to check, "
            "%(owed_to)s owed to them, %(credit)s sums of credit, %(groups)s groups that pay them. Settle it "
            "first. If they are erased anyway, what is open is forgiven, credit stays in the books as it is, "
            "and those groups are archived.",
            open=standing.open,
            claims=standing.claims,
            owed_to=standing.owed_to,
            credit=len(standing.credit),
            groups=len(standing.groups),
        )


class LastOwnerStays(Refused):
    """Without an owner nobody could run the workspace."""

    def __init__(self) -> None:
        super().__init__("This is the last owner. Make somebody else an owner first.")


class _MoreGroups(Exception):
    """There is a group to hold that was none of theirs before: what is held is let go, and held anew."""


@dataclass(frozen=True)
class Erased:
    """What an erasure did: the name left, payments forgiven, and files of kept mails to be removed."""

    name: str
    forgiven: int
    files: tuple[str, ...]


def erase_contact(
    session: Session, contact_id: int, *, anyway: bool = False, by: Actor, now: datetime
) -> Erased:
    """Erase a person for good. The caller removes the files, and keeps the erasure where a restore finds it.

    Raises:
        UnknownContact: not there, erased already, or not this actor's to erase.
        OwnersOnly: they administer. StillOpen (not with `anyway`), LastOwnerStays.
    """
    contact = _hold(session, contact_id, by)
    standing = load_standing(session, contact_id)
    if standing.is_admin:
        check_owns(session, by, contact.workspace_id)
    if standing.is_last_owner:
        raise LastOwnerStays
    if not (standing.is_settled or anyway):
        raise StillOpen(standing)
    return _erase(session, contact, by, now)


def erase_again(
    session: Session, public_id: str, *, suppresses: bool, by: Actor, now: datetime
) -> Erased | None:
    """Erase whom a restore has brought back, whatever is open with them; None if they are not there.

    Their addresses are suppressed if `suppresses`; else by what is remembered of them alone.
    """
    found = session.scalar(
        select(Contact.id).where(Contact.public_id == public_id, Contact.erased_at.is_(None))
    )
    if found is None:
        return None
    return _erase(session, _hold(session, found, by), by, now, suppresses=suppresses)


def _hold(session: Session, contact_id: int, by: Actor) -> Contact:
    """Load a person, holding all that an erasure changes: roles, then groups, then contacts."""
    workspace_id = session.scalar(select(Contact.workspace_id).where(Contact.id == contact_id))
    if workspace_id is None or not is_admin(session, by, workspace_id):
        raise UnknownContact
    hold_roles(session, workspace_id)
    while True:
        try:
            with session.begin_nested():
                _hold_groups(session, contact_id, by)
            break
        except _MoreGroups:
            continue
    if not is_admin(session, by, workspace_id):
        raise UnknownContact
    return hold_contact(session, contact_id)


def _hold_groups(session: Session, contact_id: int, by: Actor) -> None:
    """Hold the groups of somebody and then the contacts; raises _MoreGroups if they came into another."""
    groups = session.scalars(_groups_of(contact_id)).all()
    for key in groups:
        hold_group(session, key, by)
    owing = session.scalars(select(Payment.contact_id).where(*_open(contact_id)))
    lock_contacts(session, [contact_id, *owing])
    if not set(groups).issuperset(session.scalars(_groups_of(contact_id))):
        raise _MoreGroups


def _groups_of(contact_id: int) -> Select[int]:
    """Select the groups somebody is or was in, or is paid in, now or for a bill to come, in order of key."""
    joined = select(Member.group_id).where(Member.contact_id == contact_id)
    theirs = Group.payer_id == contact_id, Group.id.in_(joined), Group.id.in_(_awaited(contact_id))
    return select(Group.id).where(or_(*theirs)).order_by(Group.id)


def _awaited(contact_id: int) -> Select[int]:
    """Select the groups with a period whose bill would be paid to somebody."""
    return select(Period.group_id).where(Period.payer_id == contact_id, Period.total_minor.is_(None))


def _erase(
    session: Session, contact: Contact, by: Actor, now: datetime, *, suppresses: bool = True
) -> Erased:
    who, name = load_subject(session, contact.id), former_name(contact.id)
    mentions = Mentions(who.name, _mailboxes_of_their_own(session, who))
    forgiven = _close_books(session, contact, by, now)
    _end_account(session, who, now)
    if suppresses:
        _suppress_addresses(session, who, now)
    _cut_off(session, who, now)
    record_contact(session, "erase", contact, by=by, now=now)
    session.flush()
    files = (
        *empty_rows(session, who, name, now=now),
        *empty_mentions(session, who, mentions, name, now=now),
    )
    session.execute(update(Contact).where(Contact.id == contact.id).values(erased_at=now))
    session.add(Erasure(workspace_id=who.workspace_id, contact_public_id=who.public_id, erased_at=now))
    session.flush()
    session.expire_all()
    return Erased(name, forgiven, files)


def _close_books(session: Session, contact: Contact, by: Actor, now: datetime) -> int:
    """Archive the groups that pay them, let them leave the others, and forgive what is open either way.

    A bill that is still wanted will be paid to whom its group pays by now.
    """
    for key in session.scalars(select(Group.id).where(Group.payer_id == contact.id)).all():
        archive_group(session, key, by=by, now=now)
    _leave_all(session, contact, by, now)
    _hand_over_bills(session, contact)
    keys = session.scalars(select(Payment.id).where(*_open(contact.id)).order_by(Payment.id)).all()
    for key in keys:
        waive_payment(session, key, reason=REASON, by=by, now=now)
    return len(keys)


def _hand_over_bills(session: Session, contact: Contact) -> None:
    payer = select(Group.payer_id).where(Group.id == Period.group_id).scalar_subquery()
    wanted = Period.payer_id == contact.id, Period.total_minor.is_(None), payer != contact.id
    session.execute(
        update(Period).where(*wanted).values(payer_id=payer).execution_options(synchronize_session=False)
    )


def _open(contact_id: int) -> tuple[ColumnElement[bool], ...]:
    whose = or_(Payment.contact_id == contact_id, Payment.payer_id == contact_id)
    return (whose, Payment.status.in_(OPEN), Payment.kind == PaymentKind.DUES, Payment.voided_at.is_(None))


def _leave_all(session: Session, contact: Contact, by: Actor, now: datetime) -> None:
    stays = select(Member, Group).join(Group, Group.id == Member.group_id)
    for member, group in session.execute(stays.where(Member.contact_id == contact.id)).all():
        day = max(_leaves_on(session, group, now), member.joined_on)
        if member.left_on is not None and member.left_on <= day:
            continue
        if group.payer_id == contact.id:
            member.left_on = day
        else:
            leave_group(session, member.id, left_on=day, by=by, now=now)


def _leaves_on(session: Session, group: Group, now: datetime) -> date:
    """Choose today, or the start of the oldest period without a bill: one that comes later is not theirs."""
    unbilled = select(func.min(Period.starts_on)).where(
        Period.group_id == group.id, Period.total_minor.is_(None), Period.voided_at.is_(None)
    )
    oldest = min(session.scalar(unbilled) or date.max, next_start(group))
    return min(oldest, today_in(group, now))


def _end_account(session: Session, who: Subject, now: datetime) -> None:
    for user_id in who.user_ids:
        end_sessions(session, user_id, now=now)
        ended = update(User).where(User.id == user_id, User.deactivated_at.is_(None))
        session.execute(ended.values(deactivated_at=now))


def _suppress_addresses(session: Session, who: Subject, now: datetime) -> None:
    for address in session.scalars(select(Address).where(Address.contact_id == who.contact_id)):
        if address.value and not _is_shared(session, address):
            suppress(session, who.workspace_id, address.value, now=now)


def _cut_off(session: Session, who: Subject, now: datetime) -> None:
    """Let nothing go out to them any more, nor any link of theirs open anything."""
    for address in session.scalars(select(Address).where(Address.contact_id == who.contact_id)):
        empty_address(session, address, now=now)
    theirs = or_(
        Link.contact_id == who.contact_id,
        Link.user_id.in_(who.user_ids),
        Link.address_id.in_(who.address_ids),
    )
    session.execute(update(Link).where(theirs, Link.revoked_at.is_(None)).values(revoked_at=now))
    still_to_go = Message.contact_id == who.contact_id, Message.state.in_(WAITING)
    lock_messages(session, *still_to_go)
    waiting = update(Message).where(*still_to_go)
    session.execute(
        waiting.values(
            state=MessageState.CANCELLED, last_error=None, lease_token=None, lease_until=None, edit_at=None
        )
    )


def _mailboxes_of_their_own(session: Session, who: Subject) -> list[str]:
    """List where nobody else is reached: a mailbox that is shared names the others as well."""
    theirs = Address.contact_id == who.contact_id, Address.channel == Channel.EMAIL, Address.value != ""
    addresses = session.scalars(select(Address).where(*theirs)).all()
    return [address.value for address in addresses if not _is_shared(session, address)]


def _is_shared(session: Session, address: Address) -> bool:
    """Tell whether somebody else is still reached there."""
    others = select(Address.id).where(
        Address.connection_id == address.connection_id,
        Address.value_key == address.value_key,
        Address.contact_id != address.contact_id,
    )
    return session.scalar(others.limit(1)) is not None
