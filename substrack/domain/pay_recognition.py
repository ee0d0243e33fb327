"""Which way to pay somebody typed: a bank account, a UPI address, a link or words.

Whether it is a good one, others say. Also whether words that are no way to pay have one in them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from substrack.domain.pay_methods import PayKind
from substrack.domain.upi import is_vpa

_IBAN: Final = re.compile(r"[a-z]{2}\d{2}[a-z0-9]{8,30}", re.IGNORECASE)
"""Country, check digits and account (ISO 13616-1), once the spaces are gone."""

_LINK: Final = re.compile(r"([a-z][a-z0-9+.-]*:|[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}[/?])\S*", re.IGNORECASE)
"""A scheme, or a host with a path: “paypal.me/olga” is a link, “Cash.” is words."""

_VPA: Final = re.compile(r"[a-z0-9._-]+@[a-z]+", re.IGNORECASE)
"""A UPI address; what follows the “@” of an email has a dot."""


def recognise(value: str) -> PayKind:
    """Tell what a way to pay is by how it is written; words when it looks like nothing else."""
    typed = value.strip()
    if _IBAN.fullmatch(re.sub(r"[\s-]", "", typed)):
        return PayKind.IBAN
    if is_vpa(typed):
        return PayKind.UPI
    if _VPA.fullmatch(typed):
        return PayKind.UPI
    return PayKind.LINK if _LINK.fullmatch(typed) else PayKind.TEXT


_PAYABLE: Final = re.compile(
    r"""
    \b[a-z]{2}\d{2}(?:[ -]?[a-z0-9]{2,4}){3,8}\b        # a bank account, also in fours
    | \d{8}                                             # an account, card or telephone in digits
    | [a-z0-9._+-]+@[a-z0-9]                             # a UPI address; mail addresses receive money, too
    | \b[a-z][a-z0-9+.-]*:/                              # a link
    | \b(?:[a-z0-9-]+\.)+[a-z]{2,}/                      # a link without its scheme
    | \bwww\.
    """,
    re.IGNORECASE | re.VERBOSE,
)
_UNSEEN: Final = frozenset({"Cf", "Mn"})
"""Categories of what cannot be seen between two digits, joiners and accents among them (UAX #44)."""


def has_way_to_pay(sentence: str) -> bool:
    """Tell whether words name an account, an address or a link that money could be sent to."""
    composed = unicodedata.normalize("NFKD", sentence)
    seen = "".join(one for one in composed if unicodedata.category(one) not in _UNSEEN)
    return _PAYABLE.search(seen) is not None
