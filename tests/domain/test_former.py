"""How somebody is called whose name was erased."""

import pytest

from substrack.domain.former import former_name, former_number


@pytest.mark.parametrize("number", [1, 17, 10**19 - 1])
def test_the_number_is_read_back_out_of_the_name(number: int) -> None:
    assert former_name(number) == f"Former member {number}"
    assert former_number(former_name(number)) == number


@pytest.mark.parametrize(
    "name", ["Ann", "Former member", "Former member 1b", "A Former member 1", "", 7, None]
)
def test_other_names_are_nobodys_who_was_erased(name: object) -> None:
    assert former_number(name) is None
