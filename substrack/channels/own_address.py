"""Our own address, fetched the way a phone would: does it lead to us, and what is in the way."""

from __future__ import annotations

import json
import ssl
from enum import StrEnum
from typing import Final

from substrack.channels.quoting import quoted

LONGEST: Final = 1_000
"""Bytes of an answer that are looked at; ours has a hundred."""


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


def fetch_own_proof(base_url: str, challenge: str, *, seconds: float) -> str:
    """Ask `/healthz` behind the base URL who is there; redirects are not followed, as no form survives them.

    Returns what it says to the challenge; empty when it is a SubsTrack that says nothing to that.

    Raises:
        AddressFails: nobody answers within `seconds`, or not SubsTrack.
    """
    import httpx

    url = f"{base_url}/healthz?challenge={challenge}"
    try:
        answer = httpx.get(url, timeout=seconds, follow_redirects=False, trust_env=False)
    except httpx.TimeoutException:
        raise AddressFails(AddressFault.SILENT, f"no answer within {seconds:g} seconds") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise AddressFails(_fault_of(error), quoted(str(error)) or type(error).__name__) from None
    proof = _proof_in(answer.content) if answer.status_code == 200 else None
    if proof is None:
        raise AddressFails(AddressFault.SOMETHING_ELSE, f"status {answer.status_code}")
    return proof


def _proof_in(body: bytes) -> str | None:
    """Read what we would say; None of anything else."""
    try:
        said = json.loads(body[:LONGEST])
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("status") != "ok":
        return None
    return str(said.get("proof", ""))


def _fault_of(error: BaseException) -> AddressFault:
    said, seen = str(error), error
    while seen.__cause__ or seen.__context__:
        seen = seen.__cause__ or seen.__context__ or seen
        if isinstance(seen, ssl.SSLError):
            return AddressFault.CERTIFICATE
    is_name = "Name or service" in said or "Temporary failure in name" in said or "No address" in said
    return AddressFault.UNKNOWN_HOST if is_name else AddressFault.NOBODY_THERE
