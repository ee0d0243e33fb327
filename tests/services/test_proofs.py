"""Claims about proofs: what is kept is safe, and is kept once."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from substrack.domain.actors import Actor, Via
from substrack.domain.payments import Status
from substrack.services.access import NoSuchPayment
from substrack.services.claims import PaidInTheFuture
from substrack.services.proofs import (
    MAX_BYTES,
    MAX_PROOFS,
    MAX_SIDE,
    ClaimedWithProof,
    NoProof,
    ProofTooLarge,
    SafeProof,
    claim_with_proof,
    read_proof,
)
from substrack.store import Attachment, Attempt, Member
from tests.support.cast import Cast, at, money

NOW = at("2026-02-04")
PLACE = b"52.5200 N, 13.4050 E"
PDF = SafeProof(b"%PDF-1.4\n%%EOF\n", "application/pdf")


def picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: Any) -> bytes:
    written = io.BytesIO()
    Image.new(mode, size, 120 if mode == "L" else "teal").save(written, kind, **options)
    return written.getvalue()


def opened(proof: SafeProof) -> Image.Image:
    return Image.open(io.BytesIO(proof.content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_becomes_a_jpeg(kind: str) -> None:
    proof = read_proof(picture(kind))
    assert proof.kind == "image/jpeg"
    assert opened(proof).format == "JPEG"
    assert opened(proof).size == (60, 40)


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_every_kind_of_colour_is_taken(mode: str) -> None:
    assert opened(read_proof(picture("PNG", mode=mode))).mode == "RGB"


def test_metadata_is_left_behind() -> None:
    exif = Image.Exif()
    exif[0x010E] = PLACE.decode()
    exif[0x0112] = 6  # to be turned by a quarter
    proof = read_proof(picture(exif=exif.tobytes(), comment=b"from " + PLACE))
    assert PLACE not in proof.content
    assert not opened(proof).getexif()
    assert opened(proof).size == (40, 60)


def test_damaged_metadata_does_no_harm() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "abc"
    words, number = b"\x01\x0e\x00\x02\x00\x00\x00\x04", b"\x01\x0e\x00\x0b\x00\x00\x00\x01"
    damaged = exif.tobytes().replace(words, number)
    assert damaged != exif.tobytes()
    assert opened(read_proof(picture(exif=damaged))).size == (40, 60)


def test_what_hides_behind_a_picture_is_left_behind() -> None:
    assert b"<script>" not in read_proof(picture() + b"<script>alert(1)</script>").content


def test_a_large_picture_is_made_smaller() -> None:
    assert max(opened(read_proof(picture(size=(5000, 100)))).size) == MAX_SIDE


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    with pytest.raises(ProofTooLarge):
        read_proof(picture("PNG", size=(20_000, 5_000), mode="L"))


def test_a_pdf_is_kept_as_it_came() -> None:
    assert read_proof(PDF.content) == PDF


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"%PDF-1.4 cut",
        b"GIF89a" + bytes(20),
        picture()[:150],
        b"\x89PNG\r\n\x1a\n" + bytes(50),
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(NoProof):
        read_proof(content)


def test_more_than_ten_megabytes_are_refused() -> None:
    with pytest.raises(ProofTooLarge):
        read_proof(b"%PDF-" + bytes(MAX_BYTES))


@pytest.fixture
def ben(cast: Cast) -> Member:
    group = cast.group()
    ben = cast.join(group, "Ben")
    cast.join(group, "Mia")
    cast.tick(at("2026-02-01"))
    return ben


def prove(
    cast: Cast, ben: Member, proof: SafeProof, *, by: int | None = None, **terms: Any
) -> ClaimedWithProof:
    actor = Actor.contact(by or ben.contact_id, Via.TELEGRAM)
    payment = cast.payment_of(ben)
    return cast.do(claim_with_proof, actor.id, [payment.id], proof, by=actor, now=NOW, **terms)


def kept(cast: Cast) -> list[bytes]:
    return cast.read(lambda session: list(session.scalars(select(Attachment.content))))


def test_a_proof_claims_once_and_is_kept_once(cast: Cast, ben: Member) -> None:
    assert prove(cast, ben, PDF) == ClaimedWithProof(1, 1)
    assert prove(cast, ben, PDF) == ClaimedWithProof(0, 0)
    assert kept(cast) == [PDF.content]
    assert cast.payment_of(ben).status is Status.MEMBER_CONFIRMED


def test_further_proofs_join_a_claim_that_waits_up_to_five(cast: Cast, ben: Member) -> None:
    for number in range(MAX_PROOFS + 2):
        prove(cast, ben, SafeProof(b"%%PDF %d" % number, "application/pdf"))
    assert len(kept(cast)) == MAX_PROOFS


def test_a_refused_claim_keeps_no_proof(cast: Cast, ben: Member) -> None:
    with pytest.raises(PaidInTheFuture):
        prove(cast, ben, PDF, paid_on=date(2027, 1, 1))
    assert kept(cast) == []
    assert cast.payment_of(ben).status is Status.PENDING


def test_what_was_said_with_a_proof_is_kept_too(cast: Cast, ben: Member) -> None:
    prove(
        cast, ben, PDF, amount=money("5.00"), paid_on=date(2026, 2, 3), method="Cash", note="In the kitchen"
    )
    attempt = cast.read(lambda session: session.scalars(select(Attempt)).one())
    assert (attempt.amount_minor, attempt.paid_on) == (500, date(2026, 2, 3))
    assert (attempt.method, attempt.note) == ("Cash", "In the kitchen")


def test_nobody_proves_for_another(cast: Cast, ben: Member) -> None:
    with pytest.raises(NoSuchPayment):
        prove(cast, ben, PDF, by=cast.olga_contact)
    assert kept(cast) == []
