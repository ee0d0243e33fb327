"""Claims about repairs: each is one act with its line, as it was shown; the rest is left to commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.doctor.books import WORDS, put_right, rehearse
from substrack.domain.actors import OPERATOR, ActorKind
from substrack.domain.payments import ReopenCause
from substrack.queries.faults import FaultKind
from substrack.services.claims import withdraw_claim
from substrack.services.payments import reopen_payment
from substrack.services.receipts import void_receipt
from substrack.services.repaired import ChangedMeanwhile, NotSafe, RightAlready
from substrack.services.repairing import LOOKS, REPAIRS
from substrack.store import Event
from tests.doctor.estate import END, Estate
from tests.support.books import check_books

THAT_SETTLES_BENS = "id = (SELECT receipt_id FROM allocations WHERE payment_id = :ben1)"
OTHERS_MONEY = f"UPDATE receipts SET contact_id = :mia WHERE {THAT_SETTLES_BENS}"
LESS_RECEIVED = "UPDATE payments SET received_minor = received_minor - 1, status = 'pending' WHERE id = :ben1"


def latest_event(session: Session) -> Event:
    return session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()


def test_every_kind_of_fault_has_a_look_and_words() -> None:
    assert {kind for look in LOOKS for kind in look.kinds} == set(FaultKind) == set(WORDS)
    assert set(REPAIRS) < set(FaultKind)


def test_a_repair_is_journalled_as_the_operators(estate: Estate) -> None:
    estate.write(LESS_RECEIVED)
    (fault,) = estate.faults()
    put_right(estate.runtime, fault, rehearse(estate.runtime, fault))

    event = estate.read(latest_event)
    assert (event.verb, event.actor_kind, event.reason) == (
        "repair",
        ActorKind.OPERATOR,
        "doctor: payment_changed",
    )
    assert (event.before, event.after) == (
        {"status": "pending", "received": 298},
        {"status": "confirmed", "received": 299},
    )


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        ("amount_minor = amount_minor + 5", {"amount": 304}, {"amount": 299, "currency": "EUR"}),
        ("voided_at = :then", {"void": True}, {"void": False, "amount": 299, "currency": "EUR"}),
    ],
)
def test_a_receipts_line_says_what_was_changed(
    estate: Estate, change: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    estate.write(f"UPDATE receipts SET {change} WHERE {THAT_SETTLES_BENS}")
    estate.mend(estate.faults())
    event = estate.read(latest_event)
    assert (event.subject_kind, event.before, event.after) == ("receipt", before, after)


def test_a_rehearsal_changes_nothing(estate: Estate) -> None:
    estate.write(LESS_RECEIVED)
    before = estate.read(latest_event).id
    (fault,) = estate.faults()
    rehearse(estate.runtime, fault)

    assert estate.faults() == [fault]
    assert estate.read(latest_event).id == before


def test_a_repair_is_the_one_that_was_shown_or_none(estate: Estate) -> None:
    estate.write(LESS_RECEIVED)
    (fault,) = estate.faults()
    shown = rehearse(estate.runtime, fault)
    estate.write("UPDATE payments SET received_minor = received_minor - 1 WHERE id = :ben1")

    with pytest.raises(ChangedMeanwhile):
        put_right(estate.runtime, fault, shown)
    assert estate.kinds() == {"payment_changed"}


def test_what_is_right_by_now_is_left_alone(estate: Estate) -> None:
    estate.write(LESS_RECEIVED)
    (fault,) = estate.faults()
    put_right(estate.runtime, fault, rehearse(estate.runtime, fault))
    with pytest.raises(RightAlready):
        rehearse(estate.runtime, fault)


def test_money_is_never_guessed_at(estate: Estate) -> None:
    estate.write("DELETE FROM allocations WHERE payment_id = :ben1")
    (fault,) = estate.faults()
    with pytest.raises(NotSafe):
        rehearse(estate.runtime, fault)


def test_a_receipt_that_a_decision_voided_is_not_brought_back(estate: Estate) -> None:
    receipt = estate.ask("SELECT receipt_id FROM allocations WHERE payment_id = :ben1")
    payment = estate.keys["ben1"]
    with estate.runtime.transaction() as session:
        void_receipt(session, receipt, reason="never came", by=OPERATOR, now=END)
    estate.write("UPDATE allocations SET voided_at = NULL WHERE receipt_id = :receipt", receipt=receipt)
    faults = {fault.kind: fault for fault in estate.faults()}

    assert set(faults) == {FaultKind.ALLOCATIONS_DIFFER, FaultKind.RECEIPT_VOID_IN_USE}
    assert faults[FaultKind.ALLOCATIONS_DIFFER].key == payment
    with pytest.raises(NotSafe):
        rehearse(estate.runtime, faults[FaultKind.RECEIPT_VOID_IN_USE])


def reopen(session: Session, estate: Estate, key: str) -> None:
    reopen_payment(session, estate.keys[key], because=ReopenCause.SOMETHING_ELSE, by=OPERATOR, now=END)


def withdraw(session: Session, estate: Estate, key: str) -> None:
    withdraw_claim(session, estate.keys["mia"], [estate.keys[key]], by=OPERATOR, now=END)


@pytest.mark.parametrize(
    ("statement", "command", "key"),
    [
        ("DELETE FROM allocations WHERE payment_id = :ben1", reopen, "ben1"),
        (
            OTHERS_MONEY,
            reopen,
            "ben1",
        ),
        ("DELETE FROM attempt_items WHERE payment_id = :mia1", withdraw, "mia1"),
    ],
    ids=["allocation gone", "somebody else's money", "claim gone"],
)
def test_the_command_that_is_advised_puts_the_books_right(
    estate: Estate, statement: str, command: Callable[[Session, Estate, str], Any], key: str
) -> None:
    estate.write(statement)
    estate.mend(estate.faults())
    assert estate.faults()
    with estate.runtime.transaction() as session:
        command(session, estate, key)

    estate.mend(estate.faults())
    assert estate.faults() == []
    estate.read(check_books)
