"""Claims about stopping requests by mail: one press, by a person or their mail program."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select

from substrack.bootstrap import Runtime
from substrack.services.links import renew_unsubscribe_link
from substrack.services.mailboxes import set_email
from substrack.store import Address, Member
from tests.support.cast import Cast
from tests.web.support import NOW, Browser, browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def url(runtime: Runtime, cast: Cast, ben: Member) -> str:
    with runtime.transaction() as session:
        address = session.scalars(select(Address).where(Address.contact_id == ben.contact_id)).one()
        link = renew_unsubscribe_link(session, address.id, workspace_id=cast.workspace_id, now=NOW)
        return runtime.signer.url(link).removeprefix("http://127.0.0.1:8000")


def stopped_at(cast: Cast, ben: Member) -> datetime | None:
    query = select(Address.unsubscribed_at).where(Address.contact_id == ben.contact_id)
    return cast.read(lambda session: session.scalars(query).one())


def test_looking_stops_nothing(zed: Browser, cast: Cast, ben: Member, url: str) -> None:
    shown = zed.get(url)

    zed.client.head(url)

    assert "Stop requests by mail?" in shown.text
    assert "ben@example.org" in shown.text
    assert stopped_at(cast, ben) is None


@pytest.mark.parametrize("added", ["", "/"])
def test_one_click_of_a_mail_program_needs_no_cookie_and_is_not_sent_elsewhere(
    app: Flask, runtime: Runtime, cast: Cast, ben: Member, url: str, added: str
) -> None:
    program = browser(app, runtime)

    answer = program.client.post(
        f"{url}{added}", data="List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
    )

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert stopped_at(cast, ben) == NOW


def test_admins_are_told_once_however_often_it_is_pressed(
    zed: Browser, cast: Cast, ben: Member, url: str
) -> None:
    for _press in range(3):
        assert "No more requests" in zed.client.post(url, data={"act": "unsubscribe"}).text

    assert cast.notices_to(cast.olga_contact).count("unsubscribed") == 1


def test_one_can_come_back(zed: Browser, cast: Cast, ben: Member, url: str) -> None:
    zed.client.post(url, data={"act": "unsubscribe"})

    answer = zed.client.post(url, data={"act": "subscribe"})

    assert "Stop requests by mail?" in answer.text
    assert stopped_at(cast, ben) is None


@pytest.mark.only_sqlite
def test_a_link_that_is_not_good_gets_the_calm_page(
    zed: Browser, runtime: Runtime, cast: Cast, ben: Member, url: str
) -> None:
    for path in ("/unsubscribe/x", url[:-1]):
        assert zed.get(path).status_code == zed.client.post(path).status_code == 404
    assert zed.get(url.replace("/unsubscribe/", "/pay/")).status_code == 404

    cast.do(set_email, ben.contact_id, None, by=cast.olga, now=NOW)
    assert zed.client.post(url).status_code == 404
