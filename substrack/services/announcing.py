"""Announcements of what comes: another price, and the next period. Whoever shares it is told, nobody twice.

Whatever changes what comes (a group goes on, ends later, has another cycle or one member more) has this look
again: what came to nothing, is for another day now or never included somebody is announced afresh.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, String, cast, func, literal, select, update
from sqlalchemy.orm import Session

from substrack.domain.cycles import Window, at_hour
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.domain.shares import SplitKind
from substrack.domain.sharing import Stay, sharers_in
from substrack.queries.batches import in_batches
from substrack.queries.calendars import cycle_of
from substrack.queries.groups import price_on
from substrack.queries.shares_told import is_over
from substrack.queries.sharing import rules_of, stay_of, window_from, window_of
from substrack.services.group_rows import has_opened
from substrack.services.opening_notices import heads_up_draft
from substrack.services.outbox import Draft, queue
from substrack.services.schedule import next_opening
from substrack.store import Event, Group, Member, Message, Payment, Period, Price

DAYS_AHEAD: Final = 7
"""How long before the first period at a new price opens its members hear of it."""

_GONE: Final = (MessageState.SENDING, MessageState.SENT)
_LIVE: Final = (MessageState.QUEUED, *_GONE)


def announced_at(group: Group, starts_on: date) -> datetime:
    """Say when members hear of a price whose first period starts on a day."""
    opens_on = starts_on - timedelta(days=group.collect_days_before)
    return at_hour(opens_on - timedelta(days=DAYS_AHEAD), group.hour, group.time_zone)


def announce_price(session: Session, group: Group, price: Price, *, now: datetime) -> None:
    """Queue the notice of a price to everybody who will share its first period, but the payer."""
    window = window_from(group, price.from_on)
    if group.ends_on is None or window.starts_on <= group.ends_on:
        people = _sharing(group, _stays(session, group), window)
        _announce_price(session, group, price, people, _told_of(session, group, price, people), now)


def announce_ahead(session: Session, group: Group, *, only: Member | None = None, now: datetime) -> None:
    """Queue what was not told yet of prices and of the next period; to `only` that member, if given.

    Left out is a price that was to be told to nobody, and whoever knows no other than the one that comes.
    """
    session.flush()
    prices = _prices_ahead(session, group)
    if group.split is SplitKind.VARIABLE or not (prices or group.heads_up_days):
        return
    stays = [stay_of(only)] if only else _stays(session, group)
    for price in prices:
        window = window_from(group, price.from_on)
        if not is_over(group, window) and _is_to_be_told(session, group, price, window):
            people = _sharing(group, stays, window)
            told = _told_of(session, group, price, people)
            knowing = _knowing_another(session, group, window, stays) | {one.contact_id for one in told}
            people = [contact_id for contact_id in people if contact_id in knowing]
            _announce_price(session, group, price, people, told, now)
    _announce_next_period(session, group, stays, now)


def _announce_price(
    session: Session,
    group: Group,
    price: Price,
    people: Collection[int],
    told: Sequence[Row[*tuple[Any, ...]]],
    now: datetime,
) -> None:
    former = _known_before(session, group, price)
    if former is None or former == price.amount_minor:
        return
    window = window_from(group, price.from_on)
    from_on = window.starts_on.isoformat()
    stale = {one.id for one in told if one.state is MessageState.QUEUED and one.payload["from_on"] != from_on}
    _cancel(session, stale, "it comes on another day now")
    last = {
        one.contact_id: one.payload["after_minor"]
        for one in told
        if one.state in _LIVE and one.id not in stale
    }
    key = f"price:{price.id}:{_last_event(session, group)}"
    facts = {"group_id": group.id, "price_id": price.id, "from_on": from_on}
    drafts = [
        Draft(
            workspace_id=group.workspace_id,
            contact_id=contact_id,
            notice=Notice.PRICE_CHANGE,
            dedupe_key=f"{key}:{contact_id}",
            due_at=max(announced_at(group, window.starts_on), now),
            payload=facts | {"after_minor": price.amount_minor},
        )
        for contact_id in people
        if last.get(contact_id) != price.amount_minor
    ]
    queue(session, drafts, now=now)


def _announce_next_period(session: Session, group: Group, stays: Sequence[Stay], now: datetime) -> None:
    """Queue the heads-up of the next period, as its predecessor did when it opened."""
    opens_at = next_opening(group)
    if not group.heads_up_days or not has_opened(group) or opens_at is None or opens_at <= now:
        return
    window = cycle_of(group).window(group.next_sequence)
    people = _sharing(group, stays, window)
    starts_on = window.starts_on.isoformat()
    letters = [
        one
        for one in _heads_ups(session, group, people, after=group.next_sequence - 1)
        if one.payload["starts_on"] == starts_on
    ]
    told = {one.contact_id for one in letters if one.state in _LIVE}
    _free_keys(session, [one.id for one in letters if one.contact_id not in told])
    drafts = [heads_up_draft(group, window, contact_id) for contact_id in people if contact_id not in told]
    queue(session, [replace(draft, due_at=max(draft.due_at, now)) for draft in drafts], now=now)


def call_off_heads_ups(session: Session, group: Group) -> None:
    """Cancel what waits about periods after the next, whose place was given back: its opening announces them.

    Who was told of one already is not told again.
    """
    next_on = cycle_of(group).start_of(group.next_sequence).isoformat()
    people = {stay.contact_id for stay in _stays(session, group)}
    letters = [
        one
        for one in _heads_ups(session, group, people, after=group.next_sequence)
        if one.payload["starts_on"] > next_on
    ]
    told = {(one.contact_id, one.payload["starts_on"]) for one in letters if one.state in _GONE}
    _cancel(session, [one.id for one in letters], "the period before was voided")
    untold = [one.id for one in letters if (one.contact_id, one.payload["starts_on"]) not in told]
    _free_keys(session, untold)


def _heads_ups(
    session: Session, group: Group, people: Collection[int], *, after: int
) -> list[Row[*tuple[Any, ...]]]:
    """Load what was queued to these people about what follows a period, whatever became of it.

    Nothing of it is older than the first time that this period opened, as it announced what follows.
    """
    since = select(func.min(Period.opened_at)).where(Period.group_id == group.id, Period.sequence == after)
    letters = _messages(session, Notice.HEADS_UP, people, since=session.scalar(since))
    return [one for one in letters if one.payload["group_id"] == group.id]


def _prices_ahead(session: Session, group: Group) -> Sequence[Price]:
    """Load the prices of which no period is open yet, in their order."""
    opened = select(func.max(Period.starts_on)).where(Period.group_id == group.id, Period.voided_at.is_(None))
    query = select(Price).where(
        Price.group_id == group.id, Price.from_on > func.coalesce(opened.scalar_subquery(), date.min)
    )
    return session.scalars(query.order_by(Price.from_on)).all()


def _is_to_be_told(session: Session, group: Group, price: Price, window: Window) -> bool:
    """Tell whether a price comes to hold, and was not set without a word to anybody."""
    if price_on(session, group.id, window.starts_on) != price.amount_minor:
        return False
    query = select(Event.after).where(
        Event.group_id == group.id, Event.subject_kind == "group", Event.verb == "price"
    )
    day = price.from_on.isoformat()
    for after in session.scalars(query.order_by(Event.id.desc())):
        if after["from_on"] == day:
            return bool(after.get("is_announced", True))
    return True


def _knowing_another(session: Session, group: Group, window: Window, stays: Sequence[Stay]) -> set[int]:
    """Find who was billed before, or will be before a period."""
    found: set[int] = set()
    if window.sequence > group.next_sequence:
        found.update(_sharing(group, stays, window_of(group, window.sequence - 1)))
    for batch in in_batches({stay.contact_id for stay in stays}):
        query = select(Payment.contact_id).where(
            Payment.group_id == group.id, Payment.contact_id.in_(batch), Payment.voided_at.is_(None)
        )
        found.update(session.scalars(query.distinct()))
    return found


def _known_before(session: Session, group: Group, price: Price) -> int | None:
    """Find which price members suppose: the one until then, or another that was announced in its place.

    What each of them is told of it is read when the letter goes out (`queries.former_prices`).
    """
    former = price_on(session, group.id, price.from_on - timedelta(days=1))
    if former is None or former != price.amount_minor:
        return former
    sent = select(Message.payload).where(
        Message.workspace_id == group.workspace_id,
        Message.notice == Notice.PRICE_CHANGE,
        Message.state.in_(_GONE),
    )
    told = [
        payload for payload in session.scalars(sent.order_by(Message.id)) if payload["price_id"] == price.id
    ]
    return int(told[-1]["after_minor"]) if told else former


def _told_of(
    session: Session, group: Group, price: Price, people: Collection[int]
) -> list[Row[*tuple[Any, ...]]]:
    """Load what was queued about a price to these people, whatever became of it, oldest first."""
    return [
        one for one in _messages(session, Notice.PRICE_CHANGE, people) if one.payload["price_id"] == price.id
    ]


def _messages(
    session: Session, notice: Notice, contact_ids: Collection[int], *, since: datetime | None = None
) -> list[Row[*tuple[Any, ...]]]:
    query = select(Message.id, Message.contact_id, Message.state, Message.payload).where(
        Message.notice == notice
    )
    if since is not None:
        query = query.where(Message.created_at >= since)
    return [
        row
        for batch in in_batches(contact_ids)
        for row in session.execute(query.where(Message.contact_id.in_(batch)).order_by(Message.id))
    ]


def _cancel(session: Session, message_ids: Collection[int], why: str) -> None:
    for batch in in_batches(message_ids):
        session.execute(
            update(Message)
            .where(Message.id.in_(batch), Message.state == MessageState.QUEUED)
            .values(state=MessageState.CANCELLED, last_error=why)
        )


def _free_keys(session: Session, message_ids: Collection[int]) -> None:
    """Let what came to nothing be announced once more."""
    for batch in in_batches(message_ids):
        session.execute(
            update(Message)
            .where(Message.id.in_(batch), Message.state.not_in(_LIVE))
            .values(dedupe_key=literal("came to nothing:") + cast(Message.id, String))
        )


def _stays(session: Session, group: Group) -> list[Stay]:
    members = session.scalars(select(Member).where(Member.group_id == group.id).order_by(Member.id))
    return [stay_of(member) for member in members]


def _sharing(group: Group, stays: Sequence[Stay], window: Window) -> list[int]:
    """List who will share a period, but the payer, in the order in which it is billed."""
    contacts = {stay.key: stay.contact_id for stay in stays}
    sharers = sharers_in(window, stays, rules_of(group))
    return [contacts[sharer.key] for sharer in sharers if not sharer.is_payer]


def _last_event(session: Session, group: Group) -> int | None:
    """Name the act that an announcement follows, so that each announces at most once."""
    return session.scalar(select(func.max(Event.id)).where(Event.group_id == group.id))
