"""What the common kinds of shared subscriptions are called, and what their tiles suggest."""

from __future__ import annotations

from dataclasses import dataclass

from substrack.domain.cycles import Unit
from substrack.domain.service_kinds import USUAL, ServiceKind
from substrack.texts.labels import rhythm
from substrack.texts.words import Words


@dataclass(frozen=True)
class KindTile:
    """One tile of the picker: its word and drawing, and what it proposes for the other fields."""

    kind: ServiceKind
    name: str
    icon: str
    example: str
    hint: str
    unit: Unit
    every: int


def kind_name(kind: ServiceKind, locale: str) -> str:
    """Name a kind of shared subscription."""
    _ = Words(locale)
    names = {
        ServiceKind.VIDEO: _("Video"),
        ServiceKind.MUSIC: _("Music"),
        ServiceKind.PHONE: _("Phone"),
        ServiceKind.CLOUD: _("Cloud"),
        ServiceKind.VPN: _("VPN"),
        ServiceKind.HOME: _("At home"),
        ServiceKind.CLUB: _("Club"),
        ServiceKind.OTHER: _("Other"),
    }
    return names[kind]


def kind_tiles(locale: str) -> tuple[KindTile, ...]:
    """List the tiles of the picker."""
    return tuple(_tile(kind, Words(locale)) for kind in ServiceKind)


def usual_seats(kind: ServiceKind) -> int | None:
    """Say for how many a plan usually has room, the payer included; None where there is no limit."""
    return USUAL[kind].seats if USUAL[kind].is_limited else None


def _tile(kind: ServiceKind, _: Words) -> KindTile:
    usual = USUAL[kind]
    return KindTile(
        kind=kind,
        name=kind_name(kind, _.locale),
        icon=f"kind-{kind.value}",
        example=_example(kind, _),
        hint=_hint(kind, _),
        unit=usual.unit,
        every=usual.every,
    )


def _hint(kind: ServiceKind, _: Words) -> str:
    if kind is ServiceKind.OTHER:
        return ""
    usual = USUAL[kind]
    often = rhythm(usual.unit, usual.every, _.locale)
    return _.ngettext(
        "Usually up to %(n)s person, paid %(often)s.",
        "Usually up to %(n)s people, paid %(often)s.",
        usual.seats,
        often=often,
    )


def _example(kind: ServiceKind, _: Words) -> str:
    examples = {
        ServiceKind.VIDEO: _("such as YouTube Premium"),
        ServiceKind.MUSIC: _("such as Spotify Family"),
        ServiceKind.PHONE: _("such as Family plan"),
        ServiceKind.CLOUD: _("such as iCloud storage"),
        ServiceKind.VPN: _("such as the VPN"),
        ServiceKind.HOME: _("such as Internet at home"),
        ServiceKind.CLUB: _("such as Football pitch"),
        ServiceKind.OTHER: _("such as Newspaper"),
    }
    return examples[kind]
