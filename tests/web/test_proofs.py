"""Claims about proofs on pages: admins of the workspace see them and nobody else; a claim may bring one."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from substrack.bootstrap import Runtime
from substrack.domain.actors import Actor
from substrack.services.claim_decisions import confirm_claim
from substrack.services.links import issue_link, renew_pay_link
from substrack.services.proofs import MAX_BYTES, MAX_PROOFS, SafeProof, claim_with_proof
from substrack.store import Attachment, Link, LinkPurpose, Member
from substrack.web import pay_form
from substrack.web.security import MAX_TEXT_BYTES
from tests.support.cast import Cast
from tests.web.admin import stranger
from tests.web.forms import counted
from tests.web.paying import attempts
from tests.web.scenes import claim
from tests.web.support import NOW, Browser

WITHOUT_FILE = "application/x-www-form-urlencoded"

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

PDF = SafeProof(b"%PDF-1.4\n%%EOF\n", "application/pdf")


def picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB") -> bytes:
    written = io.BytesIO()
    Image.new(mode, size).save(written, kind)
    return written.getvalue()


JPEG = SafeProof(picture(), "image/jpeg")


def prove(cast: Cast, member: Member, proof: SafeProof) -> Attachment:
    """Let a member send a proof of the first payment; return what was kept."""
    by, payment = Actor.contact(member.contact_id), cast.payment_of(member)
    cast.do(claim_with_proof, member.contact_id, [payment.id], proof, by=by, now=NOW)
    return kept(cast)[-1]


def kept(cast: Cast) -> list[Attachment]:
    return cast.read(lambda session: list(session.scalars(select(Attachment).order_by(Attachment.id))))


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
        assert "Your page" in zed.get(path_of(runtime, link)).text

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
        (attempt,) = attempts(cast)

        for page in ("/", "/review", f"/review/{attempt.public_id}", _payment_page(cast, ben)):
            shown = olga.get(page).text
            assert f'<img src="/attachments/{seen.public_id}" alt="Picture from Ben, 1 kB' in shown, page
            assert 'loading="lazy"' in shown
            assert f'<a href="/attachments/{saved.public_id}">' in shown, page
            assert "PDF, 1 kB" in shown

    @pytest.mark.only_sqlite
    def test_a_decided_claim_still_shows_its_proof(self, olga: Browser, cast: Cast, ben: Member) -> None:
        proof, (attempt,) = prove(cast, ben, JPEG), attempts(cast)
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

    @pytest.mark.only_sqlite
    def test_who_decides_by_link_hears_of_it_and_signs_in_to_see_it(
        self, runtime: Runtime, zed: Browser, cast: Cast, ben: Member
    ) -> None:
        prove(cast, ben, JPEG)
        (attempt,) = attempts(cast)
        link = cast.do(
            issue_link,
            LinkPurpose.DECIDE,
            now=NOW,
            workspace_id=cast.workspace_id,
            contact_id=cast.olga_contact,
            user_id=cast.olga.id,
            attempt_id=attempt.id,
        )

        shown = zed.get(path_of(runtime, link)).text

        assert "One file is with it" in shown
        assert "attachments" not in shown


def upload(content: bytes, name: str = "proof.jpg") -> FileStorage:
    return FileStorage(io.BytesIO(content), name)


def hand_in(who: Browser, path: str, fields: Mapping[str, object]) -> TestResponse:
    """Send a form that takes files, as bytes: the test client leaves files of its own open."""
    boundary, body = encode_multipart(fields)
    return who.client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


@dataclass
class Page:
    """Ben's page, and the form with its file on it."""

    browser: Browser
    url: str
    payment: str

    def show(self) -> str:
        return self.browser.get(self.url).text

    def press(self, file: bytes | None, act: str = "claim", **typed: str) -> TestResponse:
        # A browser sends an empty file without a name when none was chosen.
        sent = upload(file or b"", "../../etc/<passwd>.html" if file is not None else "")
        fields = {"act": act, "payment": self.payment, **typed, "proof": sent}
        return hand_in(self.browser, self.url, fields)


@pytest.fixture
def page(runtime: Runtime, zed: Browser, cast: Cast, ben: Member) -> Page:
    with runtime.transaction() as session:
        link = renew_pay_link(session, ben.contact_id, workspace_id=cast.workspace_id, now=NOW)
    return Page(zed, path_of(runtime, link), cast.payment_of(ben).public_id)


class TestSending:
    @pytest.mark.only_sqlite
    def test_the_form_takes_a_file_without_any_script(self, page: Page) -> None:
        shown = page.show()
        assert 'enctype="multipart/form-data"' in shown
        assert 'accept="image/jpeg,image/png,image/webp,application/pdf"' in shown
        assert re.search(r'<input [^>]*name="proof"[^>]*type="file"', shown)

    @pytest.mark.parametrize(
        ("file", "kind"),
        [
            (picture("JPEG"), "image/jpeg"),
            (picture("PNG"), "image/jpeg"),
            (picture("WEBP"), "image/jpeg"),
            (PDF.content, "application/pdf"),
        ],
    )
    def test_one_press_claims_and_keeps_the_proof(
        self, page: Page, cast: Cast, file: bytes, kind: str
    ) -> None:
        answer = page.press(file, note="Here it is", method="Cash")

        assert (answer.status_code, answer.location) == (303, f"{page.url}?said=paid")
        (attempt,), (proof,) = attempts(cast), kept(cast)
        assert (proof.attempt_id, proof.kind) == (attempt.id, kind)
        assert (attempt.note, attempt.method) == ("Here it is", "Cash")
        assert "One file is with it." in page.show()

    @pytest.mark.only_sqlite
    def test_a_file_may_have_ten_megabytes(self, page: Page, cast: Cast) -> None:
        end = b"%%EOF\n"
        largest = b"%PDF-".ljust(MAX_BYTES - len(end), b"x") + end

        assert page.press(largest, note="Long").status_code == 303
        assert kept(cast)[0].size == MAX_BYTES

    def test_a_press_without_a_file_claims_as_ever(self, page: Page, cast: Cast) -> None:
        assert page.press(None).status_code == 303
        assert (len(attempts(cast)), kept(cast)) == (1, [])
        assert "file is with it" not in page.show()

    @pytest.mark.only_sqlite
    def test_a_second_press_keeps_nothing_twice(self, page: Page, cast: Cast) -> None:
        assert [page.press(PDF.content).status_code for _time in range(2)] == [303, 303]
        assert (len(attempts(cast)), len(kept(cast))) == (1, 1)

    @pytest.mark.only_sqlite
    def test_not_yet_takes_no_file(self, page: Page, cast: Cast) -> None:
        assert page.press(b"hello", "snooze", until="days").status_code == 303
        assert kept(cast) == []


@pytest.mark.only_sqlite
class TestRefusing:
    @pytest.mark.parametrize(
        ("file", "sentence"),
        [
            (b"hello", "no picture (JPEG, PNG, WebP) or PDF that can be read"),
            (b"", "no picture (JPEG, PNG, WebP) or PDF that can be read"),
            (picture()[:150], "no picture (JPEG, PNG, WebP) or PDF that can be read"),
            (b"<svg onload='alert(1)'/>", "no picture (JPEG, PNG, WebP) or PDF that can be read"),
            (b"%PDF-" + bytes(MAX_BYTES), "too large"),
            (picture("PNG", size=(10_000, 5_001), mode="1"), "too large"),
        ],
        ids=["words", "nothing", "cut off", "drawing", "large", "bomb"],
    )
    def test_a_bad_file_is_said_beside_its_field_and_nothing_is_claimed(
        self, page: Page, cast: Cast, file: bytes, sentence: str
    ) -> None:
        answer = page.press(file, note="Kept?", amount="2,50")

        assert answer.status_code == 422
        assert re.search(rf'id="proof-error-1">.*{re.escape(sentence)}', answer.text)
        assert "Nothing was sent yet." in answer.text
        assert '<details class="fold" open>' in answer.text
        assert f'value="{page.payment}" checked' in answer.text
        assert "Kept?" in answer.text
        assert 'value="2,50"' in answer.text
        assert (attempts(cast), kept(cast)) == ([], [])

    def test_a_good_file_beside_a_wrong_amount_is_asked_for_again(self, page: Page, cast: Cast) -> None:
        answer = page.press(PDF.content, amount="1.234")

        assert answer.status_code == 422
        assert re.search(r'id="proof-error-1">.*Choose it once more', answer.text)
        assert (attempts(cast), kept(cast)) == ([], [])

    def test_a_file_beyond_every_limit_gets_a_page_that_says_what_to_do(self, page: Page, cast: Cast) -> None:
        answer = page.press(bytes(MAX_BYTES + MAX_TEXT_BYTES))

        assert answer.status_code == 413
        assert "Nothing was sent, and nobody was told" in answer.text
        assert "up to 10 MB" in answer.text
        assert re.search(r'<a [^>]*href="">.*Back', answer.text)
        assert attempts(cast) == []

    def test_the_text_beside_a_file_stays_short(self, page: Page, cast: Cast) -> None:
        assert page.press(PDF.content, note="x" * (MAX_TEXT_BYTES + 1)).status_code == 413
        assert attempts(cast) == []

    def test_a_form_without_a_file_stays_short_as_a_whole(self, zed: Browser) -> None:
        """Werkzeug would read such a form whole, letter by letter, however long it is."""
        answer = zed.client.post("/pay/x", data="a&" * MAX_TEXT_BYTES, content_type=WITHOUT_FILE)
        assert answer.status_code == 413

    @pytest.mark.parametrize("path", ["/sign-in", "/decide/x", "/unsubscribe/x", "/pay/x/telegram"])
    def test_no_other_form_takes_as_much(self, zed: Browser, path: str) -> None:
        assert hand_in(zed, path, {"proof": upload(bytes(MAX_TEXT_BYTES))}).status_code == 413

    def test_a_dead_link_reads_no_file(self, zed: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pay_form, "read_proof", pytest.fail)
        fields = {"act": "claim", "proof": upload(picture())}
        assert hand_in(zed, "/pay/x", fields).status_code == 404

    def test_a_file_that_came_as_its_name_only_is_missed(self, page: Page, cast: Cast) -> None:
        fields = {"act": "claim", "payment": page.payment, "proof": "receipt.jpg"}
        assert page.browser.client.post(page.url, data=fields).status_code == 422
        assert attempts(cast) == []


def path_of(runtime: Runtime, link: Link) -> str:
    return runtime.signer.url(link).removeprefix("http://127.0.0.1:8000")


def _payment_page(cast: Cast, member: Member) -> str:
    return f"/payments/{cast.payment_of(member).public_id}"
