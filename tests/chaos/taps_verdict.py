"""What came of many taps: read from the answers and from the tables, and held against one effect each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.notices import Channel, Notice
from substrack.store import AttemptItem, Event, Inbound, Message, Payment
from tests.chaos.club import Club, Debtor
from tests.chaos.taps import Said, Step, Tap, Tapping

VERBS: Final = {Step.CLAIM: {"claim"}, Step.DECIDE: {"confirm", "reject"}}
ANSWERS: Final = (Notice.RECEIVED, Notice.PART_RECEIVED, Notice.REJECTED)
OK: Final = (200, 303)


@dataclass(frozen=True)
class Verdict:
    """Counts over all taps; what is in `wrong` should be 0 each."""

    taps: int
    claims: int
    decisions: int
    transitions: int
    events: int
    seconds: float
    wrong: Counter[str]

    @property
    def is_clean(self) -> bool:
        """Tell whether each step of each payment happened once, and everybody heard what is so."""
        return not +self.wrong and self.transitions == self.events == self.claims + self.decisions

    def __str__(self) -> str:
        wrong = ", ".join(f"{count} {what}" for what, count in self.wrong.items())
        return (
            f"{self.transitions:,} transitions and {self.events:,} events for {self.claims:,} claims and "
            f"{self.decisions:,} decisions by {self.taps:,} taps; {wrong}; "
            f"{self.taps / self.seconds:.0f} taps a second"
        )


def judge(tapping: Tapping, seconds: float) -> Verdict:
    """Hold everything against what should be there."""
    club, taps, hook = tapping.club, tapping.taps, tapping.api.updates.webhook
    ids = [debtor.payment_id for debtor in club.debtors]
    wanted = Counter((debtor.payment_id, Step.CLAIM) for debtor in club.debtors)
    wanted.update((debtor.payment_id, Step.DECIDE) for debtor in tapping.decided)
    not_taken = hook.refusals if hook else 0
    with club.cast.runtime.reading() as session:
        events = _events(session, ids)
        transitions = sum(payment.version - 1 for payment in _payments(session, ids))
        wrong = Counter(
            {
                "steps that happened twice or never": _unlike(events, wanted),
                "errors": sum(tap.status not in OK for tap in taps) + not_taken + _failed_updates(session),
                "answers that say nothing": sum(tap.status in OK and tap.said is None for tap in taps),
                "decisions of which two taps were told that they made it": _claimed_by_several(taps),
                "admins told never or twice": _wrong_notices(session, club, ids),
                "members answered never or twice": _wrong_answers(session, tapping.decided),
            }
        )
    made = sum(events.values())
    return Verdict(len(taps), len(ids), len(tapping.decided), transitions, made, seconds, wrong)


def _payments(session: Session, ids: Sequence[int]) -> Sequence[Payment]:
    return session.scalars(select(Payment).where(Payment.id.in_(ids))).all()


def _events(session: Session, ids: Sequence[int]) -> Counter[tuple[int, Step]]:
    """Count the events of each payment and step."""
    rows = session.execute(select(Event.payment_id, Event.verb).where(Event.payment_id.in_(ids)))
    step_of = {verb: step for step, verbs in VERBS.items() for verb in verbs}
    return Counter((row.payment_id, step_of[row.verb]) for row in rows if row.verb in step_of)


def _unlike(events: Counter[tuple[int, Step]], wanted: Counter[tuple[int, Step]]) -> int:
    return sum(events[each] != wanted[each] for each in events.keys() | wanted.keys())


def _failed_updates(session: Session) -> int:
    """Count updates that an error of ours met, and those still waiting."""
    rows = session.scalars(select(Inbound)).all()
    return sum(row.attempts > 0 or row.last_error is not None or row.processed_at is None for row in rows)


def _claimed_by_several(taps: Sequence[Tap]) -> int:
    """Count decisions of which not exactly one tap was told that it made it."""
    tried = [tap for tap in taps if tap.step is Step.DECIDE]
    made = Counter(tap.payment_id for tap in tried if tap.said is Said.DONE)
    return sum(made[payment_id] != 1 for payment_id in {tap.payment_id for tap in tried})


def _wrong_notices(session: Session, club: Club, ids: Sequence[int]) -> int:
    """Count payments of whose claim not each admin got one notice by mail and one in the chat."""
    expected = sorted((admin.contact_id, channel) for admin in club.admins for channel in Channel)
    query = (
        select(AttemptItem.payment_id, Message.contact_id, Message.channel)
        .join(Message, Message.attempt_id == AttemptItem.attempt_id)
        .where(AttemptItem.payment_id.in_(ids), Message.notice == Notice.CLAIM_RECEIVED)
    )
    told: dict[int, list[tuple[int, Channel]]] = {payment_id: [] for payment_id in ids}
    for payment_id, contact_id, channel in session.execute(query):
        told[payment_id].append((contact_id or 0, channel))
    return sum(sorted(each) != expected for each in told.values())


def _wrong_answers(session: Session, debtors: Sequence[Debtor]) -> int:
    """Count members who did not get one answer by mail and one in the chat."""
    keys = [debtor.contact_id for debtor in debtors]
    query = select(Message.contact_id, Message.channel).where(
        Message.contact_id.in_(keys), Message.notice.in_(ANSWERS)
    )
    answered: dict[int, list[Channel]] = {key: [] for key in keys}
    for contact_id, channel in session.execute(query):
        answered[contact_id or 0].append(channel)
    return sum(sorted(each) != sorted(Channel) for each in answered.values())
