"""Claims about what no page of ours would send: it changes nothing, and the answer is calm."""

from __future__ import annotations

import pytest

from substrack.services.payments import waive_payment
from substrack.store import Member
from tests.support.cast import Cast
from tests.web.admin import events
from tests.web.forms import press
from tests.web.scenes import claim, receipts, status_of
from tests.web.support import NOW, Browser

GARBLED = ["", "x", "²", "٣", "9" * 30, "9" * 5000]


class TestNul:
    @pytest.mark.parametrize(
        "path", ["/payments/%00", "/groups/a%00b", "/people?x=%00", "/money-in?%00=1", "/readyz?x=%00"]
    )
    def test_in_an_address_there_is_no_such_page(self, olga: Browser, path: str) -> None:
        assert olga.get(path).status_code == 404

    def test_in_a_form_it_is_refused_also_before_anybody_signed_in(self, zed: Browser) -> None:
        answers = [
            zed.post("/sign-in", email="a\x00@example.org", password="x"),
            zed.post("/reset", email="a\x00@example.org"),
            zed.client.post("/pay/x", data={"act": "claim", "payment": "\x00"}),
            zed.client.post("/decide/x", data={"\x00": "confirm"}),
        ]

        assert [answer.status_code for answer in answers] == [400] * 4

    def test_a_decision_with_it_changes_nothing(self, olga: Browser, cast: Cast, ben: Member) -> None:
        url, before = f"/payments/{cast.payment_of(ben).public_id}", events(cast)

        assert press(olga, url, f"{url}/waive", reason="a\x00b").status_code == 400
        assert events(cast) == before


@pytest.mark.parametrize("key", ["9" * 15, "9" * 30, "9" * 5000, "-1", "x"])
def test_a_list_goes_on_from_anywhere(olga: Browser, key: str) -> None:
    assert olga.get(f"/messages?before={key}").status_code == 200


@pytest.mark.only_sqlite
class TestVersions:
    @pytest.mark.parametrize("version", GARBLED)
    def test_without_one_nothing_is_decided_about_a_payment(
        self, olga: Browser, cast: Cast, ben: Member, version: str
    ) -> None:
        url, before = f"/payments/{cast.payment_of(ben).public_id}", events(cast)

        answer = press(olga, url, f"{url}/confirm", version=version)

        assert answer.status_code == 422
        assert events(cast) == before

    @pytest.mark.parametrize("version", GARBLED)
    def test_without_one_nothing_is_decided_about_a_claim(
        self, olga: Browser, cast: Cast, ben: Member, version: str
    ) -> None:
        attempt, payment = claim(cast, ben), cast.payment_of(ben)
        versions = f"{payment.public_id}:{version}" if version else ""

        answer = press(olga, "/review", f"/review/{attempt.public_id}/confirm", versions=versions)

        assert answer.status_code in (303, 409)
        assert status_of(cast, ben) == "member_confirmed"

    def test_an_old_page_does_not_ask_again_for_what_was_waived_since(
        self, olga: Browser, cast: Cast, ben: Member
    ) -> None:
        payment = cast.payment_of(ben)
        cast.do(waive_payment, payment.id, reason="A gift.", by=cast.olga, now=NOW)
        url, old = f"/payments/{payment.public_id}", str(cast.payment_of(ben).version)
        press(olga, url, f"{url}/unwaive")
        cast.do(waive_payment, payment.id, reason="For good.", by=cast.olga, now=NOW)

        press(olga, url, f"{url}/unwaive", version=old)

        assert status_of(cast, ben) == "waived"

    def test_a_receipt_that_is_void_stays_so_calmly(self, olga: Browser, cast: Cast, ben: Member) -> None:
        url = f"/payments/{cast.payment_of(ben).public_id}"
        press(olga, url, f"{url}/confirm")
        (receipt,) = receipts(cast)
        void = f"/money-in/receipts/{receipt.public_id}/void"
        press(olga, "/money-in", void, reason="It never came.")
        before = events(cast)

        again = press(olga, "/money-in", void, reason="It never came.")

        assert again.status_code == 303
        assert events(cast) == before
        assert "notice-good" in olga.get("/money-in").text
