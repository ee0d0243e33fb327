"""The sum that stands in a line of an account statement, as a bank wrote it.

A guess to offer, never to book: of several sums, and of what may as well be a day, none is chosen.
"""

from __future__ import annotations

import re
from typing import Final

from substrack.domain.currencies import EXPONENTS
from substrack.domain.errors import Refused
from substrack.domain.money import Money, OtherCurrency, parse_amount
from substrack.domain.references import LINE_LENGTH

_RUN: Final = re.compile(
    r"(?P<before>[^\W\d_]{1,3}|[€$£¥₹])?\s?(?<![-\u2212/:0-9.,'])(?P<number>[0-9](?:[0-9.,']*[0-9])?)"
    r"(?P<end>[-\u2212/:])?\s?(?P<after>[^\W\d_]{1,3}\b|[€$£¥₹])?"
)
"""Digits and marks in a row, with what stands close beside them. What left the account has a minus."""

_DAY: Final = re.compile(r"(?:0?[1-9]|[12][0-9]|3[01])\.(?:0[1-9]|1[0-2])")
_SPACED: Final = re.compile(r"[0-9] [0-9]{3}[.,]")


def amount_in(line: str, currency: str) -> Money | None:
    """Return the one sum of a currency that a line holds, written with all its decimals.

    None when there are none or several, or the currency has no decimals: a whole number may be anything.
    """
    text = re.sub("[\u00a0\u202f\u2009]", " ", line[:LINE_LENGTH]).replace("\u2019", "'")
    exponent = EXPONENTS[currency]
    if not exponent or _SPACED.search(text):
        return None
    number = re.compile(rf"(?:[0-9]+|[0-9]{{1,3}}(?:[.,'][0-9]{{3}})+)[.,][0-9]{{{exponent}}}")
    runs = [run for run in _RUN.finditer(text) if number.fullmatch(run["number"])]
    found = [amount for run in runs if (amount := _read(run, currency))]
    return found[0] if len(found) == 1 else None


def _read(run: re.Match[str], currency: str) -> Money | None:
    signs = [_belongs(sign, currency) for sign in (run["before"], run["after"]) if sign]
    may_be_a_day = _DAY.fullmatch(run["number"]) and True not in signs
    if run["end"] or False in signs or may_be_a_day:
        return None
    try:
        amount = parse_amount(run["number"], currency)
    except Refused:
        return None
    return amount if amount.minor else None


def _belongs(sign: str, currency: str) -> bool | None:
    """Say whether a sign or code is the currency's; None when it is neither, only a word."""
    try:
        parse_amount(f"1 {sign}", currency)
    except OtherCurrency:
        return False
    except Refused:
        return None
    return True
