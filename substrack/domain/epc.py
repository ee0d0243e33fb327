"""Credit transfers in euro as a code to scan (EPC069-12, "Quick Response Code: Guidelines to Enable Data
Capture for the Initiation of a SEPA Credit Transfer", version 002).

Writes the text inside the code; drawing it is for others. What a bank's app would turn down gets no code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from substrack.domain.ibans import IbanRefused, check_iban
from substrack.domain.money import Money

MAX_NAME: Final = 70
MAX_REMITTANCE: Final = 140
MAX_BYTES: Final = 331
MOST_MINOR: Final = 99_999_999_999
"""999,999,999.99 €."""

_EEA: Final = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
COUNTRIES: Final = frozenset(_EEA.split())
"""The European Economic Area. Accounts elsewhere in SEPA want a BIC in the code, which nobody enters here."""


def epc_text(*, name: str, iban: str, amount: Money, references: Sequence[str]) -> str | None:
    """Write the text of a code that fills in a transfer; None where no such code can be made.

    Only euro, only a correct IBAN of `COUNTRIES`, only 0.01 to 999,999,999.99. As many references as fit are
    the remittance text; none is cut.
    """
    account = _account(iban)
    if account is None or amount.currency != "EUR" or not 0 < amount.minor <= MOST_MINOR:
        return None
    payee = " ".join(name.split())[:MAX_NAME].rstrip()
    remittance = _fitting(references)
    lines = ("BCD", "002", "1", "SCT", "", payee, account, f"EUR{amount.major()}", "", "", remittance)
    text = "\n".join(lines).rstrip("\n")
    return text if payee and len(text.encode()) <= MAX_BYTES else None


def _account(iban: str) -> str | None:
    try:
        account = check_iban(iban)
    except IbanRefused:
        return None
    return account if account[:2] in COUNTRIES else None


def _fitting(references: Sequence[str]) -> str:
    fitting = ""
    for reference in references:
        longer = f"{fitting} {reference}".strip()
        if len(longer) > MAX_REMITTANCE:
            break
        fitting = longer
    return fitting
