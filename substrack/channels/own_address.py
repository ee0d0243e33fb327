"""Our own address, fetched the way a phone would: does it lead to a SubsTrack, and what is in the way."""

from __future__ import annotations

import ssl
from enum import StrEnum

from substrack.channels.quoting import quoted


class AddressFault(StrEnum):
    """What is in the way."""

    UNKNOWN_HOST = "unknown host"
    CERTIFICATE = "certificate"
    SILENT = "silent"
    NOBODY_THERE = "nobody there"
    SOMETHING_ELSE = "something else"


class AddressFails(Exception):
    """The address does not lead to us; the text says what was met."""

    def __init__(self, fault: AddressFault, said: str) -> None:
        super().__init__(said)
        self.fault = fault


def fetch_own_health(base_url: str, *, seconds: float) -> None:
    """Ask `/healthz` behind the base URL; redirects are not followed, since forms would not survive them.

    Raises:
        AddressFails: nobody answers within `seconds`, or not SubsTrack.
    """
    import httpx

    try:
        answer = httpx.get(f"{base_url}/healthz", timeout=seconds, follow_redirects=False, trust_env=False)
    except httpx.TimeoutException:
        raise AddressFails(AddressFault.SILENT, f"no answer within {seconds:g} seconds") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise AddressFails(_fault_of(error), quoted(str(error)) or type(error).__name__) from None
    if not _is_ours(answer.status_code, answer.content):
        raise AddressFails(AddressFault.SOMETHING_ELSE, f"status {answer.status_code}")


def _is_ours(status: int, body: bytes) -> bool:
    return status == 200 and b'"status"' in body[:200] and b'"ok"' in body[:200]


def _fault_of(error: BaseException) -> AddressFault:
    said, seen = str(error), error
    while seen.__cause__ or seen.__context__:
        seen = seen.__cause__ or seen.__context__ or seen
        if isinstance(seen, ssl.SSLError):
            return AddressFault.CERTIFICATE
    is_name = "Name or service" in said or "Temporary failure in name" in said or "No address" in said
    return AddressFault.UNKNOWN_HOST if is_name else AddressFault.NOBODY_THERE
