"""A refusal is its sentence with its facts in their places."""

from datetime import date

from substrack.domain.errors import Refused


def test_a_sentence_without_facts_stands_as_it_is() -> None:
    assert str(Refused("100% of %(nothing)s")) == "100% of %(nothing)s"


def test_facts_fill_their_places_days_and_numbers_as_programs_write_them() -> None:
    refused = Refused("%(day)s: %(number)s of %(name)s", day=date(2026, 3, 5), number=12345, name="Ann")
    assert str(refused) == "2026-03-05: 12,345 of Ann"
    assert refused.sentence == "%(day)s: %(number)s of %(name)s"
    assert refused.facts == {"day": date(2026, 3, 5), "number": 12345, "name": "Ann"}


def test_the_field_is_that_of_the_case_or_of_its_kind() -> None:
    class OfAKind(Refused):
        field = "price"

    assert [OfAKind("No.").field, OfAKind("No.", field="name").field, Refused("No.").field] == [
        "price",
        "name",
        None,
    ]
