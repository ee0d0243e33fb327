"""Amounts of money: whole minor units of one currency, and how people type them.

No floats, no exchange rates, and no sums over different currencies: such a sum raises instead of
guessing. Showing amounts in a language is the work of `texts`; `Money.major` is the plain form for
programs (JSON, CSV, payment links).
"""

import re
from dataclasses import dataclass
from typing import Final

from substrack.domain.currencies import EXPONENTS, currency_code
from substrack.domain.errors import Refused

MAX_MINOR: Final = 10**12
"""The largest amount anybody may type, in minor units: far above any shared bill, far below BIGINT."""

_MAX_TYPED_LENGTH: Final = 40

_SIGNS: Final = {
    "€": "EUR",
    "$": "USD AUD CAD NZD SGD HKD TWD MXN ARS CLP COP UYU JMD TTD FJD BBD BSD BZD BMD GYD LRD NAD XCD",
    "£": "GBP EGP FKP GIP LBP SDG SHP SSP SYP",
    "¥": "JPY CNY",
    "₹": "INR",
    "₽": "RUB",
    "₴": "UAH",
    "₺": "TRY",
    "₩": "KRW KPW",
    "₪": "ILS",
    "₫": "VND",
    "₱": "PHP",
    "₸": "KZT",
    "₾": "GEL",
    "֏": "AMD",
    "฿": "THB",
    "₦": "NGN",
    "US$": "USD",
    "R$": "BRL",
    "ZŁ": "PLN",
    "KČ": "CZK",
    "KR": "SEK NOK DKK ISK",
    "FT": "HUF",
    "FR": "CHF",
    "LEI": "RON MDL",
    "KD": "KWD",
}
"""Signs people write beside an amount (upper-cased) → the currencies each may stand for."""

_TYPED: Final = re.compile(
    r"(?P<minus>-?)\s*(?P<before>[^0-9\s.,'-][^0-9\s,'-]*)?\s*(?P<inner_minus>-?)\s*"
    r"(?P<number>[.,]?[0-9](?:[0-9.,' ]*[0-9])?)"
    r"\s*(?P<after>[^0-9\s.,'-][^0-9\s,'-]*)?",
    re.ASCII,
)
_SAME_MEANING: Final = str.maketrans(
    {"\u2212": "-", "\u2019": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " "}
)


class CurrencyMismatch(Refused):
    """Two amounts of different currencies were to be added or compared."""

    field = "currency"

    def __init__(self, left: str, right: str) -> None:
        self.left, self.right = left, right
        super().__init__(
            "%(left)s and %(right)s cannot be added or compared; keep one currency.", left=left, right=right
        )


class AmountRefused(Refused):
    """What was typed is not an amount we read; `typed` is what came, shortened."""

    field = "amount"

    def __init__(self, sentence: str, typed: str, **facts: object) -> None:
        self.typed = typed[:_MAX_TYPED_LENGTH]
        super().__init__(sentence, field=None, **facts)


class NotAnAmount(AmountRefused):
    """Empty, words, or digits that form no number."""


class AmbiguousAmount(AmountRefused):
    """The separator may group thousands or start the decimals; we do not guess with money."""


class TooManyDecimals(AmountRefused):
    """More decimals than the currency has."""


class NegativeAmount(AmountRefused):
    """Below zero where only an amount makes sense."""


class AmountTooLarge(AmountRefused):
    """Beyond `MAX_MINOR`."""


class OtherCurrency(AmountRefused):
    """The sign or code beside the amount belongs to another currency."""


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` whole minor units (cents, yen, fils) of `currency`, an upper-case ISO 4217 code.

    Equality is exact; `<`, `+` and `-` of different currencies raise CurrencyMismatch.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are an int, not {type(self.minor).__name__}")
        if self.currency not in EXPONENTS:
            object.__setattr__(self, "currency", currency_code(self.currency))

    @property
    def exponent(self) -> int:
        """How many decimals the currency has."""
        return EXPONENTS[self.currency]

    def __str__(self) -> str:
        return f"{self.major()} {self.currency}"

    def major(self) -> str:
        """Return the plain decimal form, with a dot and every decimal: "17.99", "1234", "1.234"."""
        sign = "-" if self.minor < 0 else ""
        digits = str(abs(self.minor)).rjust(self.exponent + 1, "0")
        if not self.exponent:
            return sign + digits
        return f"{sign}{digits[: -self.exponent]}.{digits[-self.exponent :]}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other)

    def _same(self, other: "Money") -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.minor


def parse_amount(text: str, currency: str, *, allow_negative: bool = False) -> Money:
    """Read an amount as people type it: "12.50", "12,50 €", "1,234.56", "1.234,56", "1 234,56", "1'234.50".

    Spaces and apostrophes group thousands. Of dots and commas together, the last is the decimal
    separator; one that repeats groups. A single one is the decimal separator unless exactly three
    digits follow and it could as well group thousands ("1.234", not "0.234" or "1234.567"). Then:

    - no decimals in the currency (JPY): it groups, `1,234` is 1234;
    - two decimals: refused, `1.234` may mean 1,234 or be a slip of 1.23;
    - three or four decimals (KWD): a dot is the decimal point, as `Money.major` writes it, so
      `1.234` is 1.234; a comma is refused, for `1,234` is read both ways where such money is used.

    Raises: NotAnAmount, AmbiguousAmount, TooManyDecimals, NegativeAmount, AmountTooLarge,
    OtherCurrency, UnknownCurrency.
    """
    code = currency_code(currency)
    typed = text.translate(_SAME_MEANING).strip()
    found = _TYPED.fullmatch(typed) if len(typed) <= _MAX_TYPED_LENGTH else None
    if found is None or (found["minus"] and found["inner_minus"]):
        raise NotAnAmount("Write an amount such as %(example)s.", typed, example=_example(code))
    _check_sign(found["before"], code, typed)
    _check_sign(found["after"], code, typed)
    minor = _to_minor(found["number"], code, typed)
    if found["minus"] or found["inner_minus"]:
        if not allow_negative:
            raise NegativeAmount("An amount cannot be negative; leave out the minus.", typed)
        minor = -minor
    return Money(minor, code)


def round_half_up(numerator: int, denominator: int) -> int:
    """Divide integers to the nearest whole; a tie goes up (5/2 → 3, -5/2 → -2).

    Raises: ValueError for a denominator below 1.
    """
    if denominator < 1:
        raise ValueError("the denominator must be positive")
    return (2 * numerator + denominator) // (2 * denominator)


def _check_sign(sign: str | None, code: str, typed: str) -> None:
    written = (sign or code).upper().rstrip(".")
    if written == code or code in _SIGNS.get(written, "").split():
        return
    if written in _SIGNS or written in EXPONENTS:
        raise OtherCurrency(
            "This amount is in %(currency)s; write it without “%(sign)s”, such as %(example)s.",
            typed,
            currency=code,
            sign=sign,
            example=_example(code),
        )
    raise NotAnAmount("Write only the amount, such as %(example)s.", typed, example=_example(code))


def _to_minor(number: str, code: str, typed: str) -> int:
    exponent = EXPONENTS[code]
    whole, decimals = _split_number(number, exponent, code, typed)
    if len(decimals) > exponent:
        facts = {"currency": code, "example": _example(code)}
        if exponent == 0:
            raise TooManyDecimals(
                "%(currency)s has no decimals; write it such as %(example)s.", typed, **facts
            )
        raise TooManyDecimals(
            "%(currency)s has at most %(most)s decimals; write it such as %(example)s.",
            typed,
            most=exponent,
            **facts,
        )
    minor = int((whole or "0") + decimals.ljust(exponent, "0"))
    if minor > MAX_MINOR:
        raise AmountTooLarge(
            "The amount is too large; the most is %(most)s.", typed, most=Money(MAX_MINOR, code)
        )
    return minor


def _split_number(number: str, exponent: int, code: str, typed: str) -> tuple[str, str]:
    """Return the digits before and after the decimal separator."""
    marks = re.sub(r"[0-9]", "", number)
    last = marks[-1:]
    if not last:
        return number, ""
    if last in " '" or marks.count(last) > 1:
        return _ungroup(number, code, typed), ""
    whole, decimals = number.rsplit(last, 1)
    if len(marks) == 1 and _could_group(whole, decimals):
        if exponent == 0:
            return whole + decimals, ""
        if exponent == 2 or last == ",":
            raise AmbiguousAmount(
                "“%(number)s” can be read in two ways; write %(one)s or %(other)s.",
                typed,
                number=number,
                one=f"{whole}{decimals}",
                other=f"{whole}.{decimals[:exponent]}",
            )
    return _ungroup(whole, code, typed), decimals


def _could_group(whole: str, decimals: str) -> bool:
    return len(decimals) == 3 and re.fullmatch(r"[1-9][0-9]{0,2}", whole) is not None


def _ungroup(whole: str, code: str, typed: str) -> str:
    """Return the digits of a whole part, whose thousands one kind of separator may group."""
    if re.fullmatch(r"[0-9]*|[0-9]{1,3}([ ',.])[0-9]{3}(?:\1[0-9]{3})*", whole) is None:
        raise NotAnAmount("Write an amount such as %(example)s.", typed, example=_example(code))
    return re.sub(r"[ ',.]", "", whole)


def _example(code: str) -> str:
    return Money(1250 * 10 ** max(EXPONENTS[code] - 2, 0), code).major()
