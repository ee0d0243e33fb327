"""Common kinds of shared subscriptions: how many usually share one, and how often it is paid.

Suggestions for the form of a new group, and which drawing its card carries; nothing else hangs on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from substrack.domain.cycles import Unit


class ServiceKind(StrEnum):
    """What is shared, roughly."""

    VIDEO = "video"
    MUSIC = "music"
    PHONE = "phone"
    CLOUD = "cloud"
    VPN = "vpn"
    HOME = "home"
    CLUB = "club"
    OTHER = "other"


@dataclass(frozen=True)
class Usual:
    """How such a thing is usually shared: `seats` counts everybody, the payer included.

    `is_limited` where the plans of such services have room for no more.
    """

    seats: int
    unit: Unit
    every: int = 1
    is_limited: bool = True


USUAL: Mapping[ServiceKind, Usual] = MappingProxyType(
    {
        ServiceKind.VIDEO: Usual(6, Unit.MONTH),
        ServiceKind.MUSIC: Usual(6, Unit.MONTH),
        ServiceKind.PHONE: Usual(4, Unit.MONTH),
        ServiceKind.CLOUD: Usual(6, Unit.MONTH),
        ServiceKind.VPN: Usual(5, Unit.YEAR),
        ServiceKind.HOME: Usual(4, Unit.MONTH, is_limited=False),
        ServiceKind.CLUB: Usual(10, Unit.MONTH, is_limited=False),
        ServiceKind.OTHER: Usual(4, Unit.MONTH, is_limited=False),
    }
)
