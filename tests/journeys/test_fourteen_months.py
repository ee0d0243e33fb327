"""Fourteen months of Olga's workspace, lived from outside: commands, mail and pages, day by day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import repeat

import pytest
from flask import Flask

from tests.journeys.browser import Browser
from tests.journeys.house import BASE_URL, House, berlin, mailbox
from tests.journeys.letters import Letter
from tests.journeys.life import Life
from tests.journeys.oracle import Plan, Stay, periods
from tests.journeys.people import HANDS, IGNORE, deal

VIDEO, PITCH, CHOIR, PHONES, POWER = "YouTube Premium", "Club pitch", "Choir", "Phone plan", "Electricity"


def plans() -> list[Plan]:
    """Describe what Olga shares with whom, in the order she sets it up."""

    def stays(start: str, **weights: int) -> list[Stay]:
        return [Stay(name, date.fromisoformat(start), weight=weight) for name, weight in weights.items()]

    return [
        Plan(VIDEO, "EUR", "month", 1, date(2026, 1, 31), 31, prices={date.min: 1799},
             stays=stays("2026-01-31", Ben=1, Mia=1, Tom=1, Lea=1)),
        Plan(PITCH, "EUR", "month", 3, date(2026, 1, 15), 15, payer=None, prices={date.min: 10000},
             stays=stays("2026-01-15", Ben=1, Mia=1, Lea=1)),
        Plan(CHOIR, "EUR", "week", 1, date(2026, 2, 2), prices={date.min: 750},
             stays=stays("2026-02-02", Mia=1, Lea=1)),
        Plan(PHONES, "JPY", "year", 1, date(2026, 3, 29), 29, days_before=14, prices={date.min: 10000},
             stays=stays("2026-03-29", Ben=1, Lea=1)),
        Plan(POWER, "EUR", "month", 1, date(2026, 2, 1), 1,
             stays=stays("2026-02-01", Ben=1, Lea=2)),
    ]  # fmt: skip


@pytest.fixture
def life(house: House, app: Flask) -> Life:
    """Give Olga's workspace with everything set up and everybody told."""
    life = Life(house, app, plans())
    video, pitch, choir, phones, power = life.plans
    life.share(video, "--price", "17.99", "--split", "equal", "--pay-iban", "DE02120300000000202051",
               "--pay-holder", "Olga")  # fmt: skip
    life.share(pitch, "--price", "100", "--split", "equal", "--no-payer-included")
    life.share(choir, "--price", "7.50", "--split", "equal", "--pay-text", "Cash at the rehearsal")
    life.share(phones, "--price", "10000", "--split", "equal", "--collect-days-before", "14")
    life.share(power, "--split", "variable", "--pay-link", "https://pay.example.org/olga/{amount}")
    told = house.do("member", "tell", "--group", life.groups[VIDEO])
    assert told == {"told": ["Ben", "Mia", "Tom", "Lea"], "unreachable": []}
    return life


@pytest.mark.only_sqlite
@pytest.mark.timeout(600)
def test_fourteen_months_stay_right_day_by_day(life: Life) -> None:
    write_the_script(life)
    life.live("2027-03-20")
    life.audit()
    assert [len(periods(plan, until=life.house.today)) for plan in life.plans] == [14, 5, 33, 2, 14]
    seen = {kind for kind, letters in life.mail_of_kind.items() if letters}
    assert seen == {
        *("welcome", "request", "reminder", "price_change"),
        *(
            "claim_received",
            "claims_waiting",
            "bill_wanted",
            "requests_exhausted",
            "objection",
            "unsubscribed",
        ),
        *("received", "part_received", "rejected", "waived"),
    }
    check_tom_was_asked_as_promised(life)
    check_the_price_was_announced(life)


@pytest.mark.only_postgresql
@pytest.mark.timeout(600)
def test_two_months_stay_right_on_postgresql(life: Life) -> None:
    life.live("2026-03-10")
    life.audit()
    assert [len(periods(plan, until=life.house.today)) for plan in life.plans] == [2, 1, 6, 0, 2]


def write_the_script(life: Life) -> None:
    """Put into the calendar what happens once."""
    life.members.hands["Tom"] = repeat(IGNORE)
    life.on("2026-03-18", lambda: waive_toms_first(life))
    life.on("2026-03-19", lambda: life.members.hands.update(Tom=deal(HANDS["Tom"], life.seed)))
    life.on("2026-05-20", lambda: life.olga.generous.add("Tom"))
    life.on("2026-06-10", lambda: ivo_joins(life))
    life.on("2026-08-01", lambda: pause_the_choir(life))
    life.on("2026-08-20", lambda: raise_the_price(life))
    life.on("2026-08-28", lambda: life.house.do("group", "resume", life.groups[CHOIR]))
    life.on("2026-09-24", lambda: end_the_choir(life))
    life.on("2026-10-05", lambda: mia_stops_requests(life))
    life.on("2026-10-26", lambda: mia_takes_them_again(life))
    life.on("2026-11-12", lambda: lea_leaves(life))
    life.on("2026-12-03", lambda: let_lea_off(life))


def waive_toms_first(life: Life) -> None:
    life.post()
    due = life.book.of("Tom", "open")[0]
    life.house.do("payment", "waive", due.id, "--reason", "Let us start afresh")
    life.book.close(due, "waived", today=life.house.today)
    life.book.expect("Tom", "waived", [due], at=life.house.now)


def ivo_joins(life: Life) -> None:
    life.join(VIDEO, "Ivo")
    life.plans[0].stays.append(Stay("Ivo", life.house.today))


def pause_the_choir(life: Life) -> None:
    life.house.do("group", "pause", life.groups[CHOIR])
    life.plans[2].pauses.append((date(2026, 8, 1), date(2026, 8, 28)))


def end_the_choir(life: Life) -> None:
    life.house.do("group", "end", life.groups[CHOIR], "--on", "2026-10-12")
    life.plans[2].ends_on = date(2026, 10, 12)


def raise_the_price(life: Life) -> None:
    new = ("--price", "20.99", "--from", "2026-09-30")
    life.house.do("price", "set", "--group", life.groups[VIDEO], *new)
    life.plans[0].prices[date(2026, 9, 30)] = 2099


def mia_stops_requests(life: Life) -> None:
    """Let Mia's mail program unsubscribe by one POST, without cookies, as RFC 8058 says."""
    url = last_request_to(life, "Mia").unsubscribe_url
    assert url is not None
    program = Browser(life.app, BASE_URL)
    assert program.open(url).status == 200
    assert program.post(url, {"List-Unsubscribe": "One-Click"}).status == 200
    life.book.stopped.add("Mia")


def mia_takes_them_again(life: Life) -> None:
    page = life.members.phones["Mia"].open(last_request_to(life, "Mia").unsubscribe_url or "")
    assert life.members.phones["Mia"].press(page, "Send them again").status == 200
    life.book.stopped.remove("Mia")
    for due in life.book.of("Mia", "open"):
        life.book.close(due, "open", today=life.house.today)


def last_request_to(life: Life, name: str) -> Letter:
    return [one for one in life.house.letters if one.is_asking and one.to == mailbox(name)][-1]


def lea_leaves(life: Life) -> None:
    """Lea leaves one group of four; what she owes there stays, and she is not asked for it."""
    life.house.do("member", "leave", life.member_ids[VIDEO, "Lea"])
    life.plans[0].stays = [
        replace(stay, left_on=life.house.today) if stay.name == "Lea" else stay
        for stay in life.plans[0].stays
    ]
    life.book.gone.add(("Lea", VIDEO))


def let_lea_off(life: Life) -> None:
    life.post()  # an answer that waits would be overtaken by the waiver
    for due in life.book.of("Lea", "open"):
        if due.group == VIDEO:
            life.house.do("payment", "waive", due.id, "--reason", "Thanks for the time together")
            life.book.close(due, "waived", today=life.house.today)
            life.book.expect("Lea", "waived", [due], at=life.house.now)


def check_tom_was_asked_as_promised(life: Life) -> None:
    """Three days after it was due and every three days; weekly once overdue, with the next; eight times."""
    first, second = sorted(
        (due for due in life.book.dues.values() if due.name == "Tom"), key=lambda due: due.starts_on
    )[:2]
    days = ("02-03", "02-06", "02-09", "02-12", "02-19", "02-26", "03-03", "03-09")
    assert [day.isoformat() for day in first.asked] == [f"2026-{day}" for day in days]
    assert [day.isoformat()[5:] for day in second.asked[:5]] == ["03-03", "03-06", "03-09", "03-12", "03-19"]
    told = [one for one in life.mail_of_kind["requests_exhausted"] if "Tom" in one.text]
    assert told[0].at == berlin("2026-03-16")


def check_the_price_was_announced(life: Life) -> None:
    """Everybody hears a week before the first period at the new price, and nobody twice."""
    letters = life.mail_of_kind["price_change"]
    assert {one.at for one in letters} == {berlin("2026-09-23")}
    assert sorted(one.to for one in letters) == sorted(map(mailbox, ("Ben", "Mia", "Tom", "Lea", "Ivo")))
    assert all("3.00" in one.text and "3.50" in one.text for one in letters)
