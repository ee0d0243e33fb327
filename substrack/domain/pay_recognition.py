"""Which way to pay somebody typed: a bank account, a UPI address, a link or words.

Whether it is a good one, others say.
"""

from __future__ import annotations

import re
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
