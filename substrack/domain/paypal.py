"""PayPal.Me: a link that names who is paid takes the sum as its last part, as in paypal.me/olga/8.97EUR.

Knows such a link by how it is written; asks nobody.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from substrack.domain.money import Money

_TAKEN: Final = (
    "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD USD"
)
CURRENCIES: Final = frozenset(_TAKEN.split())
"""What PayPal transfers (developer.paypal.com, "Currency codes")."""

WHOLE_ONLY: Final = frozenset({"HUF", "TWD"})
"""Those that PayPal takes without decimals, though they have some (the same page)."""

_ME: Final = ("paypal.me", "www.paypal.me")
_LONG: Final = ("paypal.com", "www.paypal.com")


def with_sum(link: str, amount: Money) -> str:
    """Return a PayPal.Me link with the sum at its end; any other link, or one that has a sum, as it is."""
    parts, written = urlsplit(link), _written(amount)
    if written is None or not _names_only_a_payee(parts):
        return link
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{written}"))


def _names_only_a_payee(parts: SplitResult) -> bool:
    places = [place for place in parts.path.split("/") if place]
    host = parts.hostname or ""
    is_short = host in _ME and len(places) == 1
    is_long = host in _LONG and len(places) == 2 and places[0].lower() == "paypalme"
    return (is_short or is_long) and "{" not in "".join(parts)


def _written(amount: Money) -> str | None:
    """Write a sum as PayPal reads it; None when it can't transfer such a one."""
    major = amount.major()
    if amount.currency in WHOLE_ONLY:
        major, _, decimals = major.partition(".")
        if decimals.strip("0"):
            return None
    return f"{major}{amount.currency}" if amount.currency in CURRENCIES and amount.minor > 0 else None
