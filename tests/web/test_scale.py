"""Claims about all pages after three years of fifty groups: no more statements, small, paged, of one mind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Final

import pytest

from substrack.bootstrap import Runtime, make_runtime
from substrack.settings import Settings
from substrack.web.app import create_app
from tests.browser.places import find_places
from tests.browser.visits import VISITS
from tests.support.databases import Databases
from tests.web.admin import cast_of
from tests.web.forms import counted
from tests.web.support import Browser, TurnableClock, browser, found_home
from tests.web.years import Years, live_through

ENOUGH: Final = 120_000
"""Bytes of HTML, before they are compressed."""

PAGED: Final = ("/review", "/money-in", "/people", "/messages", "/journal", "/ask")

NOT_HERE: Final = ("auth.ask_sign_in", "home.show to a newcomer", "pay.show a dead link", "nothing there")
"""What does not show anything of this workspace."""

TO_SEE: Final = {name: path for name, path in VISITS.items() if name not in NOT_HERE} | {
    "people.show who is in every group": "/people/{debtor}",
    "people.show_statement of who is in every group": "/people/{debtor}/statement/2024",
    "people.show_statement of a month of theirs": "/people/{debtor}/statement/2024?month=5",
    "journal.show further down": "/journal?before=500",
    "review.show the last page": "/review?page=2",
}


@dataclass(frozen=True)
class House:
    """A workspace that has been lived in, olga's browser in it, and where its pages are."""

    runtime: Runtime
    olga: Browser
    years: Years
    places: dict[str, str]

    def get(self, path: str) -> str:
        """Open a page."""
        answer = self.olga.get(path.format(**self.places))
        assert answer.status_code == 200, answer.location
        return answer.text


@pytest.fixture(scope="module")
def houses(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, House]]:
    """Give a young house and an old one."""
    with ExitStack() as stack:
        young, old = (
            stack.enter_context(_house(databases, tmp_path_factory.mktemp("house"), *size))
            for size in ((5, 4), (50, 36))
        )
        yield young, old


@pytest.fixture(scope="module")
def old(houses: tuple[House, House]) -> House:
    return houses[1]


@contextmanager
def _house(databases: Databases, place: Path, groups: int, periods: int) -> Iterator[House]:
    with databases.lend("sqlite") as url:
        clock = TurnableClock()
        settings = Settings(database_url=url, data_dir=place, base_url="http://127.0.0.1:8000")
        runtime = replace(make_runtime(settings), clock=clock)
        home = found_home(runtime)
        years = live_through(cast_of(runtime, home), groups=groups, people=6, periods=periods)
        clock.now = years.now
        app = create_app(runtime)
        app.testing = True
        olga = browser(app, runtime)
        olga.sign_in(runtime, home.user_id)
        yield House(runtime, olga, years, _places(years))
        runtime.close()


def _places(years: Years) -> dict[str, str]:
    ben, ahead = years.members[0, "Ben"].contact_id, years.members[0, "Guest 00-3"].contact_id
    return find_places(years.cast, years.attempt, owing=ben, settled=ahead, now=years.now)


@pytest.mark.parametrize("name", TO_SEE)
def test_a_page_takes_no_more_statements_and_stays_small(houses: tuple[House, House], name: str) -> None:
    taken = []
    for house in houses:
        with counted(house.runtime) as statements:
            shown = house.get(TO_SEE[name])
        taken.append(len(statements))

    assert taken[1] <= taken[0] <= 32
    assert len(shown.encode()) < ENOUGH


@pytest.mark.parametrize("path", PAGED)
def test_a_list_is_paged(old: House, path: str) -> None:
    later = re.search(rf'href="({path}\?[^"#]*)"[^>]*>(?:Later|Earlier|Older)', old.get(path))

    assert later
    assert old.get(unescape(later[1])) != old.get(path)


def test_a_statement_is_whole_however_much_there_was(houses: tuple[House, House]) -> None:
    young, old = houses
    with counted(young.runtime) as few:
        young.get("/people/{debtor}/statement/2026")
    with counted(old.runtime) as many:
        shown = old.get("/people/{debtor}/statement/2024")

    assert len(few) == len(many)
    total = cents(shown, rf"To be paid</dt><dd>.*?({MONEY})")
    parts = re.findall(r'href="(/people/[^"]*\?group=\w+)">(Subscription \d\d)</a>', shown)
    assert len(parts) == 50
    listed = [old.get(path) for path, _name in parts[:3]]
    assert [page.count(f"{name}, ") for page, (_path, name) in zip(listed, parts, strict=False)] == [12] * 3
    months = [old.get(f"/people/{{debtor}}/statement/2024?month={month}") for month in range(1, 13)]
    for part in ("To be paid", "Paid of it"):
        of_months = [cents(page, rf"{part}</dt><dd>.*?({MONEY})") for page in months]
        assert sum(of_months) == cents(shown, rf"{part}</dt><dd>.*?({MONEY})") == total
    of_groups = [cents(page, rf"To be paid</dt><dd>.*?({MONEY})") for page in listed]
    assert of_groups == [total // 50] * 3


def test_what_is_to_check_is_the_same_everywhere(old: House) -> None:
    home, review = old.get("/"), "".join(old.get(f"/review?page={number}") for number in (1, 2))

    assert "50 payments to check" in home
    assert "50 payments wait for you" in review
    assert review.count('class="claim"') == 50
    sums = re.findall(r'class="claim-sum">(.*?)</span></span>', review)
    assert sum(cents(one) for one in sums) == cents(home, rf"({MONEY}) to check") == 51 * 300
    cards = _to_check(home)
    assert len(cards) == 24
    for path, count in cards.items():
        assert re.findall(r"(\d+) to check</a>", old.get(path)) == [count] == ["1"], path


def test_what_is_missing_is_the_same_on_home_and_on_the_pages_of_groups(old: House) -> None:
    home = old.get("/")
    cards = dict(re.findall(rf'class="group-card" href="(.*?)".*?({MONEY}) missing', home, re.DOTALL))

    assert len(cards) == 24
    groups = set(re.findall(r'href="(/groups/\w{12})"', old.get("/groups")))
    outstanding = {path: _outstanding(old.get(path)) for path in groups}
    claimed = sorted(outstanding[path] - cents(missing) for path, missing in cards.items())
    assert claimed == [300] * 23 + [600]  # one month in each group, and in one of them two
    assert len(groups) == 50
    out = home.partition("Still to come in all")[2]
    assert sum(outstanding.values()) == cents(out) + cents(out, rf"({MONEY}) to check")


def _to_check(home: str) -> dict[str, str]:
    """Find how many claims the cards of groups name, by the address of the group."""
    parts = home.split('class="group-card" href="')[1:]
    counts = {
        part.partition('"')[0]: re.search(r"(\d+) to check", part.partition("</a>")[0]) for part in parts
    }
    return {path: found[1] for path, found in counts.items() if found}


def _outstanding(shown: str) -> int:
    return sum(map(cents, re.findall(MONEY, shown.rpartition("Outstanding</th>")[2].partition("</tr>")[0])))


def test_what_is_owed_and_what_is_to_check_are_all_that_is_out(old: House) -> None:
    out = old.get("/").partition("Still to come in all")[2]
    pages = [old.get(f"/money-in?page={number}").partition("What came lately")[0] for number in range(1, 8)]
    owed = [cents(one) for page in pages for one in re.findall(r"<span>Received</span> (.*?)</button>", page)]

    assert len(owed) == 151
    assert f"See all {len(owed)}" in old.get("/")
    assert sum(owed) == cents(out)


def test_what_one_person_owes_is_the_same_everywhere(old: House) -> None:
    received = (
        rf"Received</span> <span class=\"money\">({MONEY})</span><span class=\"visually-hidden\"> from Ben<"
    )

    told = [
        cents(old.get("/"), received),
        cents(old.get("/money-in"), received),
        cents(old.get("/people").partition(">Ben</a>")[2], rf"owes ({MONEY})"),
        cents(old.get("/people/{debtor}"), rf"owes ({MONEY})"),
        cents(old.get("/people/{debtor}/ask").partition(">Ben<")[2]),
        cents(old.get("/pay/{owing}"), rf"Olga asks you for ({MONEY})"),
    ]

    assert told == [150 * 300] * len(told)


MONEY: Final = r"[\d,]+\.\d\d\xa0€"


def cents(shown: str, where: str = rf"({MONEY})") -> int:
    """Read the first amount that stands somewhere on a page."""
    found = re.search(where, shown)
    assert found, f"no {where} in {shown[:200]}"
    return int(re.sub(r"\D", "", found[1]))
