"""How members may pay a group's payer: a link, a bank account, a UPI address, or words.

Checks what an admin enters and fills a link's placeholders. It moves no money, opens no link and
does not know whether an account exists.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from substrack.domain.errors import Refused
from substrack.domain.ibans import check_iban, iban_in_fours
from substrack.domain.upi import check_vpa
from substrack.domain.wording import clean_line, clean_text

MAX_LINK: Final = 2000
MAX_LABEL: Final = 60
MAX_HOLDER: Final = 70
"""Longest name of an account holder in a SEPA credit transfer (EPC069-12, EPC QR code)."""

PLACEHOLDERS: Final = ("{amount}", "{currency}", "{reference}")

_SCHEMES: Final = ("https", "http", "upi")
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)
_BARE_HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}(/|\?|$)", re.IGNORECASE)
_UNSAFE_IN_LINK: Final = re.compile(r"""[\s\\<>"'`]""")


class PayLinkRefused(Refused):
    """The payment link is not one a member may be sent to."""

    field = "pay_link"


class UnknownPlaceholder(PayLinkRefused):
    """The link has braces that are none of `PLACEHOLDERS`."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            "“%(found)s” cannot be filled in; use %(places)s in the link.",
            found=found[:40],
            places=", ".join(PLACEHOLDERS),
        )


class UnknownPayKind(Refused):
    """There is no such way to pay."""

    field = "kind"

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__("Choose how to pay: link, iban, upi or text.")


class PayKind(StrEnum):
    """The kinds of `PayMethod`."""

    LINK = "link"
    IBAN = "iban"
    UPI = "upi"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class PayMethod:
    """One checked way to pay; make it with `pay_method`.

    `fields` by kind: link → url; iban → iban, holder; upi → vpa, holder (may be empty); text → text.
    """

    kind: PayKind
    fields: Mapping[str, str]
    label: str | None = None

    @property
    def value(self) -> str:
        """The account as people read it, the link, the address or the words."""
        if self.kind is PayKind.IBAN:
            return iban_in_fours(self.fields["iban"])
        return self.fields[_VALUE_OF[self.kind]]


_VALUE_OF: Final = {PayKind.LINK: "url", PayKind.UPI: "vpa", PayKind.TEXT: "text"}


def pay_method(kind: str, fields: Mapping[str, str], label: str | None = None) -> PayMethod:
    """Check what was entered for one way to pay and return it normalised; unknown fields are ignored.

    Raises: UnknownPayKind, PayLinkRefused, IbanRefused, VpaRefused, TextRefused.
    """
    if kind not in _CHECKS:
        raise UnknownPayKind(kind)
    cleaned_label = clean_line(label, field="label", maximum=MAX_LABEL) if label and label.strip() else None
    checked = _CHECKS[PayKind(kind)](fields)
    return PayMethod(PayKind(kind), checked, cleaned_label)


def check_link(link: str) -> str:
    """Return a payment link, with https:// put before a bare host ("paypal.me/olga").

    Only https, http and upi, a plain ASCII host, no user or password before it, and no braces but
    `PLACEHOLDERS` after it. A link with a placeholder in its host could lead anywhere.

    Raises: PayLinkRefused, UnknownPlaceholder.
    """
    stripped = link.strip()
    if not stripped or len(stripped) > MAX_LINK:
        raise PayLinkRefused("Give a link of at most %(most)s characters.", most=MAX_LINK)
    if _UNSAFE_IN_LINK.search(stripped) or not stripped.isprintable():
        raise PayLinkRefused(
            "A link has no spaces, quotes or control characters; copy it from the address bar."
        )
    full = f"https://{stripped}" if _BARE_HOST.match(stripped) else stripped
    parts = _parse(full)
    _check_host(parts)
    _check_placeholders(full)
    return full


def fill(link: str, *, amount: str, currency: str, reference: str) -> str:
    """Return the link with its placeholders filled, percent-encoded (RFC 3986, section 2.1).

    `amount` is the plain form of `Money.major`.
    """
    values = {"{amount}": amount, "{currency}": currency, "{reference}": reference}
    return re.sub(r"\{[a-z]+\}", lambda found: quote(values.get(found[0], found[0]), safe=""), link)


def _check_link_fields(fields: Mapping[str, str]) -> dict[str, str]:
    return {"url": check_link(fields.get("url", ""))}


def _check_iban_fields(fields: Mapping[str, str]) -> dict[str, str]:
    return {
        "iban": check_iban(fields.get("iban", "")),
        "holder": clean_line(fields.get("holder", ""), field="holder", maximum=MAX_HOLDER),
    }


def _check_upi_fields(fields: Mapping[str, str]) -> dict[str, str]:
    holder = fields.get("holder", "").strip()
    return {
        "vpa": check_vpa(fields.get("vpa", "")),
        "holder": clean_line(holder, field="holder", maximum=MAX_HOLDER) if holder else "",
    }


def _check_text_fields(fields: Mapping[str, str]) -> dict[str, str]:
    return {"text": clean_text(fields.get("text", ""), field="text", required=True)}


_CHECKS: Final[Mapping[str, Callable[[Mapping[str, str]], dict[str, str]]]] = {
    PayKind.LINK: _check_link_fields,
    PayKind.IBAN: _check_iban_fields,
    PayKind.UPI: _check_upi_fields,
    PayKind.TEXT: _check_text_fields,
}


def _parse(link: str) -> SplitResult:
    try:
        parts = urlsplit(link)
        _ = parts.port
    except ValueError as error:
        raise PayLinkRefused("This is not a complete link; copy it from the address bar.") from error
    if parts.scheme not in _SCHEMES:
        raise PayLinkRefused("A payment link starts with https:// (or http://, or upi://).")
    return parts


def _check_host(parts: SplitResult) -> None:
    if "@" in parts.netloc:
        raise PayLinkRefused("A payment link has no “@” before its host; that hides where it leads.")
    if _HOST.fullmatch(parts.hostname or "") is None:
        raise PayLinkRefused("A payment link needs a host in plain letters, such as paypal.me.")


def _check_placeholders(link: str) -> None:
    rest = link
    for placeholder in PLACEHOLDERS:
        rest = rest.replace(placeholder, "")
    brace = re.search(r"\{[^{}]*\}?|\}", rest)
    if brace:
        raise UnknownPlaceholder(brace[0])
