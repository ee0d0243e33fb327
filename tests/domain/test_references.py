"""Codes people read and type: nothing in them looks like something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substrack.domain.references import (
    PUBLIC_ID_ALPHABET,
    REFERENCE_ALPHABET,
    SIBLINGS,
    make_public_id,
    make_reference,
    normalise_reference,
    possible_references,
    sibling_id,
    split_references,
)

randomness = st.integers(0, 2**128)


@given(randomness)
def test_a_reference_reads_back_however_it_is_written(random_bits: int) -> None:
    code = make_reference(random_bits)
    assert len(code) == 6
    assert normalise_reference(code) == code
    assert normalise_reference(f" {code[:3].lower()}-{code[3:]}\n") == code


@pytest.mark.parametrize("alphabet", [REFERENCE_ALPHABET, PUBLIC_ID_ALPHABET.upper()])
def test_no_look_alikes_are_used(alphabet: str) -> None:
    assert not set(alphabet) & set("01OILU")
    assert len(set(alphabet)) == len(alphabet)


def test_a_reference_spells_no_word() -> None:
    assert not set(REFERENCE_ALPHABET) & set("AEIOU")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("B7-W 2FG", "87W2F6"), ("S2Z4U9", "5224V9"), ("oQ0nnn", "DDDNNN"), ("k7.w2–fh", "K7W2FH")],
)
def test_look_alikes_count_as_what_they_look_like(written: str, meant: str) -> None:
    assert normalise_reference(written) == meant


@pytest.mark.parametrize(
    "written", ["", "K7W2F", "K7W2FHH", "K7W2F1", "KIW2FH", "KLW2FH", "AAAAAA", "К7W2FH"]
)
def test_what_can_be_no_code_is_none(written: str) -> None:
    assert normalise_reference(written) is None


def test_only_the_first_forty_characters_are_read() -> None:
    assert normalise_reference("K7W2FH" + " " * 34 + "X") == "K7W2FH"
    assert normalise_reference("K7W2FH" + " " * 33 + "X") is None


@pytest.mark.parametrize(
    "written",
    ["VDTNJT WWPWYK", "vdtnjt,wwpwyk", "VDTNJTWWPWYK", "VDT-NJT / WWP.WYK\n", "VDTNJT VDTNJT WWPWYK"],
)
def test_several_codes_are_read_however_they_are_set_apart(written: str) -> None:
    assert split_references(written) == ("VDTNJT", "WWPWYK")
    assert {"VDTNJT", "WWPWYK"} <= set(possible_references(written))


@pytest.mark.parametrize("written", ["", "RF VDTNJT 3.57", "VDTNJT WWPWY", "VDTNJT from Ann"])
def test_what_holds_more_than_codes_is_not_split(written: str) -> None:
    assert split_references(written) == ()


@pytest.mark.parametrize(
    "line",
    [
        "RF VDTNJT 3.57",
        "SEPA-Gutschrift von Ann, Zweck: vdtnjt / danke",
        "VDT NJT3.57",
        "xVDTNJTx",
        "VDTN\nJT",
    ],
)
def test_a_code_is_seen_amid_what_a_bank_sets_beside_it(line: str) -> None:
    assert "VDTNJT" in possible_references(line)


def test_of_a_line_without_end_only_the_beginning_is_read() -> None:
    assert len(possible_references("K7W2FHMNPR" * 100_000)) == 10
    assert possible_references("E" * 400 + "VDTNJT") == ()


def test_neighbouring_numbers_give_different_codes() -> None:
    assert len({make_reference(number) for number in range(10_000)}) == 10_000
    assert make_reference(23**6) == make_reference(0)


@given(randomness)
def test_a_public_id_is_twelve_plain_characters(random_bits: int) -> None:
    public_id = make_public_id(random_bits)
    assert len(public_id) == 12
    assert set(public_id) <= set(PUBLIC_ID_ALPHABET)


def test_negative_randomness_is_a_bug() -> None:
    with pytest.raises(ValueError, match=r"^randomness is a non-negative integer$"):
        make_public_id(-1)


@given(randomness)
def test_siblings_of_an_id_begin_like_it_and_all_differ(random_bits: int) -> None:
    public_id = make_public_id(random_bits)
    siblings = [sibling_id(public_id, number) for number in range(1000)]
    assert siblings[0] == public_id == sibling_id(public_id, SIBLINGS)
    assert len(set(siblings)) == 1000
    assert {(one[:8], len(one)) for one in siblings} == {(public_id[:8], 12)}
    assert set("".join(siblings)) <= set(PUBLIC_ID_ALPHABET)
