"""What an admin is told, as it stands when the letter is sent.

Each reader returns None when nothing is left to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import ActorKind
from substrack.domain.bills import Person
from substrack.domain.cycles import local_date
from substrack.domain.letters import About, AboutAddress, BillWanted, Claim, Claims, Plain
from substrack.domain.money import Money
from substrack.domain.notices import Channel
from substrack.domain.payments import ASKABLE, Act
from substrack.queries.claim_sums import load_sums
from substrack.queries.letter_facts import Facts, Reading, items_of, person
from substrack.queries.letter_items import Owed, load_owed, load_people, span_of
from substrack.queries.letter_totals import load_open_in_all
from substrack.store import (
    Address,
    Attempt,
    AttemptItem,
    AttemptState,
    Connection,
    Contact,
    Event,
    Group,
    Period,
    User,
)


def claim_received(reading: Reading) -> Facts | None:
    claims = _open_claims(reading, reading.message.payload["attempt_id"])
    if not claims:
        return None
    claim = claims[0]
    return Facts(Claims(claims), thread=claim.items[0].payment_id, reply_to=claim.member.email)


def claims_waiting(reading: Reading) -> Facts | None:
    claims = _open_claims(reading)
    return Facts(Claims(claims)) if claims else None


def _open_claims(reading: Reading, attempt_id: int | None = None) -> tuple[Claim, ...]:
    session = reading.session
    query = (
        select(Attempt, Contact)
        .join(Contact, Contact.id == Attempt.contact_id)
        .where(Attempt.workspace_id == reading.message.workspace_id, Attempt.state == AttemptState.OPEN)
        .order_by(Attempt.made_at, Attempt.id)
    )
    if attempt_id is not None:
        query = query.where(Attempt.id == attempt_id)
    rows = session.execute(query).all()
    people = load_people(session, [contact for _attempt, contact in rows])
    sums = load_sums(session, [attempt.id for attempt, _contact in rows])
    named = _payments_of(session, [attempt.id for attempt, _contact in rows])
    owed = {
        row.payment.id: row for row in load_owed(session, {key for keys in named.values() for key in keys})
    }
    return tuple(
        _claim(
            attempt,
            sums[attempt.id],
            people[contact.id],
            [owed[key] for key in owed if key in named[attempt.id]],
            reading,
        )
        for attempt, contact in rows
        if named.get(attempt.id)
    )


def _payments_of(session: Session, attempt_ids: Sequence[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    query = select(AttemptItem.attempt_id, AttemptItem.payment_id).where(
        AttemptItem.attempt_id.in_(attempt_ids), AttemptItem.state == AttemptState.OPEN
    )
    for attempt_id, payment_id in session.execute(query):
        found.setdefault(attempt_id, set()).add(payment_id)
    return found


def _claim(attempt: Attempt, amount: Money, member: Person, owed: Sequence[Owed], reading: Reading) -> Claim:
    is_readers = attempt.payer_id == reading.message.contact_id
    return Claim(
        member=member,
        amount=amount,
        items=items_of(owed),
        made_on=local_date(attempt.made_at, reading.time_zone),
        paid_on=attempt.paid_on,
        method=attempt.method,
        note=attempt.note,
        is_flagged=attempt.flagged,
        noted_by=_noted_by(reading.session, attempt, owed),
        account_of=None if is_readers else owed[0].item.payer.name,
    )


def _noted_by(session: Session, attempt: Attempt, owed: Sequence[Owed]) -> str | None:
    """Name the admin who said "paid" for a member; None when they said it themselves."""
    by_admin = select(User.name).join(Event, Event.actor_id == User.id)
    query = by_admin.where(
        Event.verb == Act.CLAIM,
        Event.actor_kind == ActorKind.USER,
        Event.at == attempt.made_at,
        Event.payment_id.in_([row.payment.id for row in owed]),
    )
    return session.scalar(query.limit(1))


def bill_wanted(reading: Reading) -> Facts | None:
    period = reading.session.get(Period, reading.message.payload["period_id"])
    if period is None or period.total_minor is not None or period.voided_at is not None:
        return None
    group = reading.session.get_one(Group, period.group_id)
    if group.archived_at is not None:
        return None
    span = span_of(group, period.starts_on, period.ends_on)
    return Facts(BillWanted(group.name, period.public_id, span, period.due_on), groups=(group.name,))


def requests_exhausted(reading: Reading) -> Facts | None:
    """Tell it while it is so: payments that became open anew since are asked for afresh."""
    owed = [row for row in reading.payments() if reading.is_preview or _is_used_up(row)]
    if not owed:
        return None
    member = person(reading, owed[0].payment.contact_id)
    content = About(member, items_of(owed), open_in_all=load_open_in_all(reading, owed))
    return Facts(content, reply_to=member.email)


def _is_used_up(row: Owed) -> bool:
    return _is_to_be_paid(row) and row.payment.exhausted_at is not None


def objection(reading: Reading) -> Facts | None:
    """Pass a note on until it is answered or set aside; nothing that was settled since is called due."""
    payload = reading.message.payload
    owed = reading.payments()
    waits = reading.is_preview or any(row.payment.objection is not None for row in owed)
    if not waits or not owed:
        return None
    to_pay = [row for row in owed if reading.is_preview or _is_to_be_paid(row)]
    member = person(reading, payload["contact_id"])
    content = About(
        member,
        items_of(to_pay),
        payload["text"],
        reading.message.correlation_id,
        about=items_of(owed),
        rests=reading.is_preview or any(_rests(row, reading) for row in to_pay),
    )
    return Facts(content, thread=owed[0].item.payment_id, reply_to=member.email)


def _is_to_be_paid(row: Owed) -> bool:
    return row.payment.status in ASKABLE and row.payment.voided_at is None


def _rests(row: Owed, reading: Reading) -> bool:
    until = row.payment.snoozed_until
    return until is not None and until > local_date(reading.now, row.group.time_zone)


def address_refused(reading: Reading) -> Facts | None:
    """Nothing is left to say once mail or messages go there again, or the mailbox was removed."""
    address = _address(reading)
    if address is None or not (reading.is_preview or _is_refused(address)):
        return None
    return _about_address(reading, address)


def _is_refused(address: Address) -> bool:
    is_removed_mailbox = address.channel is Channel.EMAIL and not address.value
    return address.refused_since is not None and not is_removed_mailbox


def unsubscribed(reading: Reading) -> Facts | None:
    """Nothing is left to say once requests are wanted there again, or nothing leads there any more."""
    address = _address(reading)
    if address is None or not (reading.is_preview or (address.value and address.unsubscribed_at)):
        return None
    return _about_address(reading, address)


def _address(reading: Reading) -> Address | None:
    return reading.session.get(Address, reading.message.payload["address_id"])


def _about_address(reading: Reading, address: Address) -> Facts:
    member, reason = person(reading, address.contact_id), reading.message.payload.get("reason")
    contact = reading.session.get_one(Contact, address.contact_id)
    return Facts(AboutAddress(member, contact.public_id, address.value, reason, address.channel))


def stale_code(reading: Reading) -> Facts | None:
    """Nothing is left to say once there is a chat that works."""
    contact_id = reading.message.payload["contact_id"]
    if _has_chat(reading.session, contact_id):
        return None
    member = person(reading, contact_id)
    return Facts(About(member, ()), reply_to=member.email)


def _has_chat(session: Session, contact_id: int) -> bool:
    works = (Address.channel == Channel.TELEGRAM, Address.refused_since.is_(None))
    return (
        session.scalar(select(Address.id).where(Address.contact_id == contact_id, *works).limit(1))
        is not None
    )


def bot_refused(reading: Reading) -> Facts | None:
    connection = reading.session.get(Connection, reading.message.payload["connection_id"])
    if connection is None or connection.refused_since is None:
        return None
    return Facts(Plain(reading.workspace.name))
