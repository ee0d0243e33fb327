"""Deeds: what the journal says was done, one for each correlation id, and which act made it.

Nothing here asks the program; a deed is known by the id that was written into it, by the id that was told
with the answer, or by what only one act can have meant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Executable, select
from sqlalchemy.orm import Session

from substrack.store import Attempt, Event, Payment, Receipt
from tests.chaos.whole.history import Act, Outcome

PEOPLE: Final = ("user", "contact")
SLACK_SECONDS: Final = 0.05
"""How far two readings of one clock may differ in what they are taken for."""

FAR_SECONDS: Final = 3600.0
"""By more than this a clock is wrong that was set."""

VERBS: Final = {
    "confirm claim": "confirm",
    "reject claim": "reject",
    "money in": "receive",
}
"""The verb of an act's own Event, where it is another word."""


@dataclass(frozen=True)
class Line:
    """One Event, with its payment (public id, members' dues only) and the id that an act wrote into it."""

    id: int
    verb: str
    actor: tuple[str, int]
    payment: str | None
    at: float
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    correlation_id: str
    tag: str | None
    subject: tuple[str, int]

    def __str__(self) -> str:
        what = self.payment or f"{self.subject[0]} {self.subject[1]}"
        return f"event {self.id}: {self.verb} by {self.actor[0]} {self.actor[1]} of {what}"

    @property
    def is_persons(self) -> bool:
        """Tell whether somebody did this, not time or credit in its course."""
        return self.actor[0] in PEOPLE


@dataclass
class Deed:
    """All Events of one transaction's decision; `act` is who made it, once found."""

    correlation_id: str
    lines: list[Line]
    act: Act | None = None

    @cached_property
    def own(self) -> list[Line]:
        """What somebody did themselves."""
        return [line for line in self.lines if line.is_persons]

    @cached_property
    def tags(self) -> set[str]:
        """The ids of acts that stand in it."""
        return {line.tag for line in self.lines if line.tag is not None}


@dataclass
class Journal:
    """The deeds since an experiment began, and the lines of each payment in their order."""

    deeds: dict[str, Deed] = field(default_factory=dict)
    lines: dict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))
    correlation_of: dict[int, str] = field(default_factory=dict)
    received_in: dict[int, str] = field(default_factory=dict)


def read_journal(session: Session, *, since: int, ids: set[str]) -> Journal:
    """Read what came after the event `since`; `ids` are those of all acts."""
    journal = Journal()
    for line in _lines(session, since, ids):
        deed = journal.deeds.setdefault(line.correlation_id, Deed(line.correlation_id, []))
        deed.lines.append(line)
        journal.correlation_of[line.id] = line.correlation_id
        if line.verb == "receive":
            journal.received_in[line.subject[1]] = line.correlation_id
        if line.payment is not None:
            journal.lines[line.payment].append(line)
    return journal


def _lines(session: Session, since: int, ids: set[str]) -> Iterator[Line]:
    dues = _named(session, select(Payment.id, Payment.public_id).where(Payment.kind == "dues"))
    said = _named(session, select(Attempt.id, Attempt.note))
    noted = _named(session, select(Receipt.id, Receipt.note))
    for event in session.scalars(select(Event).where(Event.id > since).order_by(Event.id)):
        after = event.after or {}
        note = noted.get(event.subject_id) if event.verb == "receive" else said.get(after.get("attempt", 0))
        tag = next((one for one in (event.reason, note) if one in ids), None)
        yield Line(
            event.id,
            event.verb,
            (event.actor_kind.value, event.actor_id or 0),
            dues.get(event.payment_id or 0),
            event.at.timestamp(),
            event.before or {},
            after,
            event.correlation_id,
            tag,
            (event.subject_kind, event.subject_id),
        )


def _named(session: Session, query: Executable) -> dict[int, Any]:
    return {row[0]: row[1] for row in session.execute(query)}


def attribute(journal: Journal, acts: Sequence[Act]) -> list[str]:
    """Find the act of each deed that somebody did; return what is wrong: deeds of nobody, acts with two."""
    by_id = {act.id: act for act in acts}
    by_answer = {act.correlation_id: act for act in acts if act.correlation_id is not None}
    wrong, taken, left = [], dict[str, Deed](), list[Deed]()
    for deed in journal.deeds.values():
        if not deed.own:
            continue
        told = {act.id for act in [by_answer.get(deed.correlation_id)] if act is not None}
        named = deed.tags | told
        if len(named) > 1:
            wrong.append(f"{deed.correlation_id} is of several acts: {sorted(named)}")
        for name in named:
            if name in taken:
                wrong.append(f"done twice: {by_id[name]}")
            deed.act, taken[name] = by_id[name], deed
        if not named:
            left.append(deed)
    return wrong + _match(journal, left, [act for act in acts if _is_open(act, taken)])


def _is_open(act: Act, taken: Mapping[str, Deed]) -> bool:
    """Tell whether an act may have made a deed that names nobody."""
    is_silent = act.outcome is Outcome.DONE and act.correlation_id is None
    return act.id not in taken and (is_silent or act.outcome in (Outcome.UNKNOWN, Outcome.BROKEN))


def _match(journal: Journal, deeds: Sequence[Deed], acts: Sequence[Act]) -> list[str]:
    """Give each deed the act that could have made it and whose answer came first."""
    waiting: dict[tuple[str, int], list[Act]] = defaultdict(list)
    for act in sorted(acts, key=lambda act: act.answered):
        waiting[act.actor].append(act)
    wrong = []
    for deed in deeds:
        candidates = waiting[deed.own[0].actor]
        found = next((act for act in candidates if _fits(journal, act, deed)), None)
        if found is None:
            wrong.append(f"nobody did this: {'; '.join(map(str, deed.own))}")
        else:
            candidates.remove(found)
            deed.act = found
    return wrong


def _fits(journal: Journal, act: Act, deed: Deed) -> bool:
    if not _is_in_time(act, deed.own[0]):
        return False
    if act.undoes is not None:
        return act.undoes in undone_by(journal, deed)
    shown = {
        line.payment: line.before.get("version")
        for line in deed.own
        if line.verb == verb_of(act) and line.payment
    }
    # Money that never came may open other payments again, too.
    is_named = (
        bool(shown.keys() & act.payments.keys())
        if act.verb == "reopen"
        else shown.keys() <= act.payments.keys()
    )
    is_as_shown = all(act.payments.get(name) in (None, version) for name, version in shown.items())
    return bool(shown) and is_named and is_as_shown


def _is_in_time(act: Act, line: Line) -> bool:
    """Tell whether a line was written while its act was under way; a worker's clock may be far off."""
    is_off = act.is_by_chat and abs(line.at - act.sent) > FAR_SECONDS
    return is_off or act.sent - SLACK_SECONDS <= line.at <= act.answered + SLACK_SECONDS


def undone_by(journal: Journal, deed: Deed) -> set[str | None]:
    """Name the decisions that a deed puts back, by their correlation ids."""
    if not any(line.verb == "undo" for line in deed.own):
        return set()
    undone = {journal.correlation_of.get(key) for line in deed.own for key in line.after.get("undone", ())}
    booked = {journal.received_in.get(line.subject[1]) for line in deed.own if line.subject[0] == "receipt"}
    return undone | booked


def verb_of(act: Act) -> str:
    """Name the verb of an act's own Event."""
    return VERBS.get(act.verb, act.verb)
