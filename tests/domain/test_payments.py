"""The state machine as a table, written down a second time and compared; and how money settles a payment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substrack.domain.actors import OPERATOR, TIME, Actor, credit_of
from substrack.domain.payments import (
    TRANSITIONS,
    Act,
    NotAllowed,
    Standing,
    Status,
    WrongStatus,
    after_receiving,
    check_actor,
)

ADMIN, MEMBER = Actor.user(1), Actor.contact(2)
CREDIT = credit_of(ADMIN)
P, M, C = Status.PENDING, Status.MEMBER_CONFIRMED, Status.CONFIRMED
LATE, W = Status.OVERDUE, Status.WAIVED

TABLE = {
    Act.CLAIM: ({P, LATE}, {M}, {ADMIN, OPERATOR, MEMBER}),
    Act.WITHDRAW: ({M}, {P}, {ADMIN, OPERATOR, MEMBER}),
    Act.CONFIRM: ({P, LATE, M}, {C, P}, {ADMIN, OPERATOR, CREDIT}),
    Act.REJECT: ({M}, {P}, {ADMIN, OPERATOR}),
    Act.LAPSE: ({P}, {LATE}, {TIME}),
    Act.EXTEND: ({LATE}, {P}, {ADMIN, OPERATOR}),
    Act.WAIVE: ({P, LATE, M}, {W}, {ADMIN, OPERATOR}),
    Act.UNWAIVE: ({W}, {P}, {ADMIN, OPERATOR}),
    Act.REOPEN: ({C}, {P}, {ADMIN, OPERATOR}),
    Act.ADJUST: ({P, LATE, M, C}, {P, LATE, M, C}, {ADMIN, OPERATOR}),
    Act.RESHARE: ({W}, {W}, {ADMIN, OPERATOR}),
    Act.RELEASE: ({P, LATE, M, W}, {P, LATE, M, W}, {ADMIN, OPERATOR}),
}
"""From, to and who, as the map of the project states them."""


def test_the_table_is_the_one_on_the_map() -> None:
    assert {act: (set(row.sources), set(row.targets)) for act, row in TRANSITIONS.items()} == {
        act: (sources, targets) for act, (sources, targets, _actors) in TABLE.items()
    }


@pytest.mark.parametrize("act", TABLE, ids=str)
@pytest.mark.parametrize("by", [ADMIN, MEMBER, OPERATOR, TIME, CREDIT], ids=lambda by: by.kind.value)
def test_only_those_named_may_act(act: Act, by: Actor) -> None:
    if by in TABLE[act][2]:
        check_actor(act, by)
    else:
        with pytest.raises(NotAllowed) as refused:
            check_actor(act, by)
        assert str(refused.value) == "Only an admin of this workspace can do that to a payment."
        assert refused.value.act is act


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (P, "This payment is open; that can’t be done to it now."),
        (M, "This payment waits for a check; that can’t be done to it now."),
        (C, "This payment is already confirmed; that can’t be done to it now."),
        (LATE, "This payment is overdue; that can’t be done to it now."),
        (W, "This payment is waived; that can’t be done to it now."),
    ],
)
def test_who_comes_too_late_hears_how_the_payment_stands(status: Status, sentence: str) -> None:
    refused = WrongStatus(Act.CLAIM, status)
    assert str(refused) == sentence
    assert (refused.act, refused.status) == (Act.CLAIM, status)


@pytest.mark.parametrize(
    ("amount", "received", "comes", "expected"),
    [
        (299, 0, 299, (299, 0)),
        (299, 0, 200, (200, 0)),
        (299, 0, 294, (294, 5)),
        (299, 0, 293, (293, 0)),
        (299, 200, 99, (299, 0)),
        (299, 0, 298, (298, 1)),
        (50, 0, 45, (45, 5)),
        (10, 0, 5, (5, 5)),
        (9, 0, 4, (4, 0)),
        (6, 0, 1, (1, 0)),
        (5, 0, 1, (1, 0)),
        (4, 0, 0, (0, 0)),
    ],
)
def test_rest_within_the_tolerance_is_written_off_once_something_came(
    amount: int, received: int, comes: int, expected: tuple[int, int]
) -> None:
    after = after_receiving(Standing(amount, received), comes, tolerance_minor=5)
    assert (after.received_minor, after.written_off_minor) == expected


@given(amount=st.integers(1, 10**9), rest=st.integers(1, 200), tolerance=st.integers(0, 100))
def test_a_rest_is_forgiven_exactly_while_it_is_small_beside_both(
    amount: int, rest: int, tolerance: int
) -> None:
    comes = max(amount - rest, 1)
    after = after_receiving(Standing(amount, 0), comes, tolerance_minor=tolerance)
    rest = amount - comes
    assert after.is_covered == (rest <= tolerance and 2 * rest <= amount)


@given(
    amount=st.integers(1, 10**9),
    share=st.floats(0, 1),
    tolerance=st.integers(0, 100),
)
def test_nothing_received_is_lost_or_made_up(amount: int, share: float, tolerance: int) -> None:
    comes = int(amount * share)
    after = after_receiving(Standing(amount, 0), comes, tolerance_minor=tolerance)
    assert after.received_minor == comes
    assert 0 <= after.written_off_minor <= tolerance
    assert 2 * after.written_off_minor <= amount
    assert after.left_minor >= 0
