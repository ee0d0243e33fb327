"""Claims about faults in which the books only seem to say how they should be: nothing is guessed at."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from substrack.doctor.books import rehearse
from substrack.domain.actors import OPERATOR, Actor
from substrack.services.claims import claim_payments
from substrack.services.ledger import Decision
from substrack.services.payment_repairs import put_back
from substrack.services.payments import adjust_payment, confirm_payment, reject_payment
from substrack.services.repaired import ChangedMeanwhile, NotSafe
from substrack.store import Payment
from substrack.worker.ticking import tick
from tests.doctor.estate import END, Estate, kinds_of
from tests.support.cast import money

LATER = END + timedelta(hours=1)
OF_PAYMENTS = ("message_items", "attempt_items", "allocations", "events")
MUSIC = "(SELECT MAX(id) FROM periods WHERE group_id <> :films)"
A_SHARE_OF_MUSIC = f"(SELECT MIN(id) FROM payments WHERE period_id = {MUSIC} AND voided_at IS NULL)"
TELLING = "(SELECT MIN(id) FROM messages WHERE state = 'queued' AND notice IN ('waived', 'part_received'))"


def lose_payments(estate: Estate, keys: str) -> None:
    for table in OF_PAYMENTS:
        estate.write(f"DELETE FROM {table} WHERE payment_id IN ({keys})")
    estate.write(f"DELETE FROM payments WHERE id IN ({keys})")


def claim(session: Session, estate: Estate, key: str) -> None:
    ben = estate.keys["ben"]
    claim_payments(session, ben, [estate.keys[key]], by=Actor.contact(ben), now=END)


def claim_state(estate: Estate, key: str) -> str:
    return str(
        estate.ask(f"SELECT state FROM attempt_items WHERE payment_id = :{key} ORDER BY id DESC LIMIT 1")
    )


def test_a_lost_debt_is_not_the_payers(estate: Estate) -> None:
    lose_payments(estate, str(estate.ask(f"SELECT {A_SHARE_OF_MUSIC}")))
    faults = estate.faults()
    assert kinds_of(faults) == {"period_sum"}
    estate.mend(faults)
    assert estate.faults() == faults


@pytest.mark.only_sqlite
def test_a_debt_in_another_period_is_not_the_payers(estate: Estate) -> None:
    key = estate.ask(f"SELECT {A_SHARE_OF_MUSIC}")
    estate.write(f"UPDATE payments SET period_id = :films1, group_id = :films WHERE id = {key}")
    faults = estate.faults()
    assert [fault.kind for fault in faults] == ["period_sum", "period_sum"]
    estate.mend(faults)
    assert estate.faults() == faults


def test_a_last_period_that_is_gone_is_not_opened_once_more(estate: Estate) -> None:
    lose_payments(estate, "SELECT id FROM payments WHERE period_id = :films3")
    estate.write("DELETE FROM periods WHERE id = :films3")
    before = estate.ask("SELECT COUNT(*) FROM periods")

    faults = estate.faults()
    assert kinds_of(faults) - {"request_for_nothing"} == {"period_missing"}
    estate.mend(faults)
    tick(estate.runtime, now=LATER)
    assert estate.ask("SELECT COUNT(*) FROM periods") == before


@pytest.mark.only_sqlite
def test_a_rejected_claim_does_not_stand_in_for_a_lost_one(estate: Estate) -> None:
    with estate.runtime.transaction() as session:
        claim(session, estate, "ben3")
        reject_payment(session, estate.keys["ben3"], reason="no", by=OPERATOR, now=END)
        claim(session, estate, "ben3")
    estate.write("DELETE FROM attempt_items WHERE payment_id = :ben3 AND state = 'open'")

    estate.mend(estate.faults())
    assert claim_state(estate, "ben3") == "rejected"
    assert "claim_lost" in estate.kinds()


@pytest.mark.only_sqlite
@pytest.mark.parametrize("decided", ["part_confirmed", "rejected"])
def test_a_claim_left_open_is_closed_as_it_was_decided(estate: Estate, decided: str) -> None:
    key = estate.keys["ben3"]
    with estate.runtime.transaction() as session:
        claim(session, estate, "ben3")
        if decided == "rejected":
            reject_payment(session, key, reason="no", by=OPERATOR, now=END)
        else:
            confirm_payment(session, key, amount=money("1.00"), by=OPERATOR, now=END)
        adjust_payment(session, key, amount=money("2.00"), reason="less", by=OPERATOR, now=END)
    assert claim_state(estate, "ben3") == decided
    estate.write("UPDATE attempt_items SET state = 'open' WHERE payment_id = :ben3")

    estate.mend(estate.faults())
    assert claim_state(estate, "ben3") == decided
    assert estate.faults() == []


@pytest.mark.only_sqlite
def test_what_a_worker_has_in_hand_is_not_stopped_by_an_instant_that_was_typed(estate: Estate) -> None:
    estate.write(
        "UPDATE messages SET correlation_id = 'never', state = 'sending', lease_token = 'held', "
        f"lease_until = :long_ago WHERE id = {TELLING}",
        long_ago=END - timedelta(days=1),
    )
    (fault,) = estate.faults()
    with pytest.raises(NotSafe):
        rehearse(estate.runtime, fault)


def test_a_payment_that_moves_under_a_repair_is_left_alone(estate: Estate) -> None:
    estate.write("UPDATE payments SET amount_minor = amount_minor + 1 WHERE id = :ben2")
    fault = estate.faults()[0]
    with estate.runtime.transaction() as session:
        seen = session.get_one(Payment, fault.key)
        session.execute(text(f"UPDATE payments SET version = version + 1 WHERE id = {seen.id}"))
        with pytest.raises(ChangedMeanwhile):
            put_back(session, fault, Decision(OPERATOR, END))
        assert seen.version == fault.facts["row"]["version"]
