"""What a press or reply in a chat is about, found by the public ids it carries or by the message it is below.

Finding a thing allows nothing: the bot compares whose it is with whom the chat stands for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.bills import HowToPay
from substrack.domain.chat_buttons import Subject, SubjectKind
from substrack.domain.chat_cards import Card, ClaimCard
from substrack.domain.notices import TO_ADMINS, Channel
from substrack.domain.payments import ASKABLE, Act, PaymentKind, Status
from substrack.queries.chat_cards import load_card, load_claim_card, open_payments_of, payments_of_message
from substrack.queries.chats import administers
from substrack.queries.letter_items import load_how_to_pay, load_owed
from substrack.queries.sharing import first_window_of
from substrack.store import (
    Address,
    Attachment,
    Attempt,
    AttemptItem,
    AttemptState,
    Contact,
    Event,
    Group,
    Member,
    Message,
    Payment,
    Workspace,
)


@dataclass(frozen=True)
class ShownMessage:
    """A message of the outbox in its chat: the words it was sent with, its links, what is below them now.

    `is_shortened`: the words leave something out that only the page has.
    """

    id: int
    contact_id: int
    workspace_id: int
    subject: Subject
    html: str
    links: tuple[tuple[str, str], ...]
    card: Card | None
    is_shortened: bool = False


@dataclass(frozen=True)
class OwedBy:
    """Payments of one person: those that a press names, as far as they are theirs."""

    contact_id: int
    payment_ids: tuple[int, ...]


@dataclass(frozen=True)
class OneClaim:
    """Where a claim belongs, and which versions of its waiting payments (by key) are current."""

    attempt_id: int
    workspace_id: int
    versions: dict[int, int]


@dataclass(frozen=True)
class DecisionsTogether:
    """Decisions that were one press, by their correlation ids."""

    workspace_id: int
    correlation_ids: tuple[str, ...]


@dataclass(frozen=True)
class Proof:
    """A file that came with a claim."""

    content: bytes
    kind: str


@dataclass(frozen=True)
class NextDue:
    """When the next period of a group is due that has not been opened yet."""

    group: str
    due_on: date


def find_shown(
    session: Session, contact_ids: Collection[int], number: int, *, now: datetime
) -> ShownMessage | None:
    """Find the message with this number in the chat of these people, with what is below it now."""
    query = select(Message).where(
        Message.contact_id.in_(sorted(contact_ids)),
        Message.channel == Channel.TELEGRAM,
        Message.provider_id == str(number),
    )
    message = session.scalars(query.order_by(Message.id.desc()).limit(1)).first()
    return load_shown(session, message.id, now=now) if message else None


def load_shown(session: Session, message_id: int, *, now: datetime) -> ShownMessage | None:
    """Read a message of the outbox as its chat shows it; None when it has no words yet.

    With nothing below it in the chat of somebody who administers no more.
    """
    message = session.get(Message, message_id)
    if message is None or message.contact_id is None or not message.rendered:
        return None
    stored = message.rendered
    is_former = message.notice in TO_ADMINS and not administers(
        session, message.contact_id, message.workspace_id
    )
    links = [(key["text"], key["url"]) for row in stored.get("keys", ()) for key in row if key.get("url")]
    return ShownMessage(
        id=message.id,
        contact_id=message.contact_id,
        workspace_id=message.workspace_id,
        subject=Subject(SubjectKind.MESSAGE, message.public_id),
        html=stored["html"],
        links=() if is_former else tuple(links),
        card=None if is_former else load_card(session, message, now=now),
        is_shortened=bool(stored.get("is_shortened")),
    )


def address_of_shown(session: Session, message_id: int) -> tuple[int, int, str] | None:
    """Say in which chat a message is, under which number, and in which language its reader reads."""
    row = session.execute(
        select(Address.value, Message.provider_id, func.coalesce(Contact.language, Workspace.language))
        .join(Address, Address.id == Message.address_id)
        .join(Contact, Contact.id == Message.contact_id)
        .join(Workspace, Workspace.id == Message.workspace_id)
        .where(Message.id == message_id, Message.provider_id.is_not(None), Address.refused_since.is_(None))
    ).first()
    return (int(row[0]), int(row[1]), row[2]) if row and row[0] and row[1] else None


def find_owed(session: Session, subject: Subject) -> OwedBy | None:
    """Find whose payments a subject means, and which; None when there is no such thing."""
    if subject.kind is SubjectKind.CONTACT:
        contact_id = session.scalar(select(Contact.id).where(Contact.public_id == subject.id))
        return OwedBy(contact_id, tuple(open_payments_of(session, contact_id))) if contact_id else None
    message = session.scalar(select(Message).where(Message.public_id == subject.id))
    if message is None or message.contact_id is None:
        return None
    return OwedBy(message.contact_id, tuple(payments_of_message(session, message)))


def find_one_owed(session: Session, public_id: str) -> OwedBy | None:
    """Find whose payment this is; None for one that is voided, nobody's, or the payer's own share."""
    query = select(Payment.contact_id, Payment.id).where(
        Payment.public_id == public_id, Payment.kind == PaymentKind.DUES, Payment.voided_at.is_(None)
    )
    row = session.execute(query).first()
    return OwedBy(row.contact_id, (row.id,)) if row else None


def askable(session: Session, payment_ids: Collection[int], *, unless_until: date | None = None) -> list[int]:
    """Keep the payments that are open; without those that rest until `unless_until` already."""
    query = select(Payment.id, Payment.snoozed_until).where(
        Payment.id.in_(sorted(payment_ids)), Payment.status.in_(ASKABLE), Payment.voided_at.is_(None)
    )
    return [row.id for row in session.execute(query) if not unless_until or row.snoozed_until != unless_until]


def statuses_of(session: Session, payment_ids: Collection[int]) -> set[Status]:
    """Say which statuses these payments are in, as far as they are not voided."""
    query = select(Payment.status).where(Payment.id.in_(sorted(payment_ids)), Payment.voided_at.is_(None))
    return set(session.scalars(query))


def has_objected(session: Session, payment_ids: Collection[int], text: str, *, now: datetime) -> bool:
    """Tell whether these very words about one of these payments came within the last day."""
    query = select(Event.id).where(
        Event.payment_id.in_(sorted(payment_ids)),
        Event.verb == "object",
        Event.reason == text,
        Event.at > now - timedelta(days=1),
    )
    return session.scalar(query.limit(1)) is not None


def how_to_pay(session: Session, payment_ids: Collection[int]) -> tuple[HowToPay, ...]:
    """Say how what is open of these payments is paid."""
    rows = [row for row in load_owed(session, payment_ids) if row.payment.voided_at is None]
    return load_how_to_pay(session, rows)


def find_claim_by_id(session: Session, public_id: str) -> OneClaim | None:
    """Find a claim by its public id."""
    attempt = session.scalar(select(Attempt).where(Attempt.public_id == public_id))
    if attempt is None:
        return None
    query = (
        select(Payment.id, Payment.version)
        .join(AttemptItem, AttemptItem.payment_id == Payment.id)
        .where(AttemptItem.attempt_id == attempt.id, AttemptItem.state == AttemptState.OPEN)
    )
    versions = {row.id: row.version for row in session.execute(query)}
    return OneClaim(attempt.id, attempt.workspace_id, versions)


def show_claim(session: Session, attempt_id: int, *, user_id: int | None, now: datetime) -> ClaimCard:
    """Read one claim as an admin sees it."""
    attempt = session.get_one(Attempt, attempt_id)
    return load_claim_card(session, attempt, user_id=user_id, now=now)


def find_claimed_payment(session: Session, public_id: str) -> tuple[int, int] | None:
    """Find a payment's workspace and key."""
    row = session.execute(
        select(Payment.workspace_id, Payment.id).where(Payment.public_id == public_id)
    ).first()
    return (row.workspace_id, row.id) if row else None


def find_decision(session: Session, correlation_id: str) -> int | None:
    """Find the workspace of a decision."""
    query = select(Event.workspace_id).where(Event.correlation_id == correlation_id)
    return session.scalar(query.limit(1))


def find_decisions_made_with(session: Session, correlation_id: str) -> DecisionsTogether | None:
    """Find the confirmations that one press made: by the same admin, at the same instant, oldest first."""
    named = select(Event).where(Event.correlation_id == correlation_id, Event.verb == Act.CONFIRM)
    one = session.scalars(named.order_by(Event.id).limit(1)).first()
    if one is None:
        return None
    together = (
        select(Event.correlation_id)
        .where(
            Event.workspace_id == one.workspace_id,
            Event.actor_kind == one.actor_kind,
            Event.actor_id == one.actor_id,
            Event.via == one.via,
            Event.at == one.at,
            Event.verb == Act.CONFIRM,
        )
        .order_by(Event.id)
    )
    return DecisionsTogether(one.workspace_id, tuple(dict.fromkeys(session.scalars(together))))


def find_contact_id(session: Session, public_id: str) -> tuple[int, int] | None:
    """Find a person's workspace and key."""
    query = select(Contact.workspace_id, Contact.id).where(
        Contact.public_id == public_id, Contact.erased_at.is_(None)
    )
    row = session.execute(query).first()
    return (row.workspace_id, row.id) if row else None


def public_id_of(session: Session, contact_id: int) -> str:
    """Name a person as buttons do."""
    return session.get_one(Contact, contact_id).public_id


def name_of_contact(session: Session, contact_id: int) -> str:
    """Name a person as people do."""
    return session.get_one(Contact, contact_id).name


def load_proofs(session: Session, attempt_id: int) -> list[Proof]:
    """Load the files that came with a claim, oldest first."""
    query = select(Attachment.content, Attachment.kind).where(Attachment.attempt_id == attempt_id)
    return [Proof(row.content, row.kind) for row in session.execute(query.order_by(Attachment.id))]


def next_dues(session: Session, contact_id: int) -> list[NextDue]:
    """Say when a person's groups are due next, soonest first; nothing for groups that are to open none."""
    query = (
        select(Group, Member)
        .join(Member, Member.group_id == Group.id)
        .where(
            Member.contact_id == contact_id,
            Member.left_on.is_(None),
            Group.next_open_at.is_not(None),
            Group.payer_id != contact_id,
        )
    )
    found = [NextDue(group.name, _next_due_on(group, member)) for group, member in session.execute(query)]
    return sorted(found, key=lambda each: (each.due_on, each.group))


def _next_due_on(group: Group, member: Member) -> date:
    window = first_window_of(group, member)
    return max(window.starts_on + timedelta(days=group.due_days), member.joined_on)
