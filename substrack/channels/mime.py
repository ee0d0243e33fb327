"""The one place where a mail becomes bytes.

Its shape is always the same, so it is written down here; headers beyond plain ASCII are encoded and folded by
the standard library. All are single lines, so that no name, subject or address can add one.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC
from email.errors import HeaderParseError, MessageDefect
from email.headerregistry import Address
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from functools import lru_cache
from typing import Final

from substrack.channels.base import OutgoingMail
from substrack.channels.quoting import one_line
from substrack.domain.delivery import DeliveryFailed, Scope

MAX_LINE = 78
"""Characters that a line should not exceed (RFC 5322, section 2.1.1)."""

WHOLE_HEADERS: Final = frozenset({"Content-Type", "List-Unsubscribe", "List-Unsubscribe-Post"})
"""Never folded: the standard library would cut a long URL into encoded words (RFC 2047), which no mail
program puts back together in List-Unsubscribe."""

PLAIN_ADDRESS: Final = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w-]+(\.[\w-]+)*", re.ASCII
)
"""Dot-atoms (RFC 5322, section 3.4.1), which need no closer look; nearly every address is like that."""

Head = tuple[str, str | Address]


def write_mime(mail: OutgoingMail, *, is_utf8: bool = False) -> bytes:
    """Write the message: text first, HTML as its alternative, and the headers a good sender sets.

    `is_utf8`: headers may have letters beyond ASCII as they are (RFC 6532).
    `Auto-Submitted` keeps out-of-office programs quiet (RFC 3834); `List-Unsubscribe-Post` lets mail programs
    offer one-click unsubscription (RFC 8058).

    Raises:
        DeliveryFailed: an address is none; ours concerns every mail, the recipient's only theirs.
    """
    heads = dict(_heads(mail))
    border = _boundary(str(heads["Message-ID"]))
    heads["MIME-Version"] = "1.0"
    heads["Content-Type"] = f'multipart/alternative; boundary="{border.decode()}"'
    return b"".join(
        [
            *(_line(name, value, is_utf8) for name, value in heads.items()),
            *(_part(border, "plain", mail.text), _part(border, "html", mail.html)),
            *(b"\r\n--", border, b"--\r\n"),
        ]
    )


def _heads(mail: OutgoingMail) -> Iterator[Head]:
    sender = mail_address(mail.from_address, Scope.LANE)
    host = sender.rpartition("@")[2]
    yield "From", _header_address(sender, one_line(mail.from_name))
    yield "To", _header_address(mail_address(mail.to))
    yield "Subject", one_line(mail.subject)
    yield "Date", format_datetime(mail.date.astimezone(UTC))
    yield "Message-ID", f"<{_one_word(mail.message_id)}@{host}>"
    if mail.references:
        yield "References", " ".join(f"<{_one_word(thread)}@{host}>" for thread in mail.references)
    if mail.reply_to:
        yield "Reply-To", _header_address(mail_address(mail.reply_to, Scope.MESSAGE))
    if mail.unsubscribe_url:
        yield "List-Unsubscribe", f"<{_one_word(mail.unsubscribe_url)}>"
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    yield "Auto-Submitted", "auto-generated"


def _line(name: str, value: str | Address, is_utf8: bool) -> bytes:
    """Write one header; what is plain ASCII on one line has nothing to fold or encode."""
    text = str(value)
    is_short = name in WHOLE_HEADERS or len(name) + len(text) + 2 <= MAX_LINE
    if is_short and text.isascii() and text.isprintable():
        return f"{name}: {text}\r\n".encode("ascii")
    policy = SMTPUTF8 if is_utf8 else SMTP
    return policy.fold_binary(name, policy.header_factory(name, value))


def _part(border: bytes, subtype: str, text: str) -> bytes:
    """Write one of the bodies, in lines that every server passes on (RFC 2045, section 6.7)."""
    lines = b"".join(line + b"\r\n" for line in text.encode().splitlines())
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable'
    return b"\r\n--%b\r\n%b\r\n\r\n%b" % (border, head.encode("ascii"), binascii.b2a_qp(lines))


def _boundary(message_id: str) -> bytes:
    """Name the border between text and HTML: the same in a repeat, which is the same mail to the last byte.

    No line of quoted-printable text can hold it (RFC 2045, section 6.7).
    """
    return f"=_{hashlib.sha256(message_id.encode()).hexdigest()[:24]}".encode()


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
    if PLAIN_ADDRESS.fullmatch(f"{name}@{host}"):
        return
    probe = "".join(char if char.isascii() else "x" for char in name) + f"@{host}"
    if not name.isprintable() or Address(addr_spec=probe).addr_spec != probe:
        raise ValueError("parts of it would get lost")


def _header_address(address: str, display_name: str = "") -> Address:
    name, _, host = address.rpartition("@")
    return Address(display_name, username=name, domain=host)


def _one_word(text: str) -> str:
    return re.sub(r"[^\x21-\x7e]|[<>]", "", text)
