"""Claims about looking at each kind of message: real facts, nothing sent, and a sample to oneself."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from substrack.bootstrap import Runtime
from substrack.domain.shares import SplitKind
from substrack.queries.previews import FOR_ADMINS, PAYLOADS
from substrack.store import Member
from substrack.worker.outbox import deliver_due
from tests.support.cast import Cast
from tests.web.admin import contact_named, events, group_of, stranger
from tests.web.forms import send
from tests.web.scenes import claim, youtube_of
from tests.web.support import NOW, Browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both


@pytest.fixture
def members(cast: Cast) -> dict[str, Member]:
    """Ben and Mia owe for February and March; Mia says she paid for February."""
    members = youtube_of(cast, "Ben", "Mia")
    claim(cast, members["Mia"], 1)
    return members


def path(cast: Cast, notice: str, name: str = "Ben") -> str:
    person, group = contact_named(cast, name).public_id, group_of(cast, "YouTube Premium").public_id
    return f"/messages/preview?notice={notice}&person={person}&group={group}"


def test_a_request_is_shown_with_real_sums_as_mail_and_as_chat(
    olga: Browser, cast: Cast, members: dict[str, Member]
) -> None:
    shown = olga.get(path(cast, "request")).text.replace("\xa0", " ")

    assert "As a mail to Ben" in shown
    assert "YouTube Premium, February 2026" in shown
    assert "5.98 €" in shown
    framed = re.search(r'<iframe[^>]+src="([^"]+)"', shown)
    assert framed is not None
    letter = olga.get(framed[1].replace("&amp;", "&"))
    assert "YouTube Premium, February 2026" in letter.text.replace("\xa0", " ")
    assert "sandbox" in letter.headers["Content-Security-Policy"]


@pytest.mark.parametrize("notice", [notice.value for notice in PAYLOADS])
def test_every_kind_can_be_looked_at_and_nothing_happens(
    olga: Browser, cast: Cast, members: dict[str, Member], notice: str
) -> None:
    before = len(cast.messages()), events(cast)

    answer = olga.get(path(cast, notice, "Mia"))

    assert answer.status_code == 200
    has_nothing = "would not get this about this group" in answer.text
    assert has_nothing is (notice == "bill_wanted")
    assert (len(cast.messages()), events(cast)) == before


def test_admins_kinds_are_addressed_to_who_looks(
    olga: Browser, cast: Cast, members: dict[str, Member]
) -> None:
    for notice in FOR_ADMINS - {"bill_wanted"}:
        assert "As a mail to Olga" in olga.get(path(cast, notice.value, "Mia")).text, notice


def test_it_is_sent_to_oneself_word_for_word(
    olga: Browser, cast: Cast, members: dict[str, Member], runtime: Runtime
) -> None:
    answer = send(olga, path(cast, "request"), "csrf_token", "/messages/preview", notice="request",
                  person=contact_named(cast, "Ben").public_id,
                  group=group_of(cast, "YouTube Premium").public_id)  # fmt: skip

    assert answer.status_code == 303
    [message] = cast.messages(notice="test")
    assert message.contact_id == cast.olga_contact
    deliver_due(runtime, now=NOW)
    [sent] = cast.messages(notice="test")
    assert sent.state == "sent"
    assert sent.rendered is not None
    assert "Hi Ben," in sent.rendered["text"]
    assert "/pay/example" in sent.rendered["text"]
    assert sent.rendered["to"] == "olga@example.org"


def test_it_begins_with_somebody_about_whom_there_is_something_to_say(
    olga: Browser, cast: Cast, members: dict[str, Member]
) -> None:
    cast.join(cast.group("Aa"), "Aaron")

    for notice in PAYLOADS:
        shown = olga.get(f"/messages/preview?notice={notice.value}").text
        assert ("would not get this" in shown) is (notice == "bill_wanted"), notice
    assert "As a mail to Mia" in olga.get("/messages/preview").text


def test_where_there_is_nothing_to_say_one_press_leads_to_somebody_else(
    olga: Browser, cast: Cast, members: dict[str, Member]
) -> None:
    cast.join(cast.group("Aa"), "Aaron")
    shown = olga.get(path(cast, "request", "Aaron")).text
    link = re.search(r'href="([^"]+)"[^>]*>Show it for Mia, YouTube Premium', shown)

    assert "would not get this" in shown
    assert link is not None
    assert "As a mail to Mia" in olga.get(link[1].replace("&amp;", "&")).text


def test_a_bill_is_wanted_in_a_group_that_waits_for_one(olga: Browser, cast: Cast) -> None:
    phone = cast.group("Phone", split=SplitKind.VARIABLE)
    cast.join(phone, "Ben")
    cast.tick(NOW)

    assert "As a mail to Olga" in olga.get("/messages/preview?notice=bill_wanted").text


def test_news_of_how_to_pay_names_who_looks(olga: Browser, cast: Cast, members: dict[str, Member]) -> None:
    assert "was changed by Olga" in olga.get(path(cast, "pay_details_changed")).text


def test_without_anybody_there_is_nothing_to_show(olga: Browser) -> None:
    assert "Nothing to show yet" in olga.get("/messages/preview").text


def test_zed_looks_at_nobody_of_olgas(
    app: Flask, runtime: Runtime, cast: Cast, members: dict[str, Member]
) -> None:
    zed = stranger(app, runtime)
    assert "Ben" not in zed.get("/messages/preview").text
    for page in (path(cast, "request"), path(cast, "request").replace("preview?", "preview/letter?")):
        assert zed.get(page).status_code in (200, 404)
        assert "YouTube" not in zed.get(page).text
