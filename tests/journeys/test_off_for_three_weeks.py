"""Nothing runs for three weeks, and the mail server is away at both ends of them."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest
from flask import Flask

from tests.fakes.smtp import free_port
from tests.journeys.browser import Browser
from tests.journeys.house import BASE_URL, House, berlin, mailbox
from tests.journeys.letters import Letter

VIDEO, CHOIR = "YouTube Premium", "Choir"


class Shared:
    """Two groups: Ben and Mia share the video, Mia sings as well; Ben has paid, Mia never answers."""

    def __init__(self, house: House, app: Flask) -> None:
        self.house = house
        common = ("group", "add", "--currency", "EUR", "--timezone", "Europe/Berlin", "--split", "equal")
        video = ("--name", VIDEO, "--price", "17.99", "--billing-day", "31", "--starts-on", "2026-01-31")
        choir = ("--name", CHOIR, "--price", "5.00", "--unit", "week", "--starts-on", "2026-02-02")
        self.video, self.choir = (house.do(*common, *terms)["id"] for terms in (video, choir))
        for group, name in ((self.video, "Ben"), (self.video, "Mia"), (self.choir, "Mia")):
            house.join(group, name)
        self.days("2026-01-31", "2026-02-03")
        self.ben_pays(Browser(app, BASE_URL))
        self.days("2026-02-04", "2026-02-10")

    def days(self, first: str, last: str) -> None:
        """Let time and the post do their work once a day."""
        day = date.fromisoformat(first)
        while day <= date.fromisoformat(last):
            self.house.go_to(berlin(day.isoformat()))
            self.house.tick()
            self.house.deliver()
            day += timedelta(days=1)

    def ben_pays(self, phone: Browser) -> None:
        """Ben presses the button in his first request, and Olga confirms."""
        page = phone.open(self.requests_to("Ben")[0].link("pay"))
        assert "Waiting for Olga" in phone.press(page, "I’ve paid").words
        (claimed,) = self.house.do("payment", "list", "--status", "member_confirmed")
        self.house.do("payment", "confirm", claimed["id"])

    def requests_to(self, name: str) -> list[Letter]:
        """List the requests that lie in somebody's mailbox."""
        return [one for one in self.house.letters if one.is_asking and one.to == mailbox(name)]


@pytest.fixture
def shared(house: House, app: Flask) -> Shared:
    return Shared(house, app)


def go_away_and_come_back(shared: Shared) -> None:
    """Lose the mail server on 12 February and the machine the same evening; both are back on 5 March."""
    house, works = shared.house, shared.house.env["SUBSTRACK_SMTP_URL"]
    house.env["SUBSTRACK_SMTP_URL"] = f"smtp://127.0.0.1:{free_port()}"
    for when in (berlin("2026-02-12"), berlin("2026-02-12", "19:00"), berlin("2026-03-05")):
        house.go_to(when)
        house.tick()
        assert house.do("deliver")["sent"] == 0
    house.env["SUBSTRACK_SMTP_URL"] = works
    for clock in ("10:30", "12:00", "19:30", "22:00"):
        house.go_to(berlin("2026-03-05", clock))
        house.tick()
        house.deliver()


def test_periods_are_caught_up_in_order_and_nothing_is_born_overdue(shared: Shared) -> None:
    go_away_and_come_back(shared)
    starts = {
        group: [
            (row["sequence"], row["starts_on"]) for row in shared.house.do("period", "list", "--group", key)
        ]
        for group, key in ((VIDEO, shared.video), (CHOIR, shared.choir))
    }
    assert sorted(starts[VIDEO]) == [(1, "2026-01-31"), (2, "2026-02-28")]
    choir = ("2026-02-02", "2026-02-09", "2026-02-16", "2026-02-23", "2026-03-02")
    assert sorted(starts[CHOIR]) == list(enumerate(choir, start=1))
    late = {
        (row["member"], row["group_name"], row["period"]["starts_on"])
        for row in shared.house.do("payment", "list", "--status", "overdue")
    }
    asked_before = {("Mia", VIDEO, "2026-01-31"), ("Mia", CHOIR, "2026-02-02"), ("Mia", CHOIR, "2026-02-09")}
    assert late == asked_before


def test_everybody_hears_once_and_nothing_stale_is_sent(shared: Shared) -> None:
    before = len(shared.house.letters)
    go_away_and_come_back(shared)
    back = shared.house.letters[before:]
    assert [(one.to, one.kind) for one in back] == [(mailbox("Mia"), "reminder")]
    open_refs = {row["reference"] for row in _open(shared.house) if row["member"] == "Mia"}
    assert back[0].references == open_refs
    cancelled = [row for row in shared.house.do("message", "list") if row["state"] == "cancelled"]
    stale = [row["due_at"][:10] for row in cancelled if row["to"] == "Mia"]
    assert stale == ["2026-02-12"]


def test_the_rhythm_goes_on_from_the_day_of_return(shared: Shared) -> None:
    go_away_and_come_back(shared)
    shared.days("2026-03-06", "2026-03-20")
    (ben,) = [row for row in _open(shared.house) if row["member"] == "Ben"]
    days = [
        one.at.date().isoformat() for one in shared.requests_to("Ben") if ben["reference"] in one.references
    ]
    assert days == ["2026-03-08", "2026-03-11", "2026-03-14", "2026-03-17"]
    assert ben["status"] == "overdue"
    asked = [one.at.date() for one in shared.requests_to("Mia") if one.at >= berlin("2026-03-05", "00:00")]
    assert all((after - day).days >= 3 for day, after in pairwise(asked))
    ids = Counter(one.message_id for one in shared.house.letters)
    assert set(ids.values()) == {1}


def _open(house: House) -> list[dict[str, str]]:
    return [row for state in ("pending", "overdue") for row in house.do("payment", "list", "--status", state)]
