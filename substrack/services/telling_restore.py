"""Telling people that a period counts again: whoever last read of it that nothing is owed hears so.

Who has not read of the void hears nothing of either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.notices import Notice
from substrack.queries.batches import in_batches
from substrack.services.answers import restored_letter
from substrack.services.ledger import Decision
from substrack.services.outbox import cancel_waiting, queue
from substrack.store import Event, Message, Payment

_VOID: Final = "void"
_RESTORE: Final = "restore"


def drop_restored_letters(session: Session, payments: Iterable[Payment]) -> None:
    """Cancel what still waits to tell that these payments count again."""
    for act in sorted(_acts(session, [payment.id for payment in payments], [_RESTORE])):
        cancel_waiting(session, act)


def tell_restored(
    session: Session, workspace_id: int, restored: Sequence[Payment], decision: Decision
) -> None:
    """Queue one letter to each person whose last word about some of these payments is that they are void.

    What still waits to tell it, of an earlier restoring or of the void, is the caller's to drop before.
    """
    void = _believed_void(session, [payment.id for payment in restored])
    told: dict[int, list[Payment]] = defaultdict(list)
    for payment in restored:
        if payment.id in void:
            told[payment.contact_id].append(payment)
    queue(
        session, [restored_letter(workspace_id, mine, decision) for mine in told.values()], now=decision.now
    )


def _believed_void(session: Session, payment_ids: Collection[int]) -> set[int]:
    """Find those payments of which the last letter that went out said that nothing is owed for them."""
    void: set[int] = set()
    for notice, named in _gone(session, _acts(session, payment_ids, [_VOID, _RESTORE])):
        void = void | named if notice is Notice.WAIVED else void - named
    return void


def _gone(session: Session, acts: Collection[str]) -> list[tuple[Notice, set[int]]]:
    """List the letters of these acts that nobody can stop any more, oldest first, with what they name."""
    found: dict[int, tuple[Notice, set[int]]] = {}
    for some in in_batches(acts):
        query = select(Message.id, Message.notice, Message.payload).where(
            Message.correlation_id.in_(some),
            Message.notice.in_((Notice.WAIVED, Notice.REJECTED)),
            Message.state.in_((MessageState.SENDING, MessageState.SENT)),
        )
        for key, notice, payload in session.execute(query):
            found[key] = notice, set(payload.get("payment_ids", ()))
    return [found[key] for key in sorted(found)]


def _acts(session: Session, payment_ids: Collection[int], verbs: Collection[str]) -> set[str]:
    acts: set[str] = set()
    for some in in_batches(payment_ids):
        query = select(Event.correlation_id).where(Event.payment_id.in_(some), Event.verb.in_(verbs))
        acts.update(session.scalars(query.distinct()))
    return acts
