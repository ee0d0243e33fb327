"""What a person's page opens with: the last word about what is still open, such as why a claim was rejected.

It stands there until the payment is claimed again or something else is decided about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from substrack.domain.actors import ActorKind
from substrack.domain.bills import Item
from substrack.domain.payments import ASKABLE, Act
from substrack.domain.verdicts import Verdict, VerdictKind
from substrack.queries.letter_items import Owed
from substrack.queries.pay_history import ANSWER, RESTORE, RESTS, VOID, payment_of, question_of, questions_in
from substrack.store import Event

_KINDS: Final = {
    Act.REJECT.value: VerdictKind.REJECTED,
    Act.CONFIRM.value: VerdictKind.PART_RECEIVED,
    Act.REOPEN.value: VerdictKind.REOPENED,
    ANSWER: VerdictKind.ANSWERED,
}
_NO_WORD: Final = (*RESTS, VOID, RESTORE)
_ADMINS: Final = frozenset({ActorKind.USER, ActorKind.OPERATOR})


def last_verdicts(events: Sequence[Event], owed: Iterable[Owed]) -> tuple[Verdict, ...]:
    """Gather the last decisions about what is open, each once; `events` are the newest first."""
    last, questions = _last_of_each(events), questions_in(events)
    found: dict[tuple[str, str, str], tuple[Event, list[Item]]] = {}
    for row in owed:
        event, item = last.get(row.payment.id), row.item
        if event is not None and row.payment.status in ASKABLE and _is_verdict(event):
            key = (event.correlation_id, item.payer.name, item.left.currency)
            found.setdefault(key, (event, []))[1].append(item)
    return tuple(_verdict(event, items, questions) for event, items in found.values())


def _last_of_each(events: Iterable[Event]) -> dict[int, Event]:
    """Find what was last said or decided of each payment; what credit settles by itself is no answer."""
    last: dict[int, Event] = {}
    for event in events:
        if event.verb not in _NO_WORD and event.actor_kind is not ActorKind.CREDIT:
            last.setdefault(payment_of(event), event)
    return last


def _is_verdict(event: Event) -> bool:
    return event.actor_kind in _ADMINS and event.verb in _KINDS


def _verdict(event: Event, items: list[Item], questions: Mapping[str, str]) -> Verdict:
    return Verdict(
        kind=_KINDS[event.verb],
        items=tuple(items),
        reason=event.reason,
        amount=sum((item.amount for item in items[1:]), items[0].amount),
        left=sum((item.left for item in items[1:]), items[0].left),
        question=question_of(event, questions),
    )
