"""UPI: India's payments between people, by an address such as olga@okbank, in rupees only.

Knows how an address and a link are written; whether the address exists, only a bank can say.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from substrack.domain.errors import Refused
from substrack.domain.money import Money

CURRENCY: Final = "INR"

_VPA: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}@[A-Za-z][A-Za-z0-9]{1,63}")
"""Name and handle (NPCI, "UPI Linking Specifications"); a handle has no dot, so no mailbox looks like one."""

MAX_NOTE: Final = 80


class VpaRefused(Refused):
    """What was entered is no UPI address."""

    field = "vpa"

    def __init__(self) -> None:
        super().__init__("A UPI ID looks like olga@okbank; copy it from your UPI app.")


def is_vpa(text: str) -> bool:
    """Tell whether something is written like a UPI address."""
    return _VPA.fullmatch(text.strip()) is not None


def check_vpa(text: str) -> str:
    """Return a UPI address ("virtual payment address") without what surrounds it.

    Raises: VpaRefused.
    """
    if not is_vpa(text):
        raise VpaRefused
    return text.strip()


def upi_link(vpa: str, *, name: str, amount: Money, note: str) -> str | None:
    """Write the link that opens a UPI app with payee, sum and note filled in; None for other currencies.

    `pa`, `pn`, `am`, `cu` and `tn` are those of NPCI's "UPI Linking Specifications"; a note that is too long
    for every app is left out, for half a reference is worse than none.
    """
    if amount.currency != CURRENCY:
        return None
    fields = {"pa": vpa, "pn": name, "am": amount.major(), "cu": CURRENCY}
    if note and len(note) <= MAX_NOTE:
        fields["tn"] = note
    return "upi://pay?" + "&".join(f"{key}={quote(value, safe='@')}" for key, value in fields.items())
