"""Claims about `doctor --data`: each fault is found, and put right only where the books say how."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.doctor.estate import Estate, kinds_of
from tests.support.books import check_books


@dataclass(frozen=True)
class Spoilt:
    """What somebody did to the tables, the faults it makes, and those only a person can put right."""

    name: str
    statements: tuple[str, ...]
    found: set[str]
    left: set[str] = field(default_factory=set)
    is_readable: bool = True


def spoilt(name: str, *statements: str, found: str, left: str = "", is_readable: bool = True) -> Spoilt:
    return Spoilt(name, statements, set(found.split()), set(left.split()), is_readable)


LATEST_ITEM = "(SELECT MAX(id) FROM attempt_items WHERE payment_id = :{})"
A_REQUEST = "(SELECT MIN(id) FROM messages WHERE state = 'queued' AND notice IN ('request', 'reminder'))"
AN_ANSWER = "(SELECT MIN(id) FROM messages WHERE state = 'queued' AND notice IN ('waived', 'part_received'))"
RECEIPT = "(SELECT receipt_id FROM allocations WHERE payment_id = :{} AND voided_at IS NULL)"

FAULTS = (
    spoilt(
        "less received than settled",
        "UPDATE payments SET received_minor = received_minor - 1, status = 'pending' WHERE id = :ben1",
        found="payment_changed",
    ),
    spoilt(
        "another amount",
        "UPDATE payments SET amount_minor = amount_minor + 1 WHERE id = :ben2",
        found="payment_changed period_sum",
    ),
    spoilt(
        "a waived payment is open again",
        "UPDATE payments SET status = 'pending', next_action_at = :then WHERE id = :mia2",
        found="payment_changed",
    ),
    spoilt(
        "a claimed payment is pending",
        "UPDATE payments SET status = 'pending' WHERE id = :mia1",
        found="payment_changed",
    ),
    spoilt(
        "small change is written off an open payment",
        "UPDATE payments SET written_off_minor = 1 WHERE id = :ben2",
        found="payment_changed",
    ),
    spoilt(
        "a payment is void of itself",
        "UPDATE payments SET voided_at = :then WHERE id = :ben2",
        found="payment_changed period_sum",
    ),
    spoilt(
        "a payment moved without a line",
        "UPDATE payments SET version = version + 1 WHERE id = :ben2",
        found="payment_unclear",
        left="payment_unclear",
    ),
    spoilt(
        "an allocation is gone",
        "DELETE FROM allocations WHERE payment_id = :ben2",
        found="allocations_differ",
        left="allocations_differ",
    ),
    spoilt(
        "a claim is closed behind its payment",
        f"UPDATE attempt_items SET state = 'withdrawn' WHERE id = {LATEST_ITEM.format('mia1')}",
        found="claim_lost attempt_empty",
    ),
    spoilt(
        "a claim names its payment no more",
        f"DELETE FROM attempt_items WHERE id = {LATEST_ITEM.format('mia1')}",
        found="claim_lost attempt_empty",
        left="claim_lost",
    ),
    spoilt(
        "a claim waits on a confirmed payment",
        f"UPDATE attempt_items SET state = 'open' WHERE id = {LATEST_ITEM.format('ben1')}",
        found="claim_left_open attempt_closed",
    ),
    spoilt(
        "time never acts",
        "UPDATE payments SET next_action_at = NULL WHERE id IN (:ben2, :mia1)",
        found="payment_untimed",
    ),
    spoilt(
        "time acts on what is closed",
        "UPDATE payments SET next_action_at = :then WHERE id = :ben1",
        found="payment_untimed",
    ),
    spoilt(
        "nobody knows when it was closed",
        "UPDATE payments SET closed_at = NULL WHERE id = :ben1",
        found="payment_untimed",
    ),
    spoilt(
        "a receipt has grown",
        f"UPDATE receipts SET amount_minor = amount_minor + 5 WHERE id = {RECEIPT.format('ben1')}",
        found="receipt_changed",
    ),
    spoilt(
        "a receipt has shrunk",
        f"UPDATE receipts SET amount_minor = 1 WHERE id = {RECEIPT.format('ben1')}",
        found="receipt_changed receipt_overused",
    ),
    spoilt(
        "a receipt without a line has shrunk",
        f"UPDATE receipts SET amount_minor = 1 WHERE id = {RECEIPT.format('own1')}",
        found="receipt_overused",
        left="receipt_overused",
    ),
    spoilt(
        "a receipt in use is void",
        f"UPDATE receipts SET voided_at = :then WHERE id = {RECEIPT.format('ben1')}",
        found="receipt_void_in_use",
    ),
    spoilt(
        "somebody else's money",
        f"UPDATE receipts SET contact_id = :mia WHERE id = {RECEIPT.format('ben1')}",
        found="allocation_elsewhere",
        left="allocation_elsewhere",
    ),
    spoilt(
        "another total",
        "UPDATE periods SET total_minor = total_minor + 7 WHERE id = :films1",
        found="period_sum",
    ),
    spoilt(
        "another bill",
        "UPDATE periods SET billed_minor = billed_minor + 7 WHERE id = :films1",
        found="period_sum",
    ),
    spoilt(
        "no bill",
        "UPDATE periods SET billed_minor = NULL WHERE id = :films1",
        found="period_sum",
    ),
    spoilt(
        "another bill, with its total and the payer's part",
        "UPDATE periods SET billed_minor = 904, total_minor = 904 WHERE id = :films1",
        found="period_sum",
    ),
    spoilt(
        "no total",
        "UPDATE periods SET total_minor = NULL WHERE id = :films1",
        found="period_sum",
    ),
    spoilt(
        "another part of the payer's",
        "UPDATE periods SET payer_part_minor = payer_part_minor - 1 WHERE id = :films1",
        found="period_sum",
    ),
    spoilt(
        "another part and another total",
        "UPDATE periods SET payer_part_minor = 5, total_minor = 6 WHERE id = :films1",
        found="period_sum",
        left="period_sum",
    ),
    spoilt(
        "a period is void of itself",
        "UPDATE periods SET voided_at = :then WHERE id = :films1",
        found="period_void_differs",
    ),
    spoilt(
        "a void period is back of itself",
        "UPDATE periods SET voided_at = NULL WHERE id = :void1",
        found="period_void_differs",
    ),
    spoilt(
        "the payer's own share is open",
        "UPDATE payments SET status = 'pending' WHERE id = :own1",
        found="payment_changed period_own_share",
    ),
    spoilt(
        "a claim about nothing",
        "INSERT INTO attempts (id, public_id, workspace_id, contact_id, payer_id, kind, state, amount_minor, "
        "currency, made_at, via, flagged) VALUES (99, 'nothing', :workspace, :ben, :olga, 'claim', 'open', "
        "5, 'EUR', :then, 'link', :no)",
        found="attempt_empty",
    ),
    spoilt(
        "a claim that waits is closed",
        "UPDATE attempts SET state = 'rejected' WHERE contact_id = :mia",
        found="attempt_closed",
    ),
    spoilt(
        "a number was left out",
        "UPDATE groups SET next_sequence = next_sequence + 1 WHERE id = :films",
        found="sequence_wrong opening_wrong",
    ),
    spoilt(
        "a period in the middle is gone",
        "UPDATE periods SET sequence = sequence + 1 WHERE id = :films3",
        found="period_missing sequence_wrong",
        left="period_missing",
    ),
    spoilt(
        "the next period comes too late",
        "UPDATE groups SET next_open_at = '2027-01-01 00:00:00+00:00' WHERE id = :films",
        found="opening_wrong",
    ),
    spoilt(
        "the next period never comes",
        "UPDATE groups SET next_open_at = NULL WHERE id = :films",
        found="opening_wrong",
    ),
    spoilt(
        "days are missing",
        "UPDATE periods SET starts_on = '2026-04-03' WHERE id = :films3",
        found="periods_apart",
        left="periods_apart",
    ),
    spoilt(
        "a letter to somebody erased",
        f"UPDATE messages SET contact_id = :zoe WHERE id = {A_REQUEST}",
        found="message_to_nobody",
    ),
    spoilt(
        "a letter to nobody",
        f"UPDATE messages SET contact_id = NULL, address_id = NULL WHERE id = {A_REQUEST}",
        found="message_to_nobody",
    ),
    spoilt(
        "a request for nothing",
        f"DELETE FROM message_items WHERE message_id = {A_REQUEST}",
        found="request_for_nothing",
        is_readable=False,  # the yardstick asks every request what it was for
    ),
    spoilt(
        "a request for what has been void for long",
        f"DELETE FROM message_items WHERE message_id = {A_REQUEST} AND id > "
        f"(SELECT MIN(id) FROM message_items WHERE message_id = {A_REQUEST})",
        "UPDATE message_items SET step = 99, payment_id = (SELECT MIN(id) FROM payments "
        f"WHERE period_id = :void1) WHERE message_id = {A_REQUEST}",
        f"UPDATE messages SET due_at = '2026-03-01 10:00:00+00:00' WHERE id = {A_REQUEST}",
        found="request_for_nothing",
    ),
    spoilt(
        "an answer to nothing",
        f"UPDATE messages SET correlation_id = 'never' WHERE id = {AN_ANSWER}",
        found="answer_without_cause",
    ),
    spoilt(
        "a link of somebody erased",
        "UPDATE links SET revoked_at = NULL WHERE contact_id = :zoe",
        found="link_of_erased",
    ),
)


def test_nothing_is_wrong_with_books_that_only_services_wrote(estate: Estate) -> None:
    estate.read(check_books)
    assert estate.faults() == []


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case.name)
def test_a_fault_is_found_and_put_right_where_the_books_say_how(estate: Estate, case: Spoilt) -> None:
    for statement in case.statements:
        estate.write(statement, no=False)

    faults = estate.faults()
    assert kinds_of(faults) == case.found
    estate.mend(faults)
    assert estate.kinds() == case.left
    if not case.left and case.is_readable:
        estate.read(check_books)
