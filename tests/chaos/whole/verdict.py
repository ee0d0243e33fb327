"""The verdict: hold the history against the books, once everything is quiet. Every finding is a sentence."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.store import Attempt, AttemptItem, Event, Payment, Receipt
from tests.chaos.relay import Accepted
from tests.chaos.whole.deeds import (
    SLACK_SECONDS,
    Deed,
    Journal,
    Line,
    attribute,
    read_journal,
    verb_of,
)
from tests.chaos.whole.history import Act, Outcome
from tests.chaos.whole.mails import judge_mails
from tests.chaos.whole.model import State, replay
from tests.support.books import check_books

CLAIMS_A_DAY: Final = 3
ANYWAY: Final = {
    "claim": frozenset({"member_confirmed", "confirmed", "waived"}),
    "snooze": frozenset({"member_confirmed", "confirmed", "waived"}),
    "withdraw": frozenset({"pending", "overdue", "confirmed", "waived"}),
    "confirm": frozenset({"confirmed"}),
    "waive": frozenset({"waived"}),
    "unwaive": frozenset({"pending", "overdue", "member_confirmed", "confirmed"}),
}
"""In which statuses an act changes nothing and gets the same calm answer."""


@dataclass(frozen=True)
class Start:
    """Where an experiment began: the last event by then, and how each payment stood, by public id."""

    event_id: int
    states: Mapping[str, State]


@dataclass(frozen=True)
class Stage:
    """One state of a payment: between which instants it can have been seen, at the most."""

    state: State
    since: float
    until: float


def begin(session: Session) -> Start:
    """Note how everything stands."""
    last = session.scalars(select(Event.id).order_by(Event.id.desc()).limit(1)).one()
    dues = session.scalars(select(Payment).where(Payment.kind == "dues"))
    return Start(last, {payment.public_id: _state_of(payment) for payment in dues})


def judge(session: Session, start: Start, acts: Sequence[Act], mails: Sequence[Accepted]) -> list[str]:
    """Say everything that is wrong."""
    presses = [act for act in acts if act.verb != "look"]
    journal = read_journal(session, since=start.event_id, ids={act.id for act in presses})
    wrong = attribute(journal, presses)
    stages = {name: _stages(state, journal, name) for name, state in start.states.items()}
    known = {deed.correlation_id: deed.act for deed in journal.deeds.values() if deed.act is not None}
    ends = {payment.public_id: _state_of(payment) for payment in session.scalars(select(Payment))}
    for name, state in start.states.items():
        moves = _moves(journal, name)
        wrong += replay(state, moves, known)
        last = State.read(moves[-1].after) if moves else state
        if ends[name] != last:
            wrong.append(f"payment {name} stands at {ends[name]}, and its history at {last}")
        wrong += _out_of_order(stages[name], journal, moves)
    wrong += _check_acts(presses, journal, stages)
    wrong += _check_looks([act for act in acts if act.verb == "look" and act.payments], stages)
    wrong += [f"answered {act.said}: {act}" for act in acts if act.outcome is Outcome.BROKEN]
    wrong += _check_rows(session, journal)
    wrong += judge_mails(session, mails, journal)
    try:
        check_books(session)
    except AssertionError as unsound:
        wrong.append(f"the books: {unsound}")
    return wrong


def _state_of(payment: Payment) -> State:
    return State(
        payment.status.value,
        payment.amount_minor,
        payment.received_minor,
        payment.written_off_minor,
        payment.version,
    )


def _moves(journal: Journal, payment: str) -> list[Line]:
    """List the lines that changed a payment, in the order of its versions."""
    moved = [line for line in journal.lines.get(payment, ()) if "version" in line.after]
    return sorted(moved, key=lambda line: (int(line.after["version"]), line.id))


def _stages(start: State, journal: Journal, payment: str) -> list[Stage]:
    """List the states of a payment, each from the earliest to the latest instant it can have been seen."""
    stages, since = [], -math.inf
    state = start
    for line in _moves(journal, payment):
        act = journal.deeds[line.correlation_id].act
        stages.append(Stage(state, since, act.answered if act else math.inf))
        state, since = State.read(line.after), act.sent if act else -math.inf
    return [*stages, Stage(state, since, math.inf)]


def _out_of_order(stages: Sequence[Stage], journal: Journal, moves: Sequence[Line]) -> Iterator[str]:
    """Find what was acknowledged before the act was sent that comes before it in the books."""
    latest: Act | None = None
    for line in moves:
        act = journal.deeds[line.correlation_id].act
        if act is None:
            continue
        if latest is not None and act.answered < latest.sent:
            yield f"{line} stands behind {latest}, and was acknowledged before that was sent: {act}"
        if latest is None or act.sent > latest.sent:
            latest = act


def _check_acts(
    acts: Sequence[Act], journal: Journal, stages: Mapping[str, Sequence[Stage]]
) -> Iterator[str]:
    deeds = {deed.act.id: deed for deed in journal.deeds.values() if deed.act is not None}
    claims = Counter(
        line.payment for lines in journal.lines.values() for line in lines if line.verb == "claim"
    )
    for each in journal.deeds.values():
        yield from _repeated(each)
    for act in acts:
        deed = deeds.get(act.id)
        if act.outcome in (Outcome.REFUSED, Outcome.UNSENT):
            if deed is not None:
                yield f"done all the same: {act}"
        elif act.outcome in (Outcome.DONE, Outcome.ALREADY):
            yield from _check_done(act, deed, stages, claims)
        if deed is not None:
            yield from _check_shown(act, deed)
            yield from _check_booked(act, deed)


def _repeated(deed: Deed) -> Iterator[str]:
    written = Counter((line.verb, line.actor[0], line.subject) for line in deed.lines)
    for line in deed.lines:
        if line.is_persons and written.pop((line.verb, line.actor[0], line.subject), 1) > 1:
            yield f"written twice: {line}, by {deed.act}"


def _check_done(
    act: Act, deed: Deed | None, stages: Mapping[str, Sequence[Stage]], claims: Mapping[str | None, int]
) -> Iterator[str]:
    """Every payment an acknowledged act names has its Event, or the act had nothing to do there."""
    own = deed.own if deed is not None else []
    if act.correlation_id is not None and not any(line.verb == verb_of(act) for line in own):
        yield f"acknowledged, and not in the journal: {act}"
        return
    if not act.payments and not own:
        yield f"acknowledged, and not in the journal: {act}"
    has_event = {line.payment for line in own if line.verb == verb_of(act)}
    for name, version in act.payments.items():
        if name in has_event or _is_idle(act, version, stages[name]):
            continue
        if not (act.verb == "claim" and claims[name] >= CLAIMS_A_DAY):
            yield f"acknowledged, and no Event of payment {name}: {act}"


def _is_idle(act: Act, version: int | None, stages: Sequence[Stage]) -> bool:
    """Tell whether a payment can have been in a state in which the act changes nothing."""
    for stage in stages:
        can_be_seen = stage.since <= act.answered + SLACK_SECONDS and act.sent - SLACK_SECONDS <= stage.until
        is_other = version is not None and act.verb.endswith(" claim") and stage.state.version != version
        if can_be_seen and (is_other or stage.state.status in ANYWAY.get(act.verb, ())):
            return True
    return False


def _check_shown(act: Act, deed: Deed) -> Iterator[str]:
    """A decision is about what its page showed."""
    for line in deed.own:
        version = act.payments.get(line.payment or "")
        if version is not None and line.verb == verb_of(act) and line.before["version"] != version:
            yield f"version {version} was shown, and {line.before['version']} decided about: {act}"


def _check_booked(act: Act, deed: Deed) -> Iterator[str]:
    """What came in is booked as it was typed, the rest of the payment by default, and settles no more.

    By default a claim of which some was booked before brings less than the rest of a payment.
    """
    booked = [line.after["amount"] for line in deed.own if line.verb == "receive"]
    decided = [line for line in deed.own if line.verb == "confirm"]
    if act.verb == "confirm" and not decided:
        yield f"{booked} was booked and nothing confirmed by {act}"
        return
    settled = sum(line.after.get("allocated", 0) for line in decided)
    wanted = act.amount_minor
    if act.verb == "confirm" and wanted is None:
        wanted = decided[0].before["amount"] - decided[0].before["received"]
        if decided[0].before["status"] == "member_confirmed":
            wanted = min(wanted, sum(booked))
    is_as_typed = act.verb not in ("confirm", "money in") or sum(booked) == wanted
    if not is_as_typed or len(booked) > 1 or settled > sum(booked):
        yield f"{booked} was booked and {settled} settled by {act}"


def _check_looks(looks: Sequence[Act], stages: Mapping[str, Sequence[Stage]]) -> Iterator[str]:
    """A page shows what was acknowledged before it was asked for, and nothing that came later."""
    for look in looks:
        for name, version in look.payments.items():
            shown = next((stage for stage in stages[name] if stage.state.version == version), None)
            if shown is None:
                yield f"a page showed version {version}, which there never was: {look}"
            elif shown.until < look.sent - SLACK_SECONDS or shown.since > look.answered + SLACK_SECONDS:
                yield f"a page showed version {version} when it was not the one: {look}"


def _check_rows(session: Session, journal: Journal) -> Iterator[str]:
    """Every claim and receipt stands in the journal, once; what was taken back is void."""
    lines = [line for deed in journal.deeds.values() for line in deed.lines]
    claimed = Counter(line.after["attempt"] for line in lines if line.verb == "claim")
    received = Counter(line.subject[1] for line in lines if line.verb == "receive")
    back = _taken_back(sorted(lines, key=lambda line: line.id))
    items = Counter(session.scalars(select(AttemptItem.attempt_id)))
    for attempt in session.scalars(select(Attempt)):
        if claimed[attempt.id] != items[attempt.id]:
            named, told = items[attempt.id], claimed[attempt.id]
            yield f"claim “{attempt.note}” names {named} payments, the journal {told}"
    for receipt in session.scalars(select(Receipt).where(Receipt.source == "admin")):
        if received[receipt.id] != 1:
            yield f"receipt “{receipt.note}” stands {received[receipt.id]} times in the journal"
        if (receipt.voided_at is not None) != (receipt.id in back):
            yield f"receipt “{receipt.note}” was {'' if receipt.id in back else 'not '}taken back"


def _taken_back(lines: Sequence[Line]) -> set[int]:
    """Find the receipts that are void in the end: voided or undone, and that not undone again."""
    voided = {line.id: line.after.get("rows", {}).get("receipts_voided", ()) for line in lines}
    found: set[int] = set()
    for line in lines:
        if line.verb == "undo" and line.subject[0] == "receipt":
            found.add(line.subject[1])
        found.difference_update(*(voided.get(key, ()) for key in line.after.get("undone", ())))
        found.update(voided[line.id])
    return found
