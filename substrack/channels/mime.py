"""The one place where a mail becomes bytes.

Headers are built by the standard library from single lines, so that no name, subject or address can add one.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC
from email.errors import HeaderParseError, MessageDefect
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from functools import lru_cache
from typing import Any

from substrack.channels.base import OutgoingMail
from substrack.channels.quoting import one_line
from substrack.domain.delivery import DeliveryFailed, Scope

MAX_LINE = 78
"""Characters that a line should not exceed (RFC 5322, section 2.1.1)."""

URL_HEADERS = frozenset({"list-unsubscribe", "list-unsubscribe-post"})


class _LongUrlPolicy(EmailPolicy):
    """Folds as SMTP asks (RFC 5322, section 2.1.1), except headers that hold a URL.

    The standard library would cut a long URL into encoded words (RFC 2047), which no mail program puts back
    together in List-Unsubscribe.
    """

    def fold(self, name: str, value: Any) -> str:
        if name.lower() in URL_HEADERS or _fits(name, value):
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in URL_HEADERS or _fits(name, value):
            return self.fold(name, value).encode("ascii")
        return super().fold_binary(name, value)


def _fits(name: str, value: Any) -> bool:
    """Tell whether a header is plain ASCII on one line, so that there is nothing to fold or encode."""
    text = str(value)
    return text.isascii() and text.isprintable() and len(name) + len(text) + 2 <= MAX_LINE


POLICY = _LongUrlPolicy(linesep=SMTP.linesep, raise_on_defect=False)


def build_mime(mail: OutgoingMail) -> EmailMessage:
    """Build the message: text first, HTML as its alternative, and the headers a good sender sets.

    `Auto-Submitted` keeps out-of-office programs quiet (RFC 3834); `List-Unsubscribe-Post` lets mail programs
    offer one-click unsubscription (RFC 8058).

    Raises:
        DeliveryFailed: an address is none; ours concerns every mail, the recipient's only theirs.
    """
    message = EmailMessage(policy=POLICY)
    sender = mail_address(mail.from_address, Scope.LANE)
    message["From"] = _header_address(sender, one_line(mail.from_name))
    message["To"] = _header_address(mail_address(mail.to))
    message["Subject"] = one_line(mail.subject)
    message["Date"] = mail.date.astimezone(UTC)
    host = sender.rpartition("@")[2]
    message["Message-ID"] = f"<{_one_word(mail.message_id)}@{host}>"
    if mail.references:
        message["References"] = " ".join(f"<{_one_word(thread)}@{host}>" for thread in mail.references)
    if mail.reply_to:
        message["Reply-To"] = _header_address(mail_address(mail.reply_to, Scope.MESSAGE))
    if mail.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{_one_word(mail.unsubscribe_url)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    message.set_boundary(_boundary(message["Message-ID"]))
    return message


def _boundary(message_id: str) -> str:
    """Name the border between text and HTML: the same in a repeat, which is the same mail to the last byte.

    No line of quoted-printable text can hold it (RFC 2045, section 6.7).
    """
    return f"=_{hashlib.sha256(message_id.encode()).hexdigest()[:24]}"


def mail_address(value: str, scope: Scope = Scope.ADDRESS) -> str:
    """Return an address as it travels: the host in ASCII (RFC 5891), the name before it untouched.

    Raises:
        DeliveryFailed: it is no address, which concerns what `scope` says.
    """
    try:
        return _as_it_travels(value)
    except (ValueError, HeaderParseError, MessageDefect, IndexError) as error:
        raise DeliveryFailed(
            f"“{one_line(value)[:100]}” is not an email address",
            scope=scope,
            permanent=scope is not Scope.LANE,
        ) from error


@lru_cache(maxsize=256)
def _as_it_travels(value: str) -> str:
    """Remember a few: ours and a payer's are the same in thousands of mails."""
    name, _, host = value.strip().rpartition("@")
    ascii_host = host if host.isascii() else host.encode("idna").decode()
    _check_parts(name, ascii_host)
    return f"{name}@{ascii_host}"


def _check_parts(name: str, host: str) -> None:
    """Have the standard library read the address; letters beyond ASCII, which it refuses, stand aside."""
    probe = "".join(char if char.isascii() else "x" for char in name) + f"@{host}"
    if not name.isprintable() or Address(addr_spec=probe).addr_spec != probe:
        raise ValueError("parts of it would get lost")


def _header_address(address: str, display_name: str = "") -> Address:
    name, _, host = address.rpartition("@")
    return Address(display_name, username=name, domain=host)


def _one_word(text: str) -> str:
    return re.sub(r"[^\x21-\x7e]|[<>]", "", text)
