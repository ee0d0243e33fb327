"""What a mail server's refusal means, as a table: whose fault it is and whether trying again can help.

Reply codes: RFC 5321, section 4.2; enhanced codes (the `5.1.1` at the start of a text): RFC 3463.
"""

from __future__ import annotations

import re
import ssl
from contextlib import suppress

import aiosmtplib

from substrack.channels.quoting import quoted
from substrack.domain.delivery import DeliveryFailed, Scope

LANE_CODES = frozenset({421, 454, 530, 534, 535, 538})
"""Codes that mean everybody on this server: it closes, or it wants TLS or a login (RFC 4954, section 6)."""

NO_SUCH_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""Codes that condemn an address: none such, moved, disabled, or its domain takes no mail (RFC 7505)."""

BARE_ADDRESS_CODES = frozenset({550, 551, 553})
BAD_SENDER = frozenset({"5.1.7", "5.1.8"})

_OURS = re.compile(r"\b(relay\w*|s?auth\w*|unauth\w*|log ?in|client host|not verified)\b", re.IGNORECASE)
_QUOTA = re.compile(r"\b(daily|hourly|sending|outgoing|outbound|too many messages)\b", re.IGNORECASE)
_LIMIT = re.compile(r"\b(quota|limits?|rate|exceeded|too many messages)\b", re.IGNORECASE)
_POLICY = re.compile(r"\b(polic\w*|spam\w*|block\w*|blacklist\w*|denylist\w*|reputation)\b", re.IGNORECASE)
_SENDER = re.compile(r"\bsender\b", re.IGNORECASE)


def delivery_failure(error: Exception) -> DeliveryFailed | None:
    """Translate an error of the library or of the network; None for what is a bug of ours."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            return _recipient_refused(error.recipients[0])
        case aiosmtplib.SMTPRecipientRefused():
            return _recipient_refused(error)
        case aiosmtplib.SMTPSenderRefused():
            return _sender_refused(error)
        case aiosmtplib.SMTPDataError():
            return _data_refused(error)
        case aiosmtplib.SMTPAuthenticationError():
            return _lane(f"the mail server refused the login: {_reply(error)}")
        case aiosmtplib.SMTPResponseException():
            return _lane(f"the mail server answered {_reply(error)}")
        case aiosmtplib.SMTPNotSupported():
            return _lane(f"the mail server lacks something: {quoted(error.message)}")
        case TimeoutError():
            return _lane("the mail server did not answer in time")
        case ssl.SSLError():
            return _lane(f"no safe connection to the mail server: {quoted(str(error))}")
        case aiosmtplib.SMTPException() | OSError() | EOFError():
            return _lane(f"the mail server can’t be reached: {quoted(str(error)) or type(error).__name__}")
        case _:
            return None


def _recipient_refused(error: aiosmtplib.SMTPRecipientRefused) -> DeliveryFailed:
    if _is_everybodys(error):
        return _lane(_reply(error))
    if error.code < 500:
        return DeliveryFailed(_reply(error), scope=Scope.MESSAGE)
    scope = _scope_of_refusal(error.code, error.message)
    return DeliveryFailed(_reply(error), scope=scope, permanent=scope is not Scope.LANE)


def _is_everybodys(error: aiosmtplib.SMTPResponseException) -> bool:
    """Tell what every mail would be answered: that the server closes, a quota, or something senseless."""
    is_refusal = 400 <= error.code < 600
    return error.code in LANE_CODES or not is_refusal or _is_quota(error.message)


def _is_quota(message: str) -> bool:
    """Tell how much we may send from how much a mailbox holds (RFC 3463, x.2.x: mailbox status)."""
    enhanced, text = _enhanced(message), _without_addresses(message)
    is_mailbox = enhanced is not None and enhanced.split(".")[1] == "2"
    return not is_mailbox and _QUOTA.search(text) is not None and _LIMIT.search(text) is not None


def _scope_of_refusal(code: int, message: str) -> Scope:
    """Tell whom a refused recipient is about; many servers say "550" to whoever may not send at all.

    Only what names the address condemns it: a mistake in our settings must not cost anybody theirs.
    """
    enhanced, text = _enhanced(message), _without_addresses(message)
    if enhanced in NO_SUCH_ADDRESS:
        return Scope.ADDRESS
    if enhanced in BAD_SENDER or _OURS.search(text):
        return Scope.LANE
    if _POLICY.search(text):
        return Scope.MESSAGE
    if _SENDER.search(text):
        return Scope.LANE
    return Scope.ADDRESS if enhanced is None and code in BARE_ADDRESS_CODES else Scope.MESSAGE


def _sender_refused(error: aiosmtplib.SMTPSenderRefused) -> DeliveryFailed:
    """Our own address is refused for every mail; only a size limit (552) is about this one."""
    if error.code == 552:
        return DeliveryFailed(_reply(error), scope=Scope.MESSAGE, permanent=True)
    if error.code in (450, 451, 452) and not _is_quota(error.message):
        return DeliveryFailed(_reply(error), scope=Scope.MESSAGE)
    return _lane(_reply(error))


def _data_refused(error: aiosmtplib.SMTPDataError) -> DeliveryFailed:
    """Some servers say only now that they send nothing for us; addresses were spoken about before."""
    if _is_everybodys(error) or _scope_of_refusal(error.code, error.message) is Scope.LANE:
        return _lane(_reply(error))
    return DeliveryFailed(_reply(error), scope=Scope.MESSAGE, permanent=error.code >= 500)


def _lane(reason: str) -> DeliveryFailed:
    return DeliveryFailed(reason, scope=Scope.LANE)


def _reply(error: aiosmtplib.SMTPResponseException) -> str:
    message = error.message
    with suppress(AttributeError):
        message = message.decode(errors="replace")  # type: ignore[attr-defined]
    return f"{error.code} {quoted(message)}".strip()


def _without_addresses(message: str) -> str:
    return re.sub(r"\S+@\S+", "", message)


def _enhanced(message: str) -> str | None:
    found = re.match(r"\s*([245]\.\d{1,3}\.\d{1,3})\b", message)
    return found[1] if found else None
