"""Proofs of payment: a picture or PDF that comes with a claim, made safe before it is kept.

A picture is decoded and written anew, which leaves its metadata (place, camera, thumbnails) and whatever hid
in the file behind; a PDF is kept as it came and only ever handed on as a file. What a file is, its bytes say,
never its name.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from substrack.domain.actors import Actor
from substrack.domain.errors import Refused
from substrack.domain.money import Money
from substrack.services.claims import claim_payments
from substrack.services.locks import lock_contacts
from substrack.services.shown import flag_shown
from substrack.store import Attachment, Attempt, AttemptItem, AttemptState

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_PIXELS: Final = 50_000_000
"""Some 8,600 × 5,800: larger than any phone's picture, small enough to decode."""

MAX_SIDE: Final = 2400
MAX_PROOFS: Final = 5
FORMATS: Final = ("JPEG", "PNG", "WEBP")
JPEG_QUALITY: Final = 85

_ORIENTATION: Final = 0x0112
_UPRIGHT: Final = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""What makes a picture of an orientation upright (Exif 2.32, tag 274)."""

_DECODING: Final = threading.Lock()
"""One picture at a time in a process: 50 million pixels take 200 MB while they are decoded."""


class ProofRefused(Refused):
    """This file is not kept."""

    field = "proof"


class ProofTooLarge(ProofRefused):
    """More than 10 MB, or more pixels than we decode."""

    def __init__(self) -> None:
        super().__init__("This is too large; send a picture or PDF of up to 10 MB.")


class NoProof(ProofRefused):
    """Neither a picture nor a PDF, or broken."""

    def __init__(self) -> None:
        super().__init__("This is no picture (JPEG, PNG, WebP) or PDF that can be read. Try a screenshot.")


@dataclass(frozen=True)
class SafeProof:
    """What may be kept: `kind` is image/jpeg or application/pdf."""

    content: bytes
    kind: str


@dataclass(frozen=True)
class ClaimedWithProof:
    """What a proof did: new claims, and to how many claims it was added."""

    claimed: int
    added: int


def read_proof(content: bytes) -> SafeProof:
    """Check what somebody sent and make it safe; pictures become JPEG of at most 2,400 pixels a side.

    Raises:
        ProofTooLarge, NoProof.
    """
    if len(content) > MAX_BYTES:
        raise ProofTooLarge
    if content.startswith(b"%PDF-"):
        if b"%%EOF" not in content[-2048:]:
            raise NoProof
        return SafeProof(content, "application/pdf")
    return SafeProof(_write_anew(content), "image/jpeg")


def claim_with_proof(
    session: Session,
    contact_id: int,
    payment_ids: Collection[int],
    proof: SafeProof,
    *,
    by: Actor,
    now: datetime,
    amount: Money | None = None,
    paid_on: date | None = None,
    method: str | None = None,
    note: str | None = None,
) -> ClaimedWithProof:
    """Claim what is open of these payments and keep the proof with it.

    What was claimed before gets the proof as well while it waits, five at most; the same file is kept once.

    Raises:
        What `claim_payments` raises; then the proof is not kept either.
    """
    lock_contacts(session, [contact_id])
    made = claim_payments(
        session,
        contact_id,
        payment_ids,
        by=by,
        now=now,
        amount=amount,
        paid_on=paid_on,
        method=method,
        note=note,
    )
    session.flush()
    waiting = select(AttemptItem.attempt_id).where(
        AttemptItem.payment_id.in_(sorted(payment_ids)), AttemptItem.state == AttemptState.OPEN
    )
    open_claims = select(Attempt.id).where(Attempt.id.in_(waiting), Attempt.contact_id == contact_id)
    keys = session.scalars(open_claims.order_by(Attempt.id)).all()
    added = [key for key in keys if _attach(session, key, proof)]
    flag_shown(session, (), attempt_ids=added, now=now)
    return ClaimedWithProof(len(made), len(added))


def _attach(session: Session, attempt_id: int, proof: SafeProof) -> bool:
    kept = session.scalars(select(Attachment.content).where(Attachment.attempt_id == attempt_id)).all()
    if len(kept) >= MAX_PROOFS or proof.content in kept:
        return False
    session.add(
        Attachment(attempt_id=attempt_id, content=proof.content, kind=proof.kind, size=len(proof.content))
    )
    session.flush()
    return True


def _write_anew(content: bytes) -> bytes:
    """Decode a picture and write its pixels as a new JPEG, upright and on white where it was see-through.

    Raises:
        ProofTooLarge, NoProof.
    """
    from PIL import Image

    try:
        with _DECODING, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged metadata is left behind anyway
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise ProofTooLarge
                picture.thumbnail((MAX_SIDE, MAX_SIDE))
                return _as_jpeg(_upright(picture))
    except Image.DecompressionBombError:
        raise ProofTooLarge from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, struct.error):
        raise NoProof from None


def _upright(picture: Image.Image) -> Image.Image:
    """Turn a picture as its camera was held. `ImageOps.exif_transpose` breaks on other metadata's damage."""
    from PIL import Image

    turn = _UPRIGHT.get(picture.getexif().get(_ORIENTATION, 1))
    return picture.transpose(Image.Transpose[turn]) if turn else picture


def _as_jpeg(picture: Image.Image) -> bytes:
    from PIL import Image

    seen = picture.convert("RGBA")
    page = Image.new("RGB", seen.size, "white")
    page.paste(seen, mask=seen.getchannel("A"))
    written = io.BytesIO()
    page.save(written, "JPEG", quality=JPEG_QUALITY)
    return written.getvalue()
