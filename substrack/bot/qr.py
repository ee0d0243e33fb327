"""Pictures to scan with a bank's app: credit transfers in euro as EPC QR codes (EPC069-12).

Only a checked IBAN becomes a picture; everything else is paid by reading.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal

from substrack.domain.letters import HowToPay, Way

MOST = 3
"""Pictures for one press: more transfers than that are read, not scanned."""

MAX_NAME = 70
MAX_TEXT = 140
SCALE = 8


def transfer_codes(ways: Sequence[HowToPay]) -> list[tuple[HowToPay, bytes]]:
    """Draw a PNG for each sum in euro that goes to an IBAN, the first three."""
    found = [(how, way) for how in ways for way in how.ways if way.kind == "iban"]
    wanted = [(how, way) for how, way in found if how.total.currency == "EUR" and how.total.minor > 0]
    return [(how, _draw(how, way)) for how, way in wanted[:MOST]]


def _draw(how: HowToPay, way: Way) -> bytes:
    from segno import helpers

    code = helpers.make_epc_qr(
        name=(way.holder or how.payer)[:MAX_NAME],
        iban=way.value.replace(" ", ""),
        amount=Decimal(how.total.major()),
        text=" ".join(how.references)[:MAX_TEXT],
    )
    picture = io.BytesIO()
    code.save(picture, kind="png", scale=SCALE, border=4)
    return picture.getvalue()
