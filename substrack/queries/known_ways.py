"""Who knows the ways to pay somebody who is paid again: they were asked for something by these before."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from substrack.domain.payments import PaymentKind
from substrack.queries.prepared import prepared
from substrack.store import Event, Group, Payment

PAID_AGAIN: Final = "paid_again"
"""What the journal keeps of a change by which somebody is paid again in the ways that were theirs before."""


def load_who_knows(
    session: Session, group_ids: Collection[int], contact_ids: Collection[int]
) -> set[tuple[int, int]]:
    """Find who of some people knows how to pay some groups, by group and person; one statement.

    It is only known of groups whose last change of ways brought back former ones.
    """
    rows = session.execute(*_who_knows(sorted(group_ids), sorted(contact_ids)))
    return {(group_id, contact_id) for group_id, contact_id in rows}


@prepared
def _who_knows(group_ids: list[int], contact_ids: list[int]) -> Select[int, int]:
    brought_back = exists().where(
        Event.group_id == Group.id,
        Event.at == Group.pay_changed_at,
        Event.verb == "pay_methods",
        Event.after[PAID_AGAIN].as_boolean(),
    )
    return (
        select(Payment.group_id, Payment.contact_id)
        .join(Group, Group.id == Payment.group_id)
        .where(
            Group.id.in_(group_ids),
            Payment.contact_id.in_(contact_ids),
            Payment.payer_id == Group.payer_id,
            Payment.kind == PaymentKind.DUES,
            Payment.created_at < Group.pay_changed_at,
            brought_back,
        )
        .distinct()
    )
