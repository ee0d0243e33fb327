"""International bank account numbers: read, checked, shown in fours.

A right checksum says that nothing was mistyped, not that the account exists.
"""

import re
from typing import Any, Final

from substrack.domain.errors import Refused

_LENGTHS: Final = {
    code: length
    for length, codes in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for code in codes.split()
}
"""Country → length of its IBANs (SWIFT IBAN registry, ISO 13616)."""


class IbanRefused(Refused):
    """What was entered is no IBAN; `iban` is how it was understood."""

    field = "iban"

    def __init__(self, sentence: str, iban: str, **facts: Any) -> None:
        self.iban = iban[:40]
        super().__init__(sentence, **facts)


def check_iban(text: str) -> str:
    """Return an IBAN in capitals without spaces, when its country, length and check digits are right.

    The check is ISO 7064 mod 97-10: the number read from its fifth character on, letters as 10 to
    35, leaves 1.

    Raises: IbanRefused.
    """
    iban = re.sub(r"[\s-]", "", text).upper()
    if re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}", iban) is None:
        raise IbanRefused("An IBAN starts with two letters and two digits, such as DE89 3704 0044 ….", iban)
    expected = _LENGTHS.get(iban[:2])
    if expected is None:
        raise IbanRefused(
            "“%(country)s” is no country with IBANs; check the first two letters.", iban, country=iban[:2]
        )
    if len(iban) != expected:
        raise IbanRefused(
            "An IBAN of %(country)s has %(expected)s characters, this one has %(found)s; check it again.",
            iban,
            country=iban[:2],
            expected=expected,
            found=len(iban),
        )
    if int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 != 1:
        raise IbanRefused("This IBAN has a typing error: its check digits do not fit.", iban)
    return iban


def iban_in_fours(iban: str) -> str:
    """Return an IBAN without spaces as people read it (ISO 13616): "DE89 3704 0044 0532 0130 00"."""
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))
