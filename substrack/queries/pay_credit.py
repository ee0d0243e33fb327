"""What a person has paid ahead: money of theirs that settles nothing yet."""

from __future__ import annotations

from collections.abc import Iterable
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


@dataclass(frozen=True)
class Outlet:
    """A group whose shares are paid to a payer in a currency, and so settled by credit with them."""

    payer_id: int
    currency: str
    group_id: int


def idle_among(credits: Iterable[Credit], outlets: Iterable[Outlet]) -> tuple[Credit, ...]:
    """Choose the credit that settles nothing of what goes to its payer, now or later, as things are set."""
    kept = {(one.payer_id, one.currency, one.group_id) for one in outlets}
    free = {(payer_id, currency, None) for payer_id, currency, _ in kept}
    return tuple(
        one for one in credits if (one.payer_id, one.amount.currency, one.group_id) not in kept | free
    )


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
