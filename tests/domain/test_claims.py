"""What a claim stands for while it waits, and after part of it was decided."""

import pytest

from substrack.domain.claims import expected_for_one, stands_for


@pytest.mark.parametrize(
    ("stated", "left", "booked", "is_cut", "expected"),
    [
        (897, 897, 0, False, 897),
        (3600, 897, 0, False, 3600),
        (500, 897, 0, False, 500),
        (897, 598, 299, False, 598),
        (3600, 598, 299, False, 3301),
        (500, 598, 299, False, 201),
        (500, 598, 600, False, 0),
        (897, 598, 0, True, 598),
        (897, 598, 100, True, 598),
        (500, 598, 0, True, 500),
    ],
)
def test_claim_stands_for_what_is_stated_less_what_was_booked_of_it(
    stated: int, left: int, booked: int, is_cut: bool, expected: int
) -> None:
    assert stands_for(stated, left, booked_minor=booked, is_cut=is_cut) == expected


@pytest.mark.parametrize(
    ("left", "stands", "expected"), [(500, 1000, 500), (500, 300, 300), (500, 200, 200), (500, 0, 0)]
)
def test_one_payment_of_a_claim_brings_no_more_than_the_claim_stands_for(
    left: int, stands: int, expected: int
) -> None:
    assert expected_for_one(left, stands_for_minor=stands) == expected
