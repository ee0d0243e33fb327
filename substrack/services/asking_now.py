"""Asking now: an admin asks people before their next slot has come, by our messages or by words of their own.

Either counts as a request: the next slot moves, and nobody is asked twice on one day. Both can be taken back
for the actor's undo time, which is how long our messages wait.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.asking import ASK, ASK_BY_HAND, AskState
from substrack.domain.errors import Phrase, Refused
from substrack.services.access import check_admin
from substrack.services.asking_plan import PersonPlan, plan_asking
from substrack.services.contact_rows import UnknownContact, get_contact
from substrack.services.correlation import new_correlation_id
from substrack.services.group_rows import is_admin
from substrack.services.journal import record
from substrack.services.locks import lock_contacts
from substrack.services.outbox import queue
from substrack.services.request_drafts import count_as_asked, draft_request, write_asked
from substrack.services.schedule import DuePayment, reschedule_payments
from substrack.services.staleness import cancel_stale_requests
from substrack.store import Contact


class NotToBeAsked(Refused):
    """Somebody can't be asked just now; `state` says why."""

    SENTENCES: Final = {
        AskState.ASKED_TODAY: Phrase("They were asked today already; nothing was counted."),
        AskState.ON_ITS_WAY: Phrase("A request to them is on its way; nothing was counted."),
        AskState.TO_CHECK: Phrase("They said they paid. Check that first; nothing was counted."),
        AskState.SNOOZED: Phrase("They asked to wait; nothing was counted."),
        AskState.OBJECTED: Phrase(
            "They said that something is off. Clear that up first; nothing was counted."
        ),
        AskState.LEFT: Phrase("They have left the group; nothing was counted."),
        AskState.PAID: Phrase("There is nothing to ask for any more; nothing was counted."),
    }

    def __init__(self, state: AskState) -> None:
        self.state = state
        super().__init__(self.SENTENCES[state])


@dataclass(frozen=True)
class Asked:
    """One person who is asked: `correlation_id` takes it back; `waits_until` is None when it goes at once."""

    name: str
    correlation_id: str
    waits_until: datetime | None


def ask_people(
    session: Session,
    workspace_id: int,
    contact_ids: Collection[int],
    *,
    group_id: int | None = None,
    only_rested: bool = False,
    at_any_hour: bool = False,
    by: Actor,
    now: datetime,
) -> list[Asked]:
    """Queue a request to each of these people who can be asked; the others are left as they are.

    `only_rested` leaves out whom a group would not ask again yet. The messages wait for the actor's undo
    time, and for the hours in which people are asked unless they go `at_any_hour`. A second press finds
    everybody asked and changes nothing.
    """
    check_admin(session, by, workspace_id)
    here = select(Contact.id).where(Contact.workspace_id == workspace_id, Contact.id.in_(contact_ids))
    locked = lock_contacts(session, session.scalars(here))
    cancel_stale_requests(session, locked, now=now)
    planned = plan_asking(session, locked, group_id=group_id, now=now)
    plans = [one for one in planned if (one.is_asked if only_rested else one.can_be_asked)]
    due_at = now + timedelta(seconds=by.undo_seconds)
    asked = {plan.contact_id: new_correlation_id() for plan in plans}
    counted = {plan.contact_id: count_as_asked(plan.entries) for plan in plans}
    drafts = [
        draft_request(
            plan.contact_id,
            counted[plan.contact_id],
            now=now,
            due_at=due_at,
            correlation_id=asked[plan.contact_id],
            at_any_hour=at_any_hour,
            is_second=plan.state is AskState.ASKED_ELSE,
        )
        for plan in plans
    ]
    write_asked(session, [entry for entries in counted.values() for entry in entries])
    queue(session, drafts, now=now)
    for plan in plans:
        _record(session, ASK, plan, counted[plan.contact_id], asked[plan.contact_id], by=by, now=now)
    _reschedule(session, plans, now)
    return [
        Asked(plan.name, asked[plan.contact_id], None if at_any_hour else plan.waits_until) for plan in plans
    ]


def note_asked_by_hand(
    session: Session, contact_id: int, *, group_id: int | None = None, by: Actor, now: datetime
) -> Asked:
    """Count that an admin has asked somebody in words of their own, also whom we cannot reach.

    Raises:
        UnknownContact: not there, or not this actor's; NotToBeAsked: they were asked today, or may not be.
    """
    contact = get_contact(session, contact_id)
    if not is_admin(session, by, contact.workspace_id):
        raise UnknownContact
    lock_contacts(session, [contact_id])
    cancel_stale_requests(session, [contact_id], now=now)
    session.refresh(contact)
    (plan,) = plan_asking(session, [contact_id], group_id=group_id, now=now)
    if not plan.can_be_asked_by_hand:
        raise NotToBeAsked(plan.state)
    correlation_id = new_correlation_id()
    counted = count_as_asked(plan.entries)
    write_asked(session, counted)
    _record(session, ASK_BY_HAND, plan, counted, correlation_id, by=by, now=now)
    _reschedule(session, [plan], now)
    return Asked(plan.name, correlation_id, None)


def _facts(entry: DuePayment) -> dict[str, Any]:
    """Write down how often and when a payment, and its contact for anything, was asked, and who was told."""
    asked_on, anything_on = entry.payment.requested_on, entry.payment.anything_requested_on
    told_at = entry.payment.exhausted_at
    return {
        "requests_sent": entry.payment.requests_sent,
        "exhausted_at": told_at.isoformat() if told_at else None,
        "requested_on": asked_on.isoformat() if asked_on else None,
        "contact_requested_on": anything_on.isoformat() if anything_on else None,
    }


def _record(
    session: Session,
    verb: str,
    plan: PersonPlan,
    counted: Sequence[DuePayment],
    correlation_id: str,
    *,
    by: Actor,
    now: datetime,
) -> None:
    for former, entry in zip(plan.entries, counted, strict=True):
        record(
            session,
            verb,
            by=by,
            now=now,
            workspace_id=entry.payment.workspace_id,
            group_id=entry.payment.group_id,
            payment_id=entry.payment.id,
            subject_kind="payment",
            subject_id=entry.payment.id,
            before=_facts(former),
            after=_facts(entry),
            correlation_id=correlation_id,
        )


def _reschedule(session: Session, plans: Sequence[PersonPlan], now: datetime) -> None:
    """Work out the next slots once it is written down that an admin asked, and not time."""
    keys = [entry.payment.id for plan in plans for entry in plan.entries]
    reschedule_payments(session, keys, now=now)
