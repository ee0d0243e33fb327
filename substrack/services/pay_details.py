"""How members pay for a group: whoever changes it moves their money, so every admin hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, ActorKind
from substrack.domain.notices import Notice
from substrack.domain.pay_methods import PayMethod
from substrack.domain.terms import GroupTerms
from substrack.queries.groups import load_pay_methods
from substrack.queries.known_ways import PAID_AGAIN
from substrack.services.journal import record_group
from substrack.services.outbox import Draft, admin_contacts, queue
from substrack.store import Group
from substrack.store import PayMethod as PayMethodRow


def write_pay_methods(session: Session, group: Group, methods: Sequence[PayMethod]) -> None:
    """Replace how to pay the payer of a group that is held, and tell nobody: for one that is being set up."""
    theirs = (PayMethodRow.group_id == group.id, PayMethodRow.payer_id == group.payer_id)
    session.execute(delete(PayMethodRow).where(*theirs))
    for position, method in enumerate(methods, start=1):
        label = {"label": method.label} if method.label else {}
        fields = {**method.fields, **label}
        whose = {"group_id": group.id, "payer_id": group.payer_id}
        session.add(PayMethodRow(**whose, position=position, kind=method.kind.value, fields=fields))
    session.flush()


def change_pay_methods(
    session: Session,
    group: Group,
    methods: Sequence[PayMethod],
    *,
    former: GroupTerms,
    by: Actor,
    now: datetime,
) -> bool:
    """Replace how to pay the payer of a group that is held; False when it stays as in its `former` terms.

    Where another is the payer now, ways that were left as they were stay those of who was, for what is still
    owed to them: an account is somebody's once an admin has said so. The new payer has those that were
    written for them when they were it before, or none.

    All admins are told, the one who acts as well (it may not have been them), once the group had ways to pay
    or has opened a period. From a change of ways on, requests can say that they are new; the journal keeps
    whether they are those that the payer had before, which some know.
    """
    theirs = load_pay_methods(session, group.id)
    if tuple(methods) != former.pay_methods:
        write_pay_methods(session, group, methods)
    ways, is_same_payer = tuple(load_pay_methods(session, group.id)), group.payer_id == former.payer_id
    if ways == former.pay_methods and (is_same_payer or not ways):
        return False
    if former.pay_methods:
        group.pay_changed_at = now
    facts: dict[str, Any] = {"kinds": [method.kind.value for method in ways]}
    if not is_same_payer and ways == tuple(theirs):
        facts[PAID_AGAIN] = True
    event = record_group(session, "pay_methods", group, by=by, now=now, after=facts)
    if former.pay_methods or group.next_sequence > 1:
        _tell_admins(session, group, f"pay_details:{event.correlation_id}", by=by, now=now)
    session.flush()
    return True


def _tell_admins(session: Session, group: Group, key: str, *, by: Actor, now: datetime) -> None:
    payload = {"group_id": group.id, "by": by.id if by.kind is ActorKind.USER else None}
    drafts = [
        Draft(
            workspace_id=group.workspace_id,
            contact_id=admin,
            notice=Notice.PAY_DETAILS_CHANGED,
            dedupe_key=f"{key}:{admin}",
            due_at=now,
            payload=payload,
        )
        for admin in admin_contacts(session, group.workspace_id)
    ]
    queue(session, drafts, now=now)
