"""What the domain we send from says about its mail in the DNS: SPF, DKIM, DMARC.

Whether a mail passes, only its receiver knows: from which address the server sends, and what it signs with,
can't be seen from here. What can be seen is judged, and the rest is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Final

from substrack.channels.dns import DnsSilent, NoSuchDomain, TextRecords
from substrack.doctor.patient import Patient
from substrack.doctor.verdicts import Verdict, ok, unknown, warning, wrong

MOST_LOOKUPS: Final = 10
"""RFC 7208, section 4.6.4."""

LOOKUPS: Final = re.compile(r"[+?~-]?(include:|exists:|(a|mx|ptr)(?=[:/]|$))|redirect=", re.IGNORECASE)
"""Terms for which a receiver asks once more (RFC 7208, section 4.6.4)."""

OTHERS: Final = re.compile(r"(?:[+?~-]?include:|redirect=)(\S+)", re.IGNORECASE)
"""Terms that lead to the record of another domain; each is one of `LOOKUPS`, so that following them ends."""

SELECTORS: Final = (
    "default", "dkim", "mail", "google", "selector1", "selector2", "s1", "s2", "k1", "k2", "fm1", "fm2",
    "protonmail", "zoho", "mxvault", "smtp",
)  # fmt: skip
"""Names under which providers often keep the key. There is no way to ask for all names."""

Check = Callable[[Patient], Verdict]


class TooManyLookups(Exception):
    """An SPF record that makes receivers ask more than they have to."""


class BrokenInclude(Exception):
    """An SPF record includes a domain that has none, which is an error (RFC 7208, section 5.2)."""

    def __init__(self, domain: str) -> None:
        super().__init__(domain)
        self.domain = domain


def _of_domain(check: Callable[[str, Patient], Verdict]) -> Check:
    """Do without the check where no mail leaves the house, and say so where the DNS is silent."""

    @wraps(check)
    def judge(patient: Patient) -> Verdict:
        domain = domain_of(patient)
        if domain is None:
            return unknown("No mail leaves this machine in the name of a domain.")
        try:
            return check(domain, patient)
        except NoSuchDomain:
            return unknown(f"{domain} does not exist.", "See the check of SPF.")
        except DnsSilent as silent:
            return unknown(f"The DNS gave no answer about {domain} ({silent}).", "Try again later.")

    return judge


def domain_of(patient: Patient) -> str | None:
    """Name the domain mail comes from; None where there is none that others could look up."""
    domain = patient.settings.mail_from.rpartition("@")[2].lower().rstrip(".")
    if not patient.settings.smtp_url or "." not in domain:
        return None
    return domain if domain.isascii() else domain.encode("idna").decode()


@_of_domain
def spf(domain: str, patient: Patient) -> Verdict:
    """Look whether the domain names who may send in its name (RFC 7208)."""
    texts = patient.outside.texts
    try:
        found = _spf_of(texts, domain)
    except NoSuchDomain:
        return wrong(
            f"{domain} does not exist: there is no such name in the DNS.", "Correct SUBSTRACK_MAIL_FROM."
        )
    if not found:
        return warning(
            f"{domain} has no SPF record: receivers trust it less, or refuse its mail.",
            "Enter a TXT record as your mail provider tells you, such as: v=spf1 include:… -all",
        )
    if len(found) > 1:
        return wrong(
            f"{domain} has {len(found)} SPF records, which count as none.", "Leave one, with all in it."
        )
    try:
        _count_lookups(texts, found[0], MOST_LOOKUPS)
    except TooManyLookups:
        return wrong(
            f"{domain}'s SPF record takes more than {MOST_LOOKUPS} lookups, which makes it invalid.",
            "Leave out what you do not send through.",
        )
    except BrokenInclude as broken:
        return wrong(
            f"{domain}'s SPF record includes {broken.domain}, which has none.", "Correct or leave that out."
        )
    return _judge_spf(domain, found[0])


def _judge_spf(domain: str, record: str) -> Verdict:
    terms = record.lower().split()[1:]
    if not [term for term in terms if term != "-all"]:
        return wrong(
            f"{domain}'s SPF record says that it sends no mail at all.", "Enter the server you send through."
        )
    if {"+all", "all"} & set(terms):
        return warning(f"{domain}'s SPF record lets anybody send in its name.", "End it with -all or ~all.")
    named = ", ".join(_includes(record)) or "addresses of its own"
    return ok(
        f"{domain} has one SPF record, by {named}; whether your server is in it, a received mail tells."
    )


def _spf_of(texts: TextRecords, domain: str) -> list[str]:
    return [text for text in texts.of(domain) if re.match(r"v=spf1( |$)", text, re.IGNORECASE)]


def _count_lookups(texts: TextRecords, record: str, left: int) -> int:
    """Follow includes as a receiver does; return how many lookups are left.

    Raises:
        TooManyLookups, BrokenInclude.
    """
    left -= sum(LOOKUPS.match(term) is not None for term in record.split()[1:])
    if left < 0:
        raise TooManyLookups
    for domain in _includes(record):
        try:
            found = _spf_of(texts, domain)
        except NoSuchDomain:
            found = []
        if len(found) != 1:
            raise BrokenInclude(domain)
        left = _count_lookups(texts, found[0], left)
    return left


def _includes(record: str) -> list[str]:
    """List the domains a record leaves it to; those with macros depend on the mail and are left out."""
    found = [match[1] for term in record.split()[1:] if (match := OTHERS.match(term))]
    return [domain.lower().rstrip(".") for domain in found if "%" not in domain]


@_of_domain
def dkim(domain: str, patient: Patient) -> Verdict:
    """Look for a key that receivers check signatures with (RFC 6376), under the name given or common ones."""
    patient.outside.texts.of(domain)  # where that does not exist, nothing below it does (RFC 8020)
    chosen = patient.dkim_selector
    for selector in (chosen,) if chosen else SELECTORS:
        name = f"{selector}._domainkey.{domain}"
        record = _dkim_of(patient.outside.texts, name)
        if record is None:
            continue
        if not re.search(r"\bp=\s*[A-Za-z0-9+/]", record):
            return wrong(f"The DKIM key at {name} is revoked (empty p=).", "Enter your provider's key anew.")
        return ok(f"There is a DKIM key at {name}; whether your server signs with it, a received mail tells.")
    if chosen:
        return wrong(
            f"There is no DKIM key at {chosen}._domainkey.{domain}.",
            "Enter the record your mail provider gives you, or correct the selector.",
        )
    return unknown(
        f"No DKIM key of {domain} lies under a common name; which one your server uses is not known here.",
        "Look at s= in the DKIM-Signature of a mail you received, and say --dkim-selector.",
    )


def _dkim_of(texts: TextRecords, name: str) -> str | None:
    try:
        return next((text for text in texts.of(name) if "p=" in text), None)
    except NoSuchDomain:
        return None


@_of_domain
def dmarc(domain: str, patient: Patient) -> Verdict:
    """Look what receivers are to do with mail that fails both (RFC 7489), at the domain or one above it."""
    patient.outside.texts.of(domain)
    for place in _upwards(domain):
        found = _dmarc_of(patient.outside.texts, place)
        if len(found) > 1:
            return wrong(f"{place} has {len(found)} DMARC records, which count as none.", "Leave one.")
        if found:
            return _judge_dmarc(domain, place, found[0])
    return warning(
        f"{domain} has no DMARC record, which large receivers ask for.",
        f"Enter a TXT record at _dmarc.{domain}, such as: v=DMARC1; p=none; rua=mailto:you@{domain}",
    )


def _judge_dmarc(domain: str, place: str, record: str) -> Verdict:
    policy = re.search(r";\s*p\s*=\s*(none|quarantine|reject)\b", record, re.IGNORECASE)
    if policy is None:
        return wrong(f"The DMARC record of {place} names no policy.", "Add p=none, p=quarantine or p=reject.")
    strict = [what for tag, what in (("adkim", "DKIM"), ("aspf", "SPF")) if _is_strict(record, tag)]
    exactly = f"; {' and '.join(strict)} must be of {domain} exactly" if strict else ""
    watches = ", which only watches" if policy[1].lower() == "none" else ""
    return ok(f"{place} asks for p={policy[1].lower()}{watches}{exactly}.")


def _is_strict(record: str, tag: str) -> bool:
    return re.search(rf";\s*{tag}\s*=\s*s\b", record, re.IGNORECASE) is not None


def _dmarc_of(texts: TextRecords, domain: str) -> list[str]:
    try:
        found = texts.of(f"_dmarc.{domain}")
    except NoSuchDomain:
        return []
    return [text for text in found if re.match(r"v\s*=\s*DMARC1\s*(;|$)", text)]


def _upwards(domain: str) -> Iterator[str]:
    """Give a domain and those above it, but for the last, in which nobody registers (in place of a list)."""
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        yield ".".join(labels[start:])
