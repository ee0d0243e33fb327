"""A mail scanner opens every link twenty times and plays with the first form it sees; nothing happens."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.journeys.browser import Browser
from tests.journeys.house import BASE_URL, House, berlin, mailbox
from tests.journeys.letters import Letter

TIMES = 20


@pytest.fixture
def request_letter(house: House) -> Letter:
    """Let Ben be asked for the first time."""
    terms = ("--name", "YouTube Premium", "--price", "17.99", "--currency", "EUR", "--billing-day", "31")
    made = house.do("group", "add", *terms, "--starts-on", "2026-01-31", "--timezone", "Europe/Berlin")
    house.join(made["id"], "Ben")
    for when in (berlin("2026-01-31"), berlin("2026-02-03")):
        house.go_to(when)
        house.tick()
    return next(one for one in house.deliver() if one.to == mailbox("Ben"))


def links(letter: Letter) -> list[str]:
    """List every address of ours in a mail: text, HTML and headers."""
    everything = "\n".join([letter.text, letter.mail.html, letter.unsubscribe_url or ""])
    found = re.findall(rf"{re.escape(BASE_URL)}[^\s\"'<>)]*", everything)
    return list(dict.fromkeys(url.replace("&amp;", "&") for url in found))


def scan(app: Flask, letter: Letter) -> None:
    """Do what scanners do: open, peek, and submit the first form of each page without pressing its button."""
    for url in links(letter):
        scanner = Browser(app, BASE_URL)
        for _time in range(TIMES):
            assert scanner.open(url, method="HEAD").status == 200
            page = scanner.open(url)
            assert page.status == 200
        for form in page.forms[:1]:
            assert scanner.submit(page, form).status in (200, 400)


def test_a_scanner_changes_nothing_and_the_person_still_succeeds(
    house: House, app: Flask, request_letter: Letter
) -> None:
    assert {url.split("/")[3] for url in links(request_letter)} >= {"pay", "unsubscribe"}
    before = house.dump()
    scan(app, request_letter)
    assert house.dump() == before

    house.wait(hours=1)
    phone = Browser(app, BASE_URL)
    assert "Waiting for Olga" in phone.press(phone.open(request_letter.link("pay")), "I’ve paid").words
    (notice,) = house.deliver()
    before = house.dump()
    scan(app, notice)
    assert house.dump() == before

    assert phone.press(phone.open(notice.link("decide")), "Confirm").status == 200
    house.wait(seconds=11)
    assert [one.kind for one in house.deliver()] == ["received"]


def test_the_first_form_of_the_members_page_is_inert(app: Flask, request_letter: Letter) -> None:
    first = Browser(app, BASE_URL).open(request_letter.link("pay")).forms[0]
    assert first.method.lower() == "get"
    assert {one.name for one in first.controls} <= {"language", ""}


def test_no_link_works_by_fetching_it_with_a_verb_of_its_own(
    house: House, app: Flask, request_letter: Letter
) -> None:
    before = house.dump()
    for url in links(request_letter):
        for method in ("OPTIONS", "PUT", "DELETE", "PATCH"):
            assert Browser(app, BASE_URL).open(url, method=method).status in (200, 405)
    assert house.dump() == before
