"""What a claim stands for while it waits, and after part of it was decided."""

import pytest

from substrack.domain.claims import stands_for


@pytest.mark.parametrize(
    ("stated", "left", "waits_whole", "expected"),
    [
        (897, 897, True, 897),
        (3600, 897, True, 3600),
        (500, 897, True, 500),
        (897, 598, False, 598),
        (500, 598, False, 500),
    ],
)
def test_claim_stands_for_what_is_stated_until_part_of_it_is_booked(
    stated: int, left: int, waits_whole: bool, expected: int
) -> None:
    assert stands_for(stated, left, waits_whole=waits_whole) == expected
