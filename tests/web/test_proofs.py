"""Claims about proofs on pages: admins of the workspace see them and nobody else; a claim may bring one."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.services.claim_decisions import confirm_claim
from substrack.services.founding import Founded
from substrack.services.links import renew_pay_link
from substrack.services.proofs import MAX_PROOFS, SafeProof, claim_with_proof
from substrack.store import Attachment, Attempt, Member
from tests.support.cast import Cast
from tests.web.admin import cast_of, stranger
from tests.web.forms import counted
from tests.web.scenes import claim, youtube_of
from tests.web.support import NOW, Browser

PDF = SafeProof(b"%PDF-1.4\n%%EOF\n", "application/pdf")


def picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40)) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "teal").save(written, kind)
    return written.getvalue()


JPEG = SafeProof(picture(), "image/jpeg")


@pytest.fixture
def cast(runtime: Runtime, home: Founded) -> Cast:
    return cast_of(runtime, home)


@pytest.fixture
def ben(cast: Cast) -> Member:
    return youtube_of(cast, "Ben", "Mia")["Ben"]


def prove(cast: Cast, member: Member, proof: SafeProof) -> Attachment:
    """Let a member send a proof of the first payment; return what was kept."""
    by, payment = Actor.contact(member.contact_id), cast.payment_of(member)
    cast.do(claim_with_proof, member.contact_id, [payment.id], proof, by=by, now=NOW)
    return kept(cast)[-1]


def kept(cast: Cast) -> list[Attachment]:
    return cast.read(lambda session: list(session.scalars(select(Attachment).order_by(Attachment.id))))


def claims(cast: Cast) -> list[Attempt]:
    return cast.read(lambda session: list(session.scalars(select(Attempt).order_by(Attempt.id))))


class TestHandingOut:
    def test_a_picture_is_shown_and_may_do_nothing(self, olga: Browser, cast: Cast, ben: Member) -> None:
        proof = prove(cast, ben, JPEG)

        answer = olga.get(f"/attachments/{proof.public_id}")

        assert (answer.status_code, answer.data) == (200, JPEG.content)
        told = {
            "Content-Type": "image/jpeg",
            "Content-Disposition": f"inline; filename=proof-{proof.public_id}.jpg",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        assert {name: answer.headers.getlist(name) for name in told} == {
            name: [value] for name, value in told.items()
        }

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("kind", "told", "ending"),
        [
            ("application/pdf", "application/pdf", "pdf"),
            ("text/html", "application/octet-stream", "bin"),
            ("image/svg+xml", "application/octet-stream", "bin"),
        ],
    )
    def test_anything_but_a_picture_is_only_saved(
        self, olga: Browser, cast: Cast, ben: Member, kind: str, told: str, ending: str
    ) -> None:
        proof = prove(cast, ben, SafeProof(PDF.content, kind))

        headers = olga.get(f"/attachments/{proof.public_id}").headers

        assert headers["Content-Type"] == told
        assert headers["Content-Disposition"] == f"attachment; filename=proof-{proof.public_id}.{ending}"

    def test_nobody_else_sees_it(
        self, app: Flask, runtime: Runtime, zed: Browser, cast: Cast, ben: Member
    ) -> None:
        path = f"/attachments/{prove(cast, ben, JPEG).public_id}"
        with runtime.transaction() as session:
            link = renew_pay_link(session, ben.contact_id, workspace_id=cast.workspace_id, now=NOW)
        zed.get(runtime.signer.url(link).removeprefix("http://127.0.0.1:8000"))  # now he reads ben's page

        unknown, elsewhere = zed.get(path), stranger(app, runtime).get(path)

        assert (unknown.status_code, unknown.location.partition("?")[0]) == (303, "/sign-in")
        assert elsewhere.status_code == 404
        assert JPEG.content not in unknown.data + elsewhere.data

    @pytest.mark.only_sqlite
    def test_one_that_is_not_there_is_not_found(self, olga: Browser) -> None:
        assert olga.get("/attachments/abcabcabcabc").status_code == 404

    @pytest.mark.only_sqlite
    def test_looking_changes_nothing(self, olga: Browser, cast: Cast, ben: Member) -> None:
        path = f"/attachments/{prove(cast, ben, JPEG).public_id}"
        before = cast.messages(), cast.payment_of(ben).version, len(kept(cast))

        assert olga.client.head(path).status_code == olga.get(path).status_code == 200
        assert olga.client.post(path).status_code == 405
        assert [one.id for one in cast.messages()] == [one.id for one in before[0]]
        assert (cast.payment_of(ben).version, len(kept(cast))) == before[1:]


class TestReviewing:
    def test_every_page_about_the_claim_shows_its_proofs(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        seen, saved = prove(cast, ben, JPEG), prove(cast, ben, PDF)
        (attempt,) = claims(cast)

        for page in ("/", "/review", f"/review/{attempt.public_id}", _payment_page(cast, ben)):
            shown = olga.get(page).text
            assert f'<img src="/attachments/{seen.public_id}" alt="Picture from Ben, 1 kB' in shown, page
            assert 'loading="lazy"' in shown
            assert f'<a href="/attachments/{saved.public_id}">' in shown, page
            assert "PDF, 1 kB" in shown

    @pytest.mark.only_sqlite
    def test_a_decided_claim_still_shows_its_proof(self, olga: Browser, cast: Cast, ben: Member) -> None:
        proof, (attempt,) = prove(cast, ben, JPEG), claims(cast)
        cast.do(confirm_claim, attempt.id, by=cast.olga, now=NOW)

        for page in (f"/review/{attempt.public_id}", _payment_page(cast, ben)):
            assert proof.public_id in olga.get(page).text

    @pytest.mark.only_sqlite
    def test_a_claim_without_proof_shows_none(self, olga: Browser, cast: Cast, ben: Member) -> None:
        claim(cast, ben)
        assert "attachments" not in olga.get("/review").text

    @pytest.mark.only_sqlite
    def test_statements_do_not_grow_with_the_proofs(
        self, olga: Browser, runtime: Runtime, cast: Cast, ben: Member
    ) -> None:
        prove(cast, ben, JPEG)
        with counted(runtime) as few:
            olga.get("/review")
        for number in range(1, MAX_PROOFS):
            prove(cast, ben, SafeProof(b"%%PDF-%d" % number, "application/pdf"))
        with counted(runtime) as many:
            olga.get("/review")

        assert len(many) == len(few)
        assert not any("bytes" in statement for statement in many)


def _payment_page(cast: Cast, member: Member) -> str:
    return f"/payments/{cast.payment_of(member).public_id}"
