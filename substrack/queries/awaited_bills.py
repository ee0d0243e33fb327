"""Bills that are not in yet: open periods that somebody shares and whose total nobody has entered."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from substrack.domain.cycles import Window
from substrack.domain.sharing import SharingRules, sharers_in
from substrack.domain.spans import Span
from substrack.queries.letter_items import span_of
from substrack.queries.prepared import prepared
from substrack.queries.sharing import rules_of, stay_of
from substrack.store import Contact, Group, Member, Period, shared_alias

_Payer = shared_alias(Contact)


@dataclass(frozen=True)
class Awaited:
    """One period of a group that is open while its bill is not in."""

    group_id: int
    group: str
    payer_id: int
    payer: str
    currency: str
    span: Span


def load_awaited(session: Session, contact_id: int) -> tuple[Awaited, ...]:
    """List the periods that a person shares and whose bill is not in yet, oldest first (one statement).

    Whoever pays for the group by now shared those that are paid to another.
    """
    members: dict[Period, list[Member]] = defaultdict(list)
    whose: dict[Period, tuple[Group, str]] = {}
    for period, group, payer, member in session.execute(*_unbilled(contact_id)):
        members[period].append(member)
        whose[period] = group, payer
    return tuple(
        _awaited(period, *whose[period])
        for period, own in members.items()
        if sharers_in(_window(period), map(stay_of, own), _rules(whose[period][0], period))
    )


@prepared
def _unbilled(contact_id: int) -> Select[Period, Group, str, Member]:
    return (
        select(Period, Group, _Payer.name, Member)
        .join(Group, Group.id == Period.group_id)
        .join(_Payer, _Payer.id == Period.payer_id)
        .join(Member, Member.group_id == Group.id)
        .where(
            Member.contact_id == contact_id,
            Period.payer_id != contact_id,
            Group.archived_at.is_(None),
            Period.billed_at.is_(None),
            Period.voided_at.is_(None),
        )
        .order_by(Period.starts_on, Period.id, Member.id)
    )


def _rules(group: Group, period: Period) -> SharingRules:
    return replace(rules_of(group), payer_id=period.payer_id)


def _window(period: Period) -> Window:
    return Window(period.sequence, period.starts_on, period.ends_on)


def _awaited(period: Period, group: Group, payer: str) -> Awaited:
    return Awaited(
        group_id=group.id,
        group=group.name,
        payer_id=period.payer_id,
        payer=payer,
        currency=group.currency,
        span=span_of(group, period.starts_on, period.ends_on),
    )
