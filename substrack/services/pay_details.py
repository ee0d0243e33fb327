"""How members pay for a group: whoever changes it moves their money, so every admin hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor, ActorKind
from substrack.domain.notices import Notice
from substrack.domain.pay_methods import PayMethod
from substrack.queries.groups import load_terms
from substrack.services.journal import record_group
from substrack.services.outbox import Draft, admin_contacts, queue
from substrack.store import Group
from substrack.store import PayMethod as PayMethodRow


def write_pay_methods(session: Session, group: Group, methods: Sequence[PayMethod]) -> None:
    """Replace how to pay for a group that is held, and tell nobody: for a group that is being set up."""
    session.execute(delete(PayMethodRow).where(PayMethodRow.group_id == group.id))
    for position, method in enumerate(methods, start=1):
        label = {"label": method.label} if method.label else {}
        fields = {**method.fields, **label}
        session.add(PayMethodRow(group_id=group.id, position=position, kind=method.kind.value, fields=fields))
    session.flush()


def change_pay_methods(
    session: Session, group: Group, methods: Sequence[PayMethod], *, by: Actor, now: datetime
) -> bool:
    """Replace how to pay for a group that is held; False, and nothing is written, when it is the same.

    All admins are told, the one who acts as well (it may not have been them), once the group had ways to pay
    or has opened a period. From a change of ways on, requests can say that they are new.
    """
    former = load_terms(session, group.id).pay_methods
    if tuple(methods) == former:
        return False
    write_pay_methods(session, group, methods)
    if former:
        group.pay_changed_at = now
    kinds = [method.kind.value for method in methods]
    event = record_group(session, "pay_methods", group, by=by, now=now, after={"kinds": kinds})
    if former or group.next_sequence > 1:
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
