"""Whose address a request came from, as far as one household or host can be told from another."""

from __future__ import annotations

import ipaddress
from typing import Final

HOUSEHOLD_BITS: Final = 64
"""What a provider gives one connection at least (RFC 6177, section 2): whoever has it can use any of it."""


def network_of(address: str | None) -> str:
    """Name the network to count a client by: an IPv4 address, or the /64 of an IPv6 one.

    An IPv4 address written as IPv6 is the IPv4 one; what is no address is counted together.
    """
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, HOUSEHOLD_BITS), strict=False))
