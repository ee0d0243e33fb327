"""Addresses of any channel: what stops messages from going there, and what becomes of those that wait.

A removed address keeps its row, emptied, so that the messages once sent to it stay readable while nothing is
ever sent there again. Admins are told about addresses that stopped working. Locks are taken in the order
contact, address, messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from substrack.domain.actors import TIME, Actor
from substrack.domain.delivery import MessageState
from substrack.domain.errors import NotFound
from substrack.domain.notices import NOTICE_RULES, TO_THE_FORMER, Notice
from substrack.services.access import check_owner
from substrack.services.contact_rows import get_contact, record_contact
from substrack.services.correlation import id_after_told
from substrack.services.locks import lock_contacts
from substrack.services.outbox import Draft, admin_contacts, queue
from substrack.services.schedule import reschedule_contacts
from substrack.store import Address, Message


class UnknownAddress(NotFound):
    """There is no such address."""

    def __init__(self) -> None:
        super().__init__("There is no such address.")


def unsubscribe(session: Session, address_id: int, *, by: Actor, now: datetime) -> None:
    """Stop requests and announcements to an address, never answers; admins are told once. Idempotent.

    Raises:
        UnknownAddress.
    """
    address = _locked_address(session, address_id)
    check_owner(session, by, address.contact_id)
    changed = session.execute(
        update(Address)
        .where(Address.id == address_id, Address.unsubscribed_at.is_(None))
        .values(unsubscribed_at=now)
        .returning(Address.id)
    ).first()
    if changed is None:
        return
    asking = [notice for notice, rules in NOTICE_RULES.items() if rules.is_asking]
    _close_waiting(session, address_id, MessageState.CANCELLED, "the address was unsubscribed", only=asking)
    _settle(session, address, "unsubscribe", Notice.UNSUBSCRIBED, {"address_id": address_id}, by=by, now=now)


def resubscribe(session: Session, address_id: int, *, by: Actor, now: datetime) -> None:
    """Let requests go to an address again. Idempotent.

    Raises:
        UnknownAddress.
    """
    address = _locked_address(session, address_id)
    check_owner(session, by, address.contact_id)
    if address.unsubscribed_at is None:
        return
    address.unsubscribed_at = None
    contact = get_contact(session, address.contact_id)
    record_contact(session, "resubscribe", contact, by=by, now=now, after={"address_id": address_id})
    reschedule_contacts(session, [contact.id], now=now)


def mark_refused(session: Session, address_id: int, *, reason: str, now: datetime) -> None:
    """Note that a provider refuses an address for good; admins are told once, by their other addresses.

    What waits for it becomes dead, visible and ready to be retried once the address is corrected. Idempotent.

    Raises:
        UnknownAddress.
    """
    address = _locked_address(session, address_id)
    changed = session.execute(
        update(Address)
        .where(Address.id == address_id, Address.refused_since.is_(None))
        .values(refused_since=now, reason=reason[:500])
        .returning(Address.id)
    ).first()
    if changed is None:
        return
    _close_waiting(session, address_id, MessageState.DEAD, "the address refuses mail")
    facts = {"address_id": address_id, "reason": reason[:500]}
    _settle(session, address, "refused", Notice.ADDRESS_REFUSED, facts, by=TIME, now=now)


def empty_address(session: Session, address: Address, *, now: datetime) -> bool:
    """Forget where an address leads, and cancel what waits for it; False when it was empty already."""
    if not address.value:
        return False
    address.value = address.value_key = ""
    address.refused_since, address.reason = now, "removed"
    _close_waiting(session, address.id, MessageState.CANCELLED, "the address was removed")
    return True


def _settle(
    session: Session,
    address: Address,
    verb: str,
    notice: Notice,
    payload: dict[str, Any],
    *,
    by: Actor,
    now: datetime,
) -> None:
    """Do what follows when an address is lost for requests: the journal, the admins, the schedule."""
    contact, correlation_id = get_contact(session, address.contact_id), id_after_told()
    facts = {"address_id": address.id}
    record_contact(session, verb, contact, by=by, now=now, after=facts, correlation_id=correlation_id)
    drafts = [
        Draft(
            workspace_id=contact.workspace_id,
            contact_id=admin,
            notice=notice,
            dedupe_key=f"{verb}:{address.id}:{now.isoformat()}:{admin}",
            due_at=now,
            payload=payload,
            correlation_id=correlation_id,
        )
        for admin in admin_contacts(session, contact.workspace_id)
    ]
    queue(session, drafts, now=now)
    reschedule_contacts(session, [contact.id], now=now)


def _close_waiting(
    session: Session,
    address_id: int,
    state: MessageState,
    why: str,
    *,
    only: Sequence[Notice] | None = None,
) -> None:
    """Take what is queued for an address out of the queue; what a worker holds already is on its way."""
    waiting = update(Message).where(
        Message.address_id == address_id,
        Message.state == MessageState.QUEUED,
        Message.notice.not_in(TO_THE_FORMER),
    )
    if only is not None:
        waiting = waiting.where(Message.notice.in_(only))
    session.execute(waiting.values(state=state, last_error=why))


def _locked_address(session: Session, address_id: int) -> Address:
    contact_id = session.scalar(select(Address.contact_id).where(Address.id == address_id))
    if contact_id is None:
        raise UnknownAddress
    lock_contacts(session, [contact_id])
    return session.get_one(Address, address_id, populate_existing=True)
