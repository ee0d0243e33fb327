"""Which currencies exist and how many decimals each has.

The table is our own copy of ISO 4217 list one ("current currency & funds", SIX, as of early 2026:
BGN is gone, XCG and ZWG are in), and the only source of exponents in SubsTrack: CLDR and payment
gateways disagree with it and with each other. Left out on purpose are funds codes (CHE, CLF, …),
precious metals, units of account (XDR, XAD, …) and test codes: nobody pays a phone plan in them.
It knows no exchange rates and no local spelling of amounts; that is the work of `texts`.
"""

from types import MappingProxyType
from typing import Final

from substrack.domain.errors import Refused

_CODES_BY_EXPONENT: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD "
        "CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP "
        "GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD "
        "LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB "
        "PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC "
        "SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "UYW",
}

EXPONENTS: Final = MappingProxyType(
    {code: exponent for exponent, codes in _CODES_BY_EXPONENT.items() for code in codes.split()}
)
"""Currency code → number of decimals (0, 2, 3 or 4)."""


class UnknownCurrency(Refused):
    """`code` is no currency that people pay in today."""

    field = "currency"

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(
            "“%(typed)s” is not a currency. Use an ISO 4217 code such as EUR, USD or JPY.", typed=code[:20]
        )


def currency_code(text: str) -> str:
    """Return the upper-case code of what somebody typed ("eur " → "EUR").

    Raises: UnknownCurrency.
    """
    code = text.strip().upper()
    if code not in EXPONENTS:
        raise UnknownCurrency(text.strip())
    return code


def exponent_of(code: str) -> int:
    """Return how many decimals a currency has, however its code is written.

    Raises: UnknownCurrency.
    """
    return EXPONENTS[currency_code(code)]
