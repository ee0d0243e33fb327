"""Claims about reading several people typed at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substrack.domain.guest_list import Guest, GuestUnreadable, TooManyGuests, read_guests, write_guests
from substrack.domain.wording import CharacterRefused


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("", []),
        (" \n , ;\n", []),
        ("Ann", [Guest("Ann")]),
        ("Ann <ann@x.example>, Bob", [Guest("Ann", "ann@x.example"), Guest("Bob")]),
        ("Ann\r\nBob;Cem", [Guest("Ann"), Guest("Bob"), Guest("Cem")]),
        ("dia@x.example", [Guest("dia", "dia@x.example")]),
        ("<dia@x.example>", [Guest("dia", "dia@x.example")]),
        ("Emil emil@x.example", [Guest("Emil", "emil@x.example")]),
        ("Emil\temil@x.example\nDia Roe   dia@x.example = 2", [
            Guest("Emil", "emil@x.example"), Guest("Dia Roe", "dia@x.example", "2"),
        ]),
        ("Emil emil@x.example, dia@x.example", [
            Guest("Emil", "emil@x.example"), Guest("dia", "dia@x.example"),
        ]),
        ("a@x.example b@x.example", [Guest("a", "a@x.example b@x.example")]),
        ('"Müller, Ann" <ann@x.example>, Bob', [Guest("Müller, Ann", "ann@x.example"), Guest("Bob")]),
        ("Ann = 2, Bob=3,50, Cem <c@x.example> = 1.25", [
            Guest("Ann", None, "2"), Guest("Bob", None, "3,50"), Guest("Cem", "c@x.example", "1.25"),
        ]),
        ("Ann =", [Guest("Ann")]),
        ('"Ann, Jr" <a@x.example>, "Bob", 5" Cem, Dia "the, boss', [
            Guest("Ann, Jr", "a@x.example"), Guest("Bob"), Guest('5" Cem'), Guest('Dia "the'), Guest("boss"),
        ]),
        ("Jean-Luc O’Neil van der Berg", [Guest("Jean-Luc O’Neil van der Berg")]),
    ],
)  # fmt: skip
def test_people_are_read_as_typed(typed: str, read: list[Guest]) -> None:
    assert list(read_guests(typed)) == read


@pytest.mark.parametrize("typed", ["<>", "= 3", "Ann <a@x> <b@x>", "Ann = 1 = 2", "A > B"])
def test_what_is_neither_name_nor_address_is_refused_with_its_text(typed: str) -> None:
    with pytest.raises(GuestUnreadable) as refused:
        read_guests(f"Bob, {typed}")
    assert refused.value.field == "people"
    assert str(refused.value) == (
        f"“{typed}” can't be read. Write it such as “Ann <ann@example.org>” or “Ann”."
    )


def test_a_long_entry_is_said_back_shortened() -> None:
    with pytest.raises(GuestUnreadable) as refused:
        read_guests("> " + "x" * 60)
    assert refused.value.entry == "> " + "x" * 58


def test_a_hundred_people_are_read_and_one_more_is_refused() -> None:
    crowd = [f"Guest {number}" for number in range(101)]
    assert len(read_guests("\n".join(crowd[:100]))) == 100
    with pytest.raises(TooManyGuests) as refused:
        read_guests("\n".join(crowd))
    assert refused.value.number == 101
    assert str(refused.value) == "These are 101 people; add at most 100 at once."


def test_control_characters_are_refused_beside_the_people() -> None:
    with pytest.raises(CharacterRefused) as refused:
        read_guests("Ann\u202e")
    assert refused.value.field == "people"


NAMES = st.text(alphabet="abcÄß .'-’,;<>=@1\"", min_size=1).filter(lambda name: name.strip())


@given(st.lists(st.tuples(NAMES, st.booleans(), st.sampled_from([None, "2", "3.50"])), max_size=5))
def test_what_is_written_down_is_read_the_same(people: list[tuple[str, bool, str | None]]) -> None:
    guests = tuple(
        Guest(" ".join(name.split()), "a@example.org" if mailed else None, part)
        for name, mailed, part in people
    )
    assert read_guests(write_guests(guests)) == guests


def test_a_name_with_marks_is_quoted_and_read_as_it_is() -> None:
    guests = (
        Guest('Ann "A", Jr. <x> = 2', "ann@example.org"),
        Guest("Bob, Jr"),
        Guest("Cem@Home", None, "2"),
        Guest("Dia", "dia@example.org", "3"),
    )

    assert write_guests(guests).splitlines()[1:] == [
        '"Bob, Jr"',
        '"Cem@Home" = 2',
        "Dia <dia@example.org> = 3",
    ]
    assert read_guests(write_guests(guests)) == guests
