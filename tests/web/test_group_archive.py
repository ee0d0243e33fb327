"""Claims about putting a group away: no single press does it, what it means is said before, it comes back."""

from __future__ import annotations

import pytest
from flask import Flask

from substrack.bootstrap import Runtime
from substrack.domain.notices import Notice
from substrack.domain.shares import SplitKind
from substrack.services.payments import confirm_payment
from substrack.services.receipts import record_receipt
from substrack.store import Member
from tests.support.cast import Cast, money
from tests.web.admin import group_of, period, stranger
from tests.web.forms import press
from tests.web.scenes import claim
from tests.web.support import NOW, Browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def url(cast: Cast, members: dict[str, Member]) -> str:
    return f"/groups/{group_of(cast, 'YouTube Premium').public_id}"


def test_what_stops_and_what_is_still_owed_is_said_before_anything_is_done(
    olga: Browser, cast: Cast, members: dict[str, Member], url: str
) -> None:
    ben, mia, group = members["Ben"], members["Mia"], group_of(cast, "YouTube Premium")
    claim(cast, ben, 1)
    terms = {"contact_id": mia.contact_id, "payer_id": cast.olga_contact, "group_id": group.id}
    cast.do(record_receipt, cast.workspace_id, amount=money("100.00"), by=cast.olga, now=NOW, **terms)

    assert f'action="{url}/archive"' not in olga.get(url).text
    asked = olga.get(f"{url}/archive").text

    assert "the next one would start on 1 April 2026" in asked
    assert "5.98\xa0€, by Ben." in asked
    assert "1 to check</a>" in asked
    assert "94.02\xa0€ was paid ahead for this group alone" in asked
    assert group_of(cast, "YouTube Premium").archived_at is None


def test_when_all_is_paid_it_says_so(olga: Browser, cast: Cast, members: dict[str, Member], url: str) -> None:
    for payment in (each for one in members.values() for each in cast.payments(member_id=one.id)):
        cast.do(confirm_payment, payment.id, by=cast.olga, now=NOW)

    shown = olga.get(f"{url}/archive").text

    assert "Nothing: everybody has paid." in shown
    assert "to check" not in shown


def test_the_way_back_is_on_the_page_of_an_archived_group(olga: Browser, cast: Cast, url: str) -> None:
    press(olga, f"{url}/archive", f"{url}/archive")
    assert group_of(cast, "YouTube Premium").archived_at == NOW
    assert olga.get(f"{url}/archive").location == url

    press(olga, url, f"{url}/restore")

    assert group_of(cast, "YouTube Premium").archived_at is None


def test_strangers_are_not_asked(app: Flask, runtime: Runtime, url: str) -> None:
    assert stranger(app, runtime).get(f"{url}/archive").status_code == 404


def test_a_bill_that_is_not_in_is_named_and_no_longer_asked_for(olga: Browser, cast: Cast) -> None:
    power = cast.group("Power", split=SplitKind.VARIABLE)
    cast.join(power, "Ann")
    cast.tick(NOW)
    url, question = f"/groups/{power.public_id}", "February 2026: what was the bill?"
    assert question in olga.get("/").text

    asked = olga.get(f"{url}/archive").text
    assert "Nothing: everybody has paid." not in asked
    assert "Nobody owes anything yet for February 2026, as its bill is not in." in asked
    assert f'href="/periods/{period(cast, power, 1).public_id}"' in asked

    press(olga, f"{url}/archive", f"{url}/archive")
    assert question not in olga.get("/").text
    wanted = cast.messages(notice=Notice.BILL_WANTED)
    assert [cast.text_of(message) for message in wanted] == [""] * len(wanted) != []

    press(olga, url, f"{url}/restore")
    assert question in olga.get("/").text
