"""What a person has paid ahead: money of theirs that settles nothing yet."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from substrack.domain.money import Money
from substrack.queries.prepared import prepared
from substrack.queries.unallocated import UNALLOCATED, is_money_in
from substrack.store import Contact, Group, Receipt, shared_alias

_Payer = shared_alias(Contact)


@dataclass(frozen=True)
class Credit:
    """Credit with one payer in one currency; `group` when it is kept for one."""

    amount: Money
    payer_id: int
    payer: str
    group_id: int | None
    group: str | None


def load_credits(session: Session, contact_id: int) -> tuple[Credit, ...]:
    """List a person's credit by payer; one statement."""
    rows = session.execute(*_credits(contact_id))
    return tuple(
        Credit(Money(int(minor), currency), payer_id, payer, group_id, group)
        for payer_id, payer, group_id, group, currency, minor in rows
        if minor
    )


@prepared
def _credits(contact_id: int) -> Select[int, str, int | None, str | None, str, int]:
    free = func.sum(UNALLOCATED)
    return (
        select(_Payer.id, _Payer.name, Group.id, Group.name, Receipt.currency, free)
        .join(_Payer, _Payer.id == Receipt.payer_id)
        .outerjoin(Group, Group.id == Receipt.group_id)
        .where(Receipt.contact_id == contact_id, *is_money_in())
        .group_by(_Payer.id, _Payer.name, Group.id, Group.name, Receipt.currency)
        .order_by(_Payer.name, Receipt.currency)
    )
