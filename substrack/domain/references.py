"""Short codes that people read, type and say: payment references and public ids.

Pure: randomness comes in as an integer, and uniqueness is the caller's business (the database has
a unique index; draw again on a clash).
"""

from functools import cache
from typing import Final

REFERENCE_ALPHABET: Final = "23456789CDFHJKMNPRTVWXY"
"""No two look alike, and no vowels, so that no code spells a word: 23⁶ = 148 million codes."""

REFERENCE_LENGTH: Final = 6

PUBLIC_ID_ALPHABET: Final = "23456789abcdefghjkmnpqrstvwxyz"
PUBLIC_ID_LENGTH: Final = 12

SHARED_LENGTH: Final = 8
"""How much of an id its siblings share."""

SIBLINGS: Final = len(PUBLIC_ID_ALPHABET) ** (PUBLIC_ID_LENGTH - SHARED_LENGTH)
"""How many ids share their first characters, each with all: 810,000."""

LINE_LENGTH: Final = 400
"""How much of a pasted line is read; SEPA gives 140 characters to what a transfer is for."""

_LOOK_ALIKES: Final = str.maketrans("BGSZUOQ0", "8652VDDD")
"""Left out of the alphabet → the one character of it they are mistaken for. 1, I and L have none."""

_FILLERS: Final = str.maketrans("", "", " \t\n-–._\u00a0\u202f")


def make_reference(randomness: int) -> str:
    """Return a payment's reference code, six characters, from a non-negative random integer.

    Give it 64 random bits or more; then each code is equally likely for all purposes.
    """
    return _spell(randomness, REFERENCE_ALPHABET, REFERENCE_LENGTH)


def normalise_reference(text: str) -> str | None:
    """Return the code somebody meant by "k7-w 2fb", or None when it can be no code.

    Case, spaces, hyphens and dots do not matter; look-alikes outside the alphabet count as what
    they look like (B as 8, S as 5, O as D).
    """
    code = text[:40].upper().translate(_FILLERS).translate(_LOOK_ALIKES)
    if len(code) != REFERENCE_LENGTH or any(character not in REFERENCE_ALPHABET for character in code):
        return None
    return code


def split_references(text: str) -> tuple[str, ...]:
    """Return the codes that a text consists of, however they are set apart; none when it holds anything else.

    Several are what a member is told to write for several payments: "VDTNJT WWPWYK".
    """
    written = _compact(text)
    pieces = [written[at : at + REFERENCE_LENGTH] for at in range(0, len(written), REFERENCE_LENGTH)]
    codes = [normalise_reference(piece) for piece in pieces]
    return tuple(dict.fromkeys(code for code in codes if code)) if all(codes) else ()


def possible_references(line: str) -> tuple[str, ...]:
    """Return, as they stand in it, all codes that a line of an account statement may hold.

    Banks set other words beside them and break them where a line ends, so these are any six characters in a
    row that could be one: which of them is one, only the database knows.
    """
    written = _compact(line)
    starts = range(len(written) - REFERENCE_LENGTH + 1)
    codes = (normalise_reference(written[at : at + REFERENCE_LENGTH]) for at in starts)
    return tuple(dict.fromkeys(code for code in codes if code))


def _compact(text: str) -> str:
    return "".join(character for character in text[:LINE_LENGTH] if character.isalnum())


def make_public_id(randomness: int) -> str:
    """Return the 12 characters by which the outside knows a row, from a non-negative random integer.

    Give it 128 random bits; the id carries 58 of them, so it is no secret, only hard to guess.
    """
    return _spell(randomness, PUBLIC_ID_ALPHABET, PUBLIC_ID_LENGTH)


def sibling_id(public_id: str, number: int) -> str:
    """Return the `number`-th id after a public id of those that share its first eight characters.

    0 is the id itself, and all below `SIBLINGS` differ.
    """
    head, tail = public_id[:SHARED_LENGTH], public_id[SHARED_LENGTH:]
    place = 0
    for character in reversed(tail):
        place = place * len(PUBLIC_ID_ALPHABET) + PUBLIC_ID_ALPHABET.index(character)
    return head + _spell((place + number) % SIBLINGS, PUBLIC_ID_ALPHABET, len(tail))


def _spell(randomness: int, alphabet: str, length: int) -> str:
    if randomness < 0:
        raise ValueError("randomness is a non-negative integer")
    pairs = _pairs(alphabet)
    # Two characters at a time, and of the number only what they need: ids are made by the hundred thousand.
    rest, spelt = randomness % len(alphabet) ** length, ""
    for _ in range(length // 2):
        rest, position = divmod(rest, len(pairs))
        spelt += pairs[position]
    return spelt


@cache
def _pairs(alphabet: str) -> tuple[str, ...]:
    return tuple(first + second for second in alphabet for first in alphabet)
