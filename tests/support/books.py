"""The books: everything that must be true of a ledger at any moment, whatever was done to it.

`check_books` reads the whole database and knows nothing of the services: it is the same yardstick for a
single test, for a race and for a machine that does things at random. That one asks after each of half a
million steps: tables are read once, as plain rows, by statements that are made once.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, or_, select
from sqlalchemy.orm import Session

from substrack.domain.cycles import local_date
from substrack.domain.delivery import MessageState
from substrack.domain.notices import REQUESTS
from substrack.domain.payments import ASKABLE, CLOSED, TRANSITIONS, Act, PaymentKind, Status
from substrack.store import (
    Allocation,
    Attempt,
    AttemptItem,
    AttemptState,
    Event,
    Group,
    Member,
    Message,
    MessageItem,
    Payment,
    Period,
    Receipt,
    Workspace,
)

MONEY_AND_STATUS = ("status", "amount", "received", "written_off", "version")

_PAYMENTS: Any = Payment.__table__.c
_RECEIPTS: Any = Receipt.__table__.c
_ALLOCATIONS: Any = Allocation.__table__.c
_ATTEMPTS: Any = Attempt.__table__.c
_CLAIMED: Any = AttemptItem.__table__.c
_PERIODS: Any = Period.__table__.c
_EVENTS: Any = Event.__table__.c
_MESSAGES: Any = Message.__table__.c
_ITEMS: Any = MessageItem.__table__.c
_GROUPS: Any = Group.__table__.c
_WORKSPACES: Any = Workspace.__table__.c
_MEMBERS: Any = Member.__table__.c

PAYMENTS: Final = select(Payment.__table__)
RECEIPTS: Final = select(Receipt.__table__)
ALLOCATIONS: Final = select(Allocation.__table__).where(_ALLOCATIONS.voided_at.is_(None))
OPEN_ATTEMPTS: Final = select(_ATTEMPTS.id).where(_ATTEMPTS.state == AttemptState.OPEN)
OPEN_ITEMS: Final = select(_CLAIMED.attempt_id, _CLAIMED.payment_id).where(
    _CLAIMED.state == AttemptState.OPEN
)
PERIODS: Final = select(Period.__table__).where(_PERIODS.voided_at.is_(None))
LEAVERS: Final = select(_MEMBERS.id).where(_MEMBERS.left_on.is_not(None))
EVENTS: Final = (
    select(_EVENTS.payment_id, _EVENTS.verb, _EVENTS.actor_kind, _EVENTS.before, _EVENTS.after)
    .where(_EVENTS.payment_id.is_not(None))
    .order_by(_EVENTS.id)
)
REQUESTED: Final = (
    select(_MESSAGES.id, _MESSAGES.contact_id, _MESSAGES.channel, _MESSAGES.created_at, _WORKSPACES.time_zone)
    .join(Workspace.__table__, _WORKSPACES.id == _MESSAGES.workspace_id)
    .where(
        _MESSAGES.notice.in_(REQUESTS),
        _MESSAGES.last_error.is_distinct_from("stale"),
        # Erasing forgets why, of all that it or anything before cancelled.
        or_(_MESSAGES.state != MessageState.CANCELLED, _MESSAGES.last_error.is_not(None)),
    )
    .order_by(_MESSAGES.id)
)
REPEATS: Final = (
    select(_ITEMS.message_id, _GROUPS.repeat_every_days)
    .join(Payment.__table__, _PAYMENTS.id == _ITEMS.payment_id)
    .join(Group.__table__, _GROUPS.id == _PAYMENTS.group_id)
)

Line = Row[*tuple[Any, ...]]
Lines = dict[int, Line]


def check_books(session: Session) -> None:
    """Fail with what is wrong about payments, receipts, claims, periods, events or requests."""
    books = session.connection()
    payments = _by_key(books, PAYMENTS)
    _check_money(books, payments)
    _check_claims(books, payments)
    _check_periods(books, payments)
    _check_times(books, payments)
    _check_history(books, payments)
    _check_requests(books)


def _by_key(books: Connection, rows: Select[Any]) -> Lines:
    return {row.id: row for row in books.execute(rows)}


def _check_money(books: Connection, payments: Lines) -> None:
    receipts = _by_key(books, RECEIPTS)
    settled: dict[int, int] = defaultdict(int)
    used: dict[int, int] = defaultdict(int)
    for allocation in books.execute(ALLOCATIONS):
        payment, receipt = payments[allocation.payment_id], receipts[allocation.receipt_id]
        assert receipt.voided_at is None, f"payment {payment.id} lives on void receipt {receipt.id}"
        assert (payment.contact_id, payment.payer_id) == (receipt.contact_id, receipt.payer_id)
        assert payment.currency == receipt.currency
        settled[payment.id] += allocation.amount_minor
        used[receipt.id] += allocation.amount_minor
    for key, minor in used.items():
        assert minor <= receipts[key].amount_minor, f"receipt {key} settles more than it brought"
    for payment in payments.values():
        assert payment.received_minor == settled[payment.id], (
            f"payment {payment.id} and its allocations differ"
        )
        _check_standing(payment)


def _check_standing(payment: Line) -> None:
    left = payment.amount_minor - payment.received_minor - payment.written_off_minor
    assert payment.received_minor <= payment.amount_minor
    if payment.voided_at is not None:
        assert payment.received_minor == payment.written_off_minor == 0
    elif payment.status is Status.CONFIRMED:
        assert left == 0, f"payment {payment.id} is confirmed and {left} short"
    elif payment.status in ASKABLE:
        assert left > 0, f"payment {payment.id} is {payment.status} with nothing left to pay"
    if payment.status is not Status.CONFIRMED:
        assert payment.written_off_minor == 0


def _check_claims(books: Connection, payments: Lines) -> None:
    waiting: dict[int, int] = defaultdict(int)
    items = books.execute(OPEN_ITEMS).all()
    for item in items:
        waiting[item.payment_id] += 1
    for payment in payments.values():
        is_claimed = payment.status is Status.MEMBER_CONFIRMED
        assert waiting[payment.id] == is_claimed, f"payment {payment.id} is {payment.status}"
        assert not (is_claimed and payment.voided_at)
    assert set(books.scalars(OPEN_ATTEMPTS)) == {item.attempt_id for item in items}, (
        "an attempt is open exactly while an item is"
    )


def _check_periods(books: Connection, payments: Lines) -> None:
    live = [payment for payment in payments.values() if payment.voided_at is None]
    seats = [(payment.period_id, payment.member_id) for payment in live]
    assert len(seats) == len(set(seats)), "somebody owes a period twice"
    periods = books.execute(PERIODS).all()
    places = [(period.group_id, period.sequence) for period in periods]
    assert len(places) == len(set(places)), "a period was opened twice"
    owed: dict[int, list[Line]] = defaultdict(list)
    for payment in live:
        owed[payment.period_id].append(payment)
    for period in periods:
        _check_sum(period, owed[period.id])
    orphans = owed.keys() - {period.id for period in periods}
    assert not orphans, f"live payments of void periods {orphans}"


def _check_sum(period: Line, payments: Sequence[Line]) -> None:
    if period.total_minor is None:
        assert not payments, f"period {period.id} has payments without a bill"
        assert period.billed_minor is None
        return
    payers = {payment.payer_id for payment in payments}
    assert payers <= {period.payer_id}, f"period {period.id} is paid to {payers}"
    dues = sum(payment.amount_minor for payment in payments if payment.kind is PaymentKind.DUES)
    own = [payment for payment in payments if payment.kind is PaymentKind.OWN]
    assert dues + period.payer_part_minor == period.total_minor, f"period {period.id} does not add up"
    assert period.total_minor == max(period.billed_minor, dues), f"period {period.id} forgot its bill"
    for payment in own:
        assert payment.amount_minor == period.payer_part_minor
        assert payment.status is Status.CONFIRMED


def _check_times(books: Connection, payments: Lines) -> None:
    leavers = set(books.scalars(LEAVERS))
    for payment in payments.values():
        if payment.voided_at is not None or payment.status in CLOSED:
            assert payment.next_action_at is None, f"time still acts on payment {payment.id}"
        else:
            rests = payment.status is Status.OVERDUE or payment.member_id in leavers
            assert payment.next_action_at is not None or rests
        assert 0 <= payment.requests_before <= payment.requests_sent
        assert payment.exhausted_at is None or payment.exhausted_at >= payment.pending_at
        is_closed = payment.status in CLOSED and payment.voided_at is None
        assert (payment.closed_at is not None) == is_closed or payment.voided_at is not None


def _check_history(books: Connection, payments: Lines) -> None:
    histories: dict[int, list[Line]] = defaultdict(list)
    for event in books.execute(EVENTS):
        if event.after and "version" in event.after:
            histories[event.payment_id].append(event)
    for payment in payments.values():
        history = histories[payment.id]
        assert history[0].verb == "open"
        for earlier, later in pairwise(history):
            _check_link(payment, _facts(earlier.after), _facts(later.before), later)
        assert _facts(history[-1].after)["version"] == payment.version, (
            f"an unjournalled change of {payment.id}"
        )
        assert _facts(history[-1].after)["status"] == payment.status
        for event in history[1:]:
            _check_legal(event)


def _check_link(payment: Line, after: dict[str, Any], before: dict[str, Any], event: Line) -> None:
    same = {name: before[name] for name in after}
    assert after == same, f"gap in the history of payment {payment.id} before “{event.verb}”"


def _facts(facts: dict[str, Any] | None) -> dict[str, Any]:
    return {name: facts[name] for name in MONEY_AND_STATUS if facts and name in facts}


def _check_legal(event: Line) -> None:
    before, after = _facts(event.before), _facts(event.after)
    assert after["version"] == before["version"] + 1
    source, target = Status(before["status"]), Status(after["status"])
    if event.verb == Act.UNDO or event.verb == "restore":
        return
    if event.verb in ("void", "settle"):
        assert target in (source, Status.PENDING, Status.CONFIRMED)
        return
    row = TRANSITIONS[Act(event.verb)]
    assert source in row.sources, f"{event.verb} from {source}"
    assert target in row.targets, f"{event.verb} to {target}"
    assert event.actor_kind in row.actors, f"{event.verb} by {event.actor_kind}"


def _check_requests(books: Connection) -> None:
    """None to a person twice within the shortest repeat of its groups; what went stale asked nobody."""
    asked: dict[tuple[int | None, str], list[tuple[date, int]]] = defaultdict(list)
    repeats = _repeats_by_message(books)
    for message in books.execute(REQUESTED):
        day = local_date(message.created_at, message.time_zone)
        asked[message.contact_id, message.channel].append((day, repeats[message.id]))
    for (contact_id, _channel), days in asked.items():
        for (earlier, _repeat), (later, repeat) in pairwise(days):
            assert (later - earlier).days >= repeat, f"contact {contact_id} asked on {earlier} and {later}"


def _repeats_by_message(books: Connection) -> dict[int, int]:
    found: dict[int, int] = {}
    for message_id, repeat in books.execute(REPEATS):
        found[message_id] = min(repeat, found.get(message_id, repeat))
    return found
