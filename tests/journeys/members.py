"""Members at their page: what they press there, and what the page has to show them before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from flask import Flask

from tests.journeys.book import Book, Due
from tests.journeys.browser import Browser, Page
from tests.journeys.house import BASE_URL, House
from tests.journeys.letters import Letter
from tests.journeys.people import HANDS, Habit, deal

Act = Callable[[], None]


@dataclass
class Members:
    """Everybody but Olga, each with a phone and habits of their own."""

    house: House
    app: Flask
    book: Book
    chance: Random
    seed: int

    def __post_init__(self) -> None:
        self.hands: dict[str, Iterator[Habit]] = {
            name: deal(cards, self.seed + place) for place, (name, cards) in enumerate(HANDS.items())
        }
        self.phones = {name: Browser(self.app, BASE_URL) for name in HANDS}
        self.agenda: dict[date, list[Act]] = {}

    def react(self, name: str, letter: Letter) -> None:
        """Answer a request by whatever habit comes next, some time later."""
        habit = next(self.hands[name])
        acts: dict[str, Callable[[str, Letter], None]] = {
            "pay": self.pay,
            "pay-some": self._pay_some,
            "pay-less": self._pay_less,
            "not-yet": self._put_off,
            "object": self._object,
            "regret": self._regret,
        }
        act = acts.get(habit.act)
        if act is not None:
            self._plan(habit.after_days, lambda: act(name, letter))

    def pay_again(self, name: str, letter: Letter) -> None:
        """Claim once more a day or two after a rejection, by the link in it."""
        self._plan(1 + self.chance.randrange(2), lambda: self.pay(name, letter))

    def _plan(self, after_days: int, act: Act) -> None:
        """Do something at noon, today if it is still morning."""
        if not after_days and self.house.local.hour >= 12:
            after_days = 1
        self.agenda.setdefault(self.house.today + timedelta(days=after_days), []).append(act)

    def pay(self, name: str, letter: Letter) -> None:
        """Say that everything is paid."""
        self._press_paid(name, self._open_page(name, letter))

    def _pay_some(self, name: str, letter: Letter) -> None:
        page = self._open_page(name, letter)
        for box in page.ticks("payment")[1:]:
            box.is_on = False
        self._press_paid(name, page)

    def _pay_less(self, name: str, letter: Letter) -> None:
        page = self._open_page(name, letter)
        for box in page.ticks("payment")[1:]:
            box.is_on = False
        self._press_paid(name, page, less=Decimal(1))

    def _put_off(self, name: str, letter: Letter) -> None:
        page = self._open_page(name, letter)
        if not page.ticks("payment"):
            return
        until = self.chance.choice(["days", "week", "first"])
        days = {
            "days": self.house.today + timedelta(days=3),
            "week": self.house.today + timedelta(days=7 - self.house.today.weekday()),
            "first": (self.house.today.replace(day=1) + timedelta(days=32)).replace(day=1),
        }
        after = self.phones[name].press(page, "Not yet", until=until)
        assert after.status == 200, after.words
        for due in self._ticked(page):
            due.rests_until = days[until]

    def _object(self, name: str, letter: Letter) -> None:
        page = self._open_page(name, letter)
        if not page.ticks("payment"):
            return
        about = page.form_with("Send")[0]
        due = self.book.find(next(one.value for one in about.controls if one.name == "payment"))
        after = self.phones[name].press(page, "Send", text="Didn’t we say less this time?")
        assert "Didn’t we say less this time?" in after.words
        if not due.has_objected:
            due.rests_until = max(due.rests_until, self.house.today + timedelta(days=14))
        due.has_objected = True

    def _regret(self, name: str, letter: Letter) -> None:
        page = self._open_page(name, letter)
        if not page.ticks("payment"):
            return
        self._press_paid(name, page)
        after = self.phones[name].open(letter.link("pay"))
        while "Take this back" in after.words:
            after = self.phones[name].press(after, "Take this back")
        for claim in [one for one in self.book.claims if one.name == name]:
            self.book.close_claim(claim, "open", today=self.house.today)
        self._plan(2, lambda: self.pay(name, letter))

    def _open_page(self, name: str, letter: Letter) -> Page:
        """Open the link of a letter; the page lists everything open, ticked."""
        page = self.phones[name].open(letter.link("pay"))
        assert page.status == 200, page.words
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in page.headers["Cache-Control"]
        boxes = page.ticks("payment")
        assert all(box.is_on for box in boxes)
        listed = {self.book.find(box.value).reference for box in boxes}
        assert listed == {due.reference for due in self.book.of(name, "open")}
        return page

    def _ticked(self, page: Page) -> list[Due]:
        return [self.book.find(box.value) for box in page.ticks("payment") if box.is_on]

    def _press_paid(self, name: str, page: Page, *, less: Decimal | None = None) -> None:
        dues = self._ticked(page)
        if not dues:
            return
        typed = {}
        if less is not None and dues[0].left > 2 * less and dues[0].currency == "EUR":
            typed = {"amount": str(dues[0].left - less)}
        after = self.phones[name].press(page, "I’ve paid", **typed)
        assert "Waiting for Olga to check" in after.words, after.words
        for currency in dict.fromkeys(due.currency for due in dues):
            named = [due for due in dues if due.currency == currency]
            amount = Decimal(typed["amount"]) if typed else sum((due.left for due in named), Decimal(0))
            self.book.open_claim(named, amount, today=self.house.today)
