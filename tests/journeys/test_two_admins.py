"""Two admins and one claim: both are told, both decide at once, and the member hears once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from tests.journeys.browser import Browser, Page
from tests.journeys.house import BASE_URL, House, berlin, mailbox, sign_in
from tests.journeys.letters import Letter

DUE = berlin("2026-02-03")


@pytest.fixture
def group(house: House) -> str:
    """Share one group between Olga, Ben and Mia."""
    terms = ("--name", "YouTube Premium", "--price", "17.99", "--currency", "EUR", "--billing-day", "31")
    made = house.do("group", "add", *terms, "--starts-on", "2026-01-31", "--timezone", "Europe/Berlin")
    for name in ("Ben", "Mia"):
        house.join(made["id"], name)
    return str(made["id"])


@pytest.fixture
def ada(house: House, app: Flask, group: str) -> Browser:
    """Invite Ada by mail; she joins by the link in it."""
    desk = Browser(app, BASE_URL)
    sign_in(desk)
    invited = desk.press(desk.open("/admins"), "Invite", name="Ada", email=mailbox("Ada"))
    assert "Ada" in invited.words
    (letter,) = house.deliver()
    assert (letter.to, letter.kind) == (mailbox("Ada"), "invite")
    ada = Browser(app, BASE_URL)
    page = ada.open(letter.link("invite"))
    ada.press(page, "Join and sign in", name="Ada", password="five quite other words here")
    assert ada.open("/review").status == 200
    return ada


def test_one_of_two_decisions_wins_and_the_member_hears_once(house: House, app: Flask, ada: Browser) -> None:
    notices = claim(house, app, "Ben")
    assert sorted(one.to for one in notices) == [mailbox("Ada"), mailbox("Olga")]
    by_reader = {one.to: one for one in notices}
    olgas = Browser(app, BASE_URL), by_reader[mailbox("Olga")].link("decide")
    adas = Browser(app, BASE_URL), by_reader[mailbox("Ada")].link("decide")
    pages = [browser.open(url) for browser, url in (olgas, adas)]
    confirmed, rejected = at_once(
        lambda: olgas[0].press(pages[0], "Confirm"),
        lambda: adas[0].press(pages[1], "Reject", reason="I can’t see it"),
    )
    winner, loser = (confirmed, rejected) if confirmed.status == 200 else (rejected, confirmed)
    assert (winner.status, loser.status) == (200, 409)
    assert "nothing was done" in loser.words
    assert "Traceback" not in loser.html
    house.wait(seconds=11)
    answers = [one for one in house.deliver() if one.to == mailbox("Ben")]
    assert [one.kind for one in answers] == ["received" if winner is confirmed else "rejected"]
    assert payment(house, "Ben")["status"] == ("confirmed" if winner is confirmed else "pending")
    house.wait(hours=1)
    assert house.deliver() == []


def test_undo_within_ten_seconds_takes_the_answer_back(house: House, app: Flask, group: str) -> None:
    claim(house, app, "Mia")
    desk = Browser(app, BASE_URL)
    sign_in(desk)
    done = desk.press(desk.open("/review"), "Confirm", near=payment(house, "Mia")["id"])
    assert payment(house, "Mia")["status"] == "confirmed"
    house.wait(seconds=9)
    assert "Undone" in desk.press(done, "Undo").words
    house.wait(minutes=5)
    assert house.deliver() == []
    assert payment(house, "Mia")["status"] == "member_confirmed"
    assert house.do("receipt", "list") == []
    desk.press(desk.open("/review"), "Reject", near=payment(house, "Mia")["id"], reason="Not there")
    house.wait(seconds=11)
    (answer,) = house.deliver()
    assert (answer.to, answer.kind) == (mailbox("Mia"), "rejected")
    assert "Not there" in answer.text


def test_undo_after_ten_seconds_is_calmly_refused(house: House, app: Flask, group: str) -> None:
    claim(house, app, "Mia")
    desk = Browser(app, BASE_URL)
    sign_in(desk)
    done = desk.press(desk.open("/review"), "Confirm", near=payment(house, "Mia")["id"])
    house.wait(seconds=11)
    late = desk.press(done, "Undo")
    assert "Undone" not in late.words
    assert payment(house, "Mia")["status"] == "confirmed"
    assert [one.kind for one in house.deliver()] == ["received"]


def claim(house: House, app: Flask, name: str) -> list[Letter]:
    """Let somebody press the button of their first request; return the notices that follow."""
    for when in (berlin("2026-01-31"), DUE):
        house.go_to(when)
        house.tick()
    request = next(one for one in house.deliver() if one.is_asking and one.to == mailbox(name))
    house.wait(minutes=30)
    phone = Browser(app, BASE_URL)
    page = phone.press(phone.open(request.link("pay")), "I’ve paid")
    assert re.search(r"Waiting for Olga to check", page.words)
    return house.deliver()


def payment(house: House, name: str) -> dict[str, Any]:
    """Look up what somebody owes."""
    (found,) = [row for row in house.do("payment", "list") if row["member"] == name]
    return dict(found)


def at_once(*acts: Any) -> list[Page]:
    """Do several things in the same moment, each in a thread of its own."""
    start = Barrier(len(acts))

    def go(act: Any) -> Page:
        start.wait()
        page: Page = act()
        return page

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(go, acts))
