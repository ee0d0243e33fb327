"""Pictures to scan with a bank's app, for pages and chats: transfers in euro as QR codes (EPC069-12).

What cannot be scanned is read; which transfers can be, the domain says.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from substrack.domain.bills import HowToPay, Way
from substrack.domain.epc import epc_text

if TYPE_CHECKING:
    from segno import QRCode

MOST: Final = 3
"""Pictures for one press or page: more transfers than that are read, not scanned."""

QUIET_ZONE: Final = 4
"""Modules of light around a code (ISO/IEC 18004, 9.1)."""

SCALE: Final = 8


@dataclass(frozen=True)
class Outline:
    """A code as one SVG path of dark modules, in a square of `size` units."""

    size: int
    path: str


@dataclass(frozen=True)
class ScanCode:
    """The code of one transfer, and which one it is."""

    how: HowToPay
    way: Way
    text: str

    def png(self) -> bytes:
        """Draw it for a chat."""
        picture = io.BytesIO()
        _code(self.text).save(picture, kind="png", scale=SCALE, border=QUIET_ZONE)
        return picture.getvalue()

    def outline(self) -> Outline:
        """Draw it for a page."""
        return _outline(self.text)


def scan_codes(ways: Sequence[HowToPay]) -> list[ScanCode]:
    """Make a code for each transfer that can be scanned, the first three."""
    accounts = [(how, way) for how in ways for way in how.ways if way.kind == "iban"]
    texts = [(how, way, _text(how, way)) for how, way in accounts]
    return [ScanCode(how, way, text) for how, way, text in texts if text is not None][:MOST]


@lru_cache(maxsize=256)
def _text(how: HowToPay, way: Way) -> str | None:
    return epc_text(name=way.holder or how.payer, iban=way.value, amount=how.total, references=how.references)


def _code(text: str) -> QRCode:
    import segno

    # The guidelines (section 2) ask for level M and for no more than version 13.
    return segno.make_qr(text, error="m", boost_error=False, encoding="utf-8")


@lru_cache(maxsize=256)
def _outline(text: str) -> Outline:
    return draw_outline(text)


def draw_outline(text: str) -> Outline:
    """Draw the code of any text for a page, and keep nothing of it."""
    rows = [bytes(row) for row in _code(text).matrix_iter(border=QUIET_ZONE)]
    runs = (f"M{x} {y}h{length}v1h-{length}z" for y, row in enumerate(rows) for x, length in _dark_runs(row))
    return Outline(len(rows), "".join(runs))


def _dark_runs(row: bytes) -> list[tuple[int, int]]:
    """List where dark modules begin in a row, and how many follow on each other."""
    found: list[tuple[int, int]] = []
    for x, is_dark in enumerate(row):
        if not is_dark:
            continue
        if found and sum(found[-1]) == x:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((x, 1))
    return found
