"""What came of a run, read from what outlived the workers: the book of the relay, journals and tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Any

from substrack.domain.delivery import MessageState
from tests.chaos.fleet import End, Fate
from tests.chaos.journals import Journal
from tests.chaos.relay import Accepted

SAME_MOMENT_SECONDS = 1.0


@dataclass(frozen=True)
class Claim:
    """One claim of a message: by which process, when, and when it was claimed anew after all."""

    message: str
    token: str
    pid: int
    at: float
    taken_at: float | None = None


@dataclass(frozen=True)
class Pause:
    """A time in which the lane was paused, for a mail had found no answer."""

    since: float
    until: float

    def overlap(self, since: float, until: float) -> float:
        """Count the seconds that it shares with another time."""
        return max(0.0, min(self.until, until) - max(self.since, since))


@dataclass(frozen=True)
class Mark:
    """One try to mark a message as sent, and how many rows it changed."""

    message: str
    token: str
    rows: int


class Fault(StrEnum):
    """What must never be found."""

    LOST = "a message was never accepted"
    CHANGED = "a message came twice and differed"
    TOO_MANY = "more came twice than were in flight"
    LATE_MARK = "a late mark changed a row"
    LEFT = "a worker that was asked to stop left something behind"
    TOO_LATE = "an orphan waited too long, and newer messages did not"


@dataclass(frozen=True)
class Outcome:
    """The messages and their states, what was accepted of each, who claimed and who marked it.

    `unheard` were tried again because no answer came in time, and may have arrived; `pauses` are those of the
    lane, `fresh` the instants at which a message was claimed for the first time, but for probes.
    """

    states: Mapping[str, str]
    accepted: Mapping[str, Sequence[Accepted]]
    claims: Sequence[Claim]
    marks: Sequence[Mark]
    ends: Sequence[End]
    seconds: float
    unheard: int = 0
    pauses: Sequence[Pause] = ()
    fresh: Sequence[float] = ()

    def faults(self, *, in_flight: int, wait_seconds: float) -> set[Fault]:
        """Say what is wrong, with `in_flight` messages a worker and so long until orphans are resumed."""
        found = {
            Fault.LOST: bool(self.lost),
            Fault.CHANGED: bool(self.changed),
            Fault.TOO_MANY: self.doubles > self.interruptions * in_flight + self.overtaken + self.unheard,
            Fault.LATE_MARK: any(self.late_marks),
            Fault.LEFT: self.left_behind > 0,
            Fault.TOO_LATE: self.passed_over(wait_seconds) > 0,
        }
        return {fault for fault, is_so in found.items() if is_so}

    @property
    def lost(self) -> list[str]:
        """Messages that were queued and never accepted."""
        return [message for message in self.states if not self.accepted.get(message)]

    @property
    def doubles(self) -> int:
        """How many mails came that had come before."""
        return sum(len(mails) - 1 for mails in self.accepted.values())

    @property
    def changed(self) -> list[str]:
        """Messages that came twice and not as the same bytes."""
        return [key for key, mails in self.accepted.items() if len({mail.digest for mail in mails}) > 1]

    @property
    def late_marks(self) -> list[int]:
        """How many rows each mark changed that came when another worker had claimed the message."""
        taken = {(claim.message, claim.token) for claim in self.claims if claim.taken_at is not None}
        return [mark.rows for mark in self.marks if (mark.message, mark.token) in taken]

    @property
    def interruptions(self) -> int:
        """How many times a worker died or stood still."""
        return sum(end.fate is not Fate.ASKED for end in self.ends)

    @property
    def overtaken(self) -> int:
        """How many claims of workers that lived ran out all the same: the machine was slow."""
        return sum(claim.taken_at is not None and self._end_of(claim, *Fate) is None for claim in self.claims)

    @property
    def waits(self) -> list[float]:
        """Seconds from the death of a worker until each message it held was claimed by another.

        Those in which the lane was paused, and nobody may claim, are left out.
        """
        return self._waits(Fate.KILLED)

    def passed_over(self, wait_seconds: float) -> int:
        """Count orphans that waited longer than that while a worker took up what nobody had held before.

        Where workers die faster than they send, orphans wait behind orphans, and nobody can help that.
        """
        return sum(
            wait > wait_seconds and self._is_passed_over(end.at + wait_seconds, claim.taken_at or inf)
            for claim, end in self._orphans(Fate.KILLED)
            for wait in [self._open_seconds(end.at, claim.taken_at)]
        )

    def _is_passed_over(self, since: float, until: float) -> bool:
        """Tell whether something newer was taken up; on PostgreSQL two workers claim at the same moment."""
        since += sum(one.overlap(since, until) for one in self.pauses)
        return until == inf or any(since < at < until - SAME_MOMENT_SECONDS for at in self.fresh)

    @property
    def left_behind(self) -> int:
        """How many messages workers held when they had ended as they were asked to."""
        return len(self._waits(Fate.ASKED))

    def _waits(self, fate: Fate) -> list[float]:
        return [self._open_seconds(end.at, claim.taken_at) for claim, end in self._orphans(fate)]

    def _orphans(self, fate: Fate) -> list[tuple[Claim, End]]:
        """List the claims that a worker left, and how it ended."""
        return [(claim, end) for claim in self.claims if (end := self._end_of(claim, fate)) is not None]

    def _open_seconds(self, since: float, until: float | None) -> float:
        if until is None:
            return inf
        return until - since - sum(one.overlap(since, until) for one in self.pauses)

    def _end_of(self, claim: Claim, *fates: Fate) -> End | None:
        """Find what befell a worker while it held a message."""
        if claim.taken_at is None and self.states[claim.message] == MessageState.SENT:
            return None  # the last one to claim it has marked it
        until = claim.taken_at or inf
        return next(
            (
                each
                for each in self.ends
                if each.pid == claim.pid and each.fate in fates and claim.at <= each.at <= until
            ),
            None,
        )


def read_outcome(
    states: Mapping[str, str], mails: Sequence[Accepted], journal: Path, ends: Sequence[End], seconds: float
) -> Outcome:
    """Put together what was written down."""
    accepted: dict[str, list[Accepted]] = defaultdict(list)
    for mail in mails:
        accepted[mail.message].append(mail)
    lines = sorted(Journal(journal).new(), key=lambda line: float(line["at"]))
    claims = _claims(lines)
    marks = [Mark(line["message"], line["token"], line["rows"]) for line in lines if line["what"] == "marked"]
    died = [End(line["pid"], Fate.KILLED, line["at"]) for line in lines if line["what"] == "died"]
    unheard = sum(line["what"] == "unheard" for line in lines)
    pauses = _pauses(lines)
    fresh = {line["message"]: line["at"] for line in reversed(lines) if line["what"] == "claiming"}
    return Outcome(
        states,
        accepted,
        claims,
        marks,
        [*ends, *died],
        seconds,
        unheard,
        pauses,
        sorted(at for at in fresh.values() if not any(one.since <= at <= one.until for one in pauses)),
    )


def _pauses(lines: Sequence[Mapping[str, Any]]) -> list[Pause]:
    """List the times from the first fault of the lane until a probe was accepted."""
    found: list[Pause] = []
    since: float | None = None
    for line in lines:
        if line["what"] == "paused":
            since = since or line["at"]
        elif line["what"] == "opened" and since is not None:
            found.append(Pause(since, line["at"]))
            since = None
    return found if since is None else [*found, Pause(since, lines[-1]["at"])]


def _claims(lines: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """List the claims that were committed, by message; each is taken when the next one is made.

    What was given back before it had begun is nobody's any more.
    """
    committed = {line["token"] for line in lines if line["what"] == "claimed"}
    found: dict[str, list[Claim]] = defaultdict(list)
    for line in lines:
        if line["what"] == "claiming" and line["token"] in committed:
            before = found[line["message"]]
            before[-1:] = [replace(claim, taken_at=claim.taken_at or line["at"]) for claim in before[-1:]]
            before.append(Claim(line["message"], line["token"], line["pid"], line["at"]))
        elif line["what"] == "released":
            here = found[line["message"]]
            here[:] = [claim for claim in here if claim.token != line["token"]]
    return [claim for claims in found.values() for claim in claims]
