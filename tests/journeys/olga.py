"""Olga at her phone, her desk and her terminal: she checks claims in every way there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from flask import Flask

from tests.journeys.book import Book, Claim
from tests.journeys.browser import Browser, Page
from tests.journeys.house import BASE_URL, House, sign_in
from tests.journeys.letters import Letter
from tests.journeys.people import deal_decisions

Act = Callable[[], None]


@dataclass
class Olga:
    """The one who pays and decides. `generous` names those whose next claim she books with 5.00 more."""

    house: House
    app: Flask
    book: Book
    seed: int
    enter_bills: Act
    generous: set[str] = field(default_factory=set)
    nudged_on: list[date] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.decisions = deal_decisions(self.seed)
        self.phone, self.desk = Browser(self.app, BASE_URL), Browser(self.app, BASE_URL)
        self.agenda: dict[date, list[Act]] = {}

    def reads(self, letter: Letter) -> None:
        """Act on a notice, that day or a few days later."""
        if letter.kind == "claim_received":
            self._take_up(letter)
        elif letter.kind == "claims_waiting":
            assert self.house.today not in self.nudged_on, "nudged twice a day"
            self.nudged_on.append(self.house.today)
            waiting = [
                one for one in self.book.claims if self.house.today >= one.pressed_on + timedelta(days=3)
            ]
            assert waiting, "nudged about nothing"
        elif letter.kind == "bill_wanted":
            self.agenda.setdefault(self.house.today, []).append(self.enter_bills)

    def _take_up(self, letter: Letter) -> None:
        """Find the claim that a notice is about and choose how to check it."""
        claim = next(
            (
                one
                for one in self.book.claims
                if {due.reference for due in one.dues} == letter.references and one.letter is None
            ),
            None,
        )
        if claim is None:  # taken back before the notice came
            assert all(self.book.dues[code].state != "claimed" for code in letter.references)
            return
        assert claim.name in letter.subject
        claim.letter = letter
        way = next(self.decisions)
        if way == "part" and not claim.may_be_short:
            way = "link"
        if claim.name in self.generous:
            self.generous.remove(claim.name)
            way = "more"
        later = timedelta(days=4 if way == "slow" else 0)
        self.agenda.setdefault(self.house.today + later, []).append(lambda: self.decide(claim, way))

    def decide(self, claim: Claim, way: str) -> None:
        """Confirm or reject, if the claim still waits."""
        if claim not in self.book.claims:
            return
        {
            "link": self._confirm_by_link,
            "review": self._confirm_by_review,
            "slow": self._confirm_by_review,
            "several": self._confirm_several,
            "command": self._confirm_by_command,
            "reject": self._reject_by_link,
            "part": self._confirm_part,
            "more": self._confirm_more,
        }[way](claim)

    def _decide_page(self, claim: Claim) -> Page:
        assert claim.letter is not None
        page = self.phone.open(claim.letter.link("decide"))
        assert page.status == 200, page.words
        return page

    def _confirm_by_link(self, claim: Claim) -> None:
        after = self.phone.press(self._decide_page(claim), "Confirm")
        assert after.status == 200, after.words
        self._confirmed(claim, claim.amount)

    def _confirm_part(self, claim: Claim) -> None:
        amount = claim.amount - 1
        after = self.phone.press(self._decide_page(claim), "Confirm", amount=str(amount))
        assert after.status == 200, after.words
        self._confirmed(claim, amount)

    def _confirm_more(self, claim: Claim) -> None:
        """Confirm more than was claimed; the difference becomes credit."""
        amount = claim.amount + 5
        after = self.phone.press(self._decide_page(claim), "Confirm", amount=str(amount))
        assert after.status == 200, after.words
        self._confirmed(claim, amount)

    def _reject_by_link(self, claim: Claim) -> None:
        why = "Nothing in my account yet"
        after = self.phone.press(self._decide_page(claim), "Reject", reason=why)
        assert after.status == 200, after.words
        self.book.close_claim(claim, "open", today=self.house.today)
        self.book.expect(claim.name, "rejected", claim.dues, at=self.house.now)

    def _confirm_by_review(self, claim: Claim) -> None:
        sign_in(self.desk)
        page = self.desk.open("/review")
        after = self.desk.press(page, "Confirm", near=claim.dues[0].id)
        assert "Confirmed" in after.words or "Booked" in after.words, after.words
        self._confirmed(claim, claim.amount)

    def _confirm_several(self, claim: Claim) -> None:
        """Tick everything on the review page and confirm it in one press."""
        waiting = list(self.book.claims)
        if len(waiting) == 1:
            return self._confirm_by_review(claim)
        sign_in(self.desk)
        page = self.desk.open("/review")
        for box in page.ticks("claim"):
            box.is_on = True
        after = self.desk.press(page, "Confirm the ticked")
        assert f"Confirmed: {len(waiting)}." in after.words, after.words
        for one in waiting:
            self._confirmed(one, one.amount)
        return None

    def _confirm_by_command(self, claim: Claim) -> None:
        """Confirm in full by hand, whatever was claimed; each payment is a decision of its own."""
        if claim.amount == sum(due.left for due in claim.dues):
            self.house.do("payment", "confirm", *(due.id for due in claim.dues))
        else:
            for due in claim.dues:
                self.house.do("payment", "confirm", due.id, "--amount", str(due.left))
        self.book.claims.remove(claim)
        for due in claim.dues:
            self.book.book([due], due.left, at=self.house.now)
            self.book.expect(due.name, "received", [due], at=self.house.now)

    def _confirmed(self, claim: Claim, amount: Decimal) -> None:
        """Write down a decision about a whole claim."""
        self.book.claims.remove(claim)
        self.book.book(claim.dues, amount, at=self.house.now)
        kind = "part_received" if any(due.left for due in claim.dues) else "received"
        by_credit = self.book.spend_credit(claim.name, claim.dues[0].currency, at=self.house.now)
        self.book.expect(claim.name, kind, [*claim.dues, *by_credit], at=self.house.now)
