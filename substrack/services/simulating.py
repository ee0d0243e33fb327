"""Changes to a group that are looked at before they are made, and told to those they touch.

Looking makes the change in a savepoint, reads everybody's share before and after, and takes it back: what is
shown is what will happen, refusals included. Everybody whose share changes gets one notice, however much
changed at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.collecting import FirstRequest
from substrack.domain.delivery import MessageState
from substrack.domain.errors import Conflict
from substrack.domain.money import Money
from substrack.domain.notices import Notice
from substrack.domain.requests import first_requests
from substrack.domain.simulation import (
    GroupChange,
    Hearing,
    Outlook,
    ShareChange,
    Why,
    first_difference,
    lasting_difference,
)
from substrack.queries.collection_days import load_askable
from substrack.queries.namesakes import names_of
from substrack.queries.outlooks import load_outlooks
from substrack.services.group_rows import hold_group
from substrack.services.outbox import Draft, queue, usable_addresses
from substrack.services.schedule import asked_from_start, rules_of_group
from substrack.store import Event, Group, Message

Act = Callable[[Session], object]
"""The change itself: a call of the service that makes it."""


class SeenOtherwise(Conflict):
    """The change would do something else by now than what was looked at; `change` is what it would do."""

    def __init__(self, change: GroupChange) -> None:
        self.change = change
        super().__init__("Something else changed in the meantime; look at it again before you apply it.")


def look_ahead(
    session: Session, group_id: int, act: Act, *, day: date, by: Actor, now: datetime
) -> GroupChange | None:
    """Say what a change around a day would do to everybody's share, and leave everything as it is.

    None when it changes nobody's share.

    Raises:
        Refused: the change itself is refused.
    """
    group = hold_group(session, group_id, by)
    return _try(session, group, act, day, now, keeps=lambda _change: False)


def carry_out(
    session: Session,
    group_id: int,
    act: Act,
    *,
    day: date,
    seen: str | None,
    why: Why | None,
    by: Actor,
    now: datetime,
) -> GroupChange | None:
    """Make a change; with a `why`, everybody whose share it changes is told, but for who only joins.

    `seen` is the mark of what was looked at. None when the change touches nobody's share; when something else
    was seen then, it was made already, and a second press does nothing.

    Raises:
        SeenOtherwise: it would not do what was looked at; the caller gives up its transaction.
        Refused: the change itself is refused.
    """
    group = hold_group(session, group_id, by)
    # What changes nothing by now was made by an earlier press, of which no trace is to be left twice.
    change = _try(session, group, act, day, now, keeps=lambda change: change is not None or seen is None)
    if change is None:
        return None
    if seen != mark_of(change):
        raise SeenOtherwise(change)
    if why is not None:
        _tell(session, group, change, why, now)
    return change


def mark_of(change: GroupChange) -> str:
    """Make the short mark by which a page says what was looked at."""
    # Without the keys of people: whoever is new has another one each time the change is tried.
    seen = [
        (
            astuple(part.window),
            part.total_before,
            part.total_after,
            [astuple(replace(one, contact_id=0)) for one in part.people],
        )
        for part in (change, change.lasting)
        if part
    ]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


class _TakenBack(Exception):
    """Leaves a savepoint that is to be taken back, with what was read in it."""

    def __init__(self, change: GroupChange | None) -> None:
        self.change = change
        super().__init__()


def _try(
    session: Session,
    group: Group,
    act: Act,
    day: date,
    now: datetime,
    *,
    keeps: Callable[[GroupChange | None], bool],
) -> GroupChange | None:
    """Make a change in a savepoint, which is taken back unless it is to be kept."""
    before = load_outlooks(session, group, day)
    try:
        with session.begin_nested():
            act(session)
            change = _compare(session, group, before, day, now)
            if not keeps(change):
                raise _TakenBack(change)
    except _TakenBack as trial:
        return trial.change
    return change


def _compare(
    session: Session, group: Group, before: list[Outlook], day: date, now: datetime
) -> GroupChange | None:
    session.flush()
    session.refresh(group)
    after = load_outlooks(session, group, day)
    found = first_difference(before, after)
    if found is None:
        return None
    lasting = lasting_difference(before, after, found[1])
    outlooks = [*reversed(found), *reversed(lasting or ())]
    contact_ids = list(dict.fromkeys(key for outlook in outlooks for key in outlook.shares))
    names = names_of(session, contact_ids)
    whom = _Whom({key: names[key] for key in contact_ids}, _reachable(session, contact_ids))
    stays = _change(group, *lasting, whom, set()) if lasting else None
    touched = {one.contact_id for one in stays.told + stays.unreachable} if stays else set()
    first = _change(group, *found, whom, touched)
    return replace(first, first_requests=_first_requests(session, group, found[1], now), lasting=stays)


@dataclass(frozen=True)
class _Whom:
    """The people of a change: their names, and whom an announcement reaches."""

    names: Mapping[int, str]
    reachable: Collection[int]


def _change(
    group: Group, then: Outlook, later: Outlook, whom: _Whom, touched: Collection[int]
) -> GroupChange:
    """Compare one period before and after; `touched` are those whom the change touches later on."""
    people = [_person(group, then, later, key, whom, key in touched) for key in whom.names]
    return GroupChange(
        window=later.window,
        total_before=_money(then.total_minor, group),
        total_after=_money(later.total_minor, group),
        people=tuple(sorted(people, key=lambda one: one.is_payer)),
    )


def _first_requests(
    session: Session, group: Group, outlook: Outlook, now: datetime
) -> dict[int, FirstRequest]:
    """Foretell when a period is first asked for, by the terms of the group as they are now."""
    if group.paused_at is not None or group.archived_at is not None:
        return {}
    owing = [contact_id for contact_id in outlook.shares if contact_id != group.payer_id]
    rules, found = rules_of_group(group), dict[int, FirstRequest]()
    for contact_id, day in load_askable(session, owing).items():
        first_on = outlook.first_days.get(contact_id)
        asked_on = asked_from_start(group, outlook.window.starts_on, now, first_on=first_on)
        found |= first_requests(asked_on, {contact_id: day}, rules, now)
    return found


def _person(
    group: Group, then: Outlook, later: Outlook, contact_id: int, whom: _Whom, is_touched_later: bool
) -> ShareChange:
    before, after = then.shares.get(contact_id), later.shares.get(contact_id)
    was_in, is_in = contact_id in then.shares, contact_id in later.shares
    rests = group.paused_at is not None or group.archived_at is not None
    differs = (was_in, before) != (is_in, after) or is_touched_later
    is_touched = differs and contact_id != group.payer_id and not rests
    told = Hearing.TOLD if contact_id in whom.reachable else Hearing.UNREACHABLE
    return ShareChange(
        contact_id=contact_id,
        name=whom.names[contact_id],
        is_payer=contact_id == group.payer_id,
        was_in=was_in,
        is_in=is_in,
        before=_money(before, group),
        after=_money(after, group),
        weights=(then.weights.get(contact_id, 1), later.weights.get(contact_id, 1)),
        hearing=told if is_touched else Hearing.UNTOUCHED,
        is_own=was_in != is_in or then.days.get(contact_id) != later.days.get(contact_id),
    )


def _money(minor: int | None, group: Group) -> Money | None:
    return None if minor is None else Money(minor, group.currency)


def _reachable(session: Session, contact_ids: Iterable[int]) -> set[int]:
    """Find whom an announcement reaches: somewhere that works and was not unsubscribed."""
    found = usable_addresses(session, contact_ids)
    return {
        contact_id
        for contact_id, addresses in found.items()
        if any(address.unsubscribed_at is None for address in addresses)
    }


def _tell(session: Session, group: Group, change: GroupChange, why: Why, now: datetime) -> None:
    """Queue one notice to each, about the first period that touches them."""
    told = [one for one in change.told if one.is_changed]
    _tell_of(session, group, change, told, why, now)
    if change.lasting:
        heard = {one.contact_id for one in told}
        later = [one for one in change.lasting.told if one.contact_id not in heard]
        _tell_of(session, group, change.lasting, later, why, now)


def _tell_of(
    session: Session,
    group: Group,
    change: GroupChange,
    touched: Sequence[ShareChange],
    why: Why,
    now: datetime,
) -> None:
    """Queue what is told of one period; what an unsent notice already says of it is taken over."""
    told = [one for one in touched if one.was_in or why is not Why.JOIN]
    known, own = _take_over(session, group, change.window.starts_on, told)
    latest = session.scalar(select(func.max(Event.id)).where(Event.group_id == group.id))
    drafts = []
    for one in told:
        before, after = known.get(one.contact_id, _minor(one.before)), _minor(one.after)
        leaves = not one.is_in
        if leaves or (after is not None and after != before):
            is_own = one.is_own or one.contact_id in own
            facts = {"before_minor": before, "after_minor": after, "leaves": leaves, "is_own": is_own}
            drafts.append(_draft(group, change, one.contact_id, why, latest, facts, now))
    queue(session, drafts, now=now)


def _minor(money: Money | None) -> int | None:
    return money.minor if money else None


def _take_over(
    session: Session, group: Group, from_on: date, told: Iterable[ShareChange]
) -> tuple[dict[int, int | None], set[int]]:
    """Cancel what is queued about the same day; return which share each person still supposes for it.

    And whose own coming or going was to be told. What is queued about an earlier day is told as it is. What
    comes later begins with the share of this day, and is over for who leaves on it.
    """
    changes = {one.contact_id: one for one in told}
    known: dict[int, int | None] = {}
    own: set[int] = set()
    later: dict[int, list[Message]] = {}
    for message in _waiting(session, group):
        one, day = changes.get(message.contact_id or 0), date.fromisoformat(message.payload["from_on"])
        if one is None or day < from_on:
            continue
        if day == from_on:
            known.setdefault(one.contact_id, message.payload["before_minor"])
            own.update({one.contact_id} if message.payload.get("is_own") else ())
        if day == from_on or not one.is_in:
            message.state, message.last_error = MessageState.CANCELLED, "the share changed again"
        else:
            later.setdefault(one.contact_id, []).append(message)
    for contact_id, messages in later.items():
        _begin_with(_minor(changes[contact_id].after), messages)
    session.flush()
    return known, own


def _waiting(session: Session, group: Group) -> list[Message]:
    """Load the notices of this group's shares that were not sent yet, oldest first."""
    query = select(Message).where(
        Message.workspace_id == group.workspace_id,
        Message.notice == Notice.SHARE_CHANGED,
        Message.state == MessageState.QUEUED,
    )
    found = session.scalars(query.order_by(Message.id))
    return [message for message in found if message.payload["group_id"] == group.id]


def _begin_with(share_minor: int | None, messages: Sequence[Message]) -> None:
    """Let the next of some notices say what the share was until then; the letter is left out if it stays."""
    next_on = min(message.payload["from_on"] for message in messages)
    for message in messages:
        if message.payload["from_on"] == next_on:
            message.payload = message.payload | {"before_minor": share_minor}


def _draft(
    group: Group,
    change: GroupChange,
    contact_id: int,
    why: Why,
    event_id: int | None,
    facts: dict[str, Any],
    now: datetime,
) -> Draft:
    return Draft(
        workspace_id=group.workspace_id,
        contact_id=contact_id,
        notice=Notice.SHARE_CHANGED,
        dedupe_key=f"share:{group.id}:{event_id}:{contact_id}",
        due_at=now,
        payload={
            "group_id": group.id,
            "from_on": change.window.starts_on.isoformat(),
            "why": why.value,
            **facts,
        },
    )
