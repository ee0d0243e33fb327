"""Months of one workspace: time does its work in the morning, people answer their mail, Olga checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from flask import Flask

from tests.journeys.book import ANSWERS, Book, Due
from tests.journeys.browser import Browser, Page
from tests.journeys.house import BASE_URL, House, berlin, mailbox, sign_in
from tests.journeys.letters import Letter
from tests.journeys.oracle import Plan, periods
from tests.journeys.people import HANDS, Habit, deal, deal_decisions

Act = Callable[[], None]


@dataclass
class Claim:
    """One press of "I've paid" in one currency, until Olga has decided."""

    name: str
    dues: list[Due]
    amount: Decimal
    pressed_on: date
    letter: Letter | None = None

    @property
    def may_be_short(self) -> bool:
        """Tell whether one unit less is neither nothing nor within the tolerance."""
        return self.dues[0].currency == "EUR" and self.dues[-1].left > 2


@dataclass
class Life:
    """A journey in progress."""

    house: House
    app: Flask
    plans: list[Plan]
    seed: int = 20260110
    groups: dict[str, str] = field(default_factory=dict)
    members: dict[tuple[str, str], str] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    claims: list[Claim] = field(default_factory=list)
    script: dict[date, list[Act]] = field(default_factory=dict)
    generous: set[str] = field(default_factory=set)
    message_ids: set[str] = field(default_factory=set)
    mail_of_kind: dict[str, list[Letter]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)
        self.hands: dict[str, Iterator[Habit]] = {
            name: deal(cards, self.seed + place) for place, (name, cards) in enumerate(HANDS.items())
        }
        self.decisions = deal_decisions(self.seed)
        self.phones = {name: Browser(self.app, BASE_URL) for name in HANDS}
        self.olgas_phone, self.olgas_desk = Browser(self.app, BASE_URL), Browser(self.app, BASE_URL)
        self.agenda: dict[date, list[Act]] = {}
        self.checks: dict[date, list[Act]] = {}

    # Setting up.

    def share(self, plan: Plan, *flags: str) -> None:
        """Let Olga set up a group and tell everybody in the plan."""
        made = self.house.do(
            *("group", "add", "--name", plan.name, "--currency", plan.currency, "--unit", plan.unit),
            *("--every", str(plan.every), "--billing-day", str(plan.billing_day)),
            *("--starts-on", plan.starts_on.isoformat(), "--timezone", "Europe/Berlin", *flags),
        )
        self.groups[plan.name] = made["id"]
        for stay in plan.stays:
            self.join(plan.name, stay.name, "--weight", str(stay.weight))

    def join(self, group: str, name: str, *flags: str) -> None:
        """Let somebody join."""
        self.members[group, name] = self.house.join(self.groups[group], name, *flags)["id"]

    def on(self, day: str, act: Act) -> None:
        """Put something into the script: it happens at nine on that day."""
        self.script.setdefault(date.fromisoformat(day), []).append(act)

    # Days.

    @property
    def today(self) -> date:
        """The day in Berlin."""
        return self.house.local.date()

    def live(self, until: str) -> None:
        """Live through every day up to and including this one."""
        day, last = self.today + timedelta(days=1), date.fromisoformat(until)
        while day <= last:
            self._live_day(day)
            if (day + timedelta(days=1)).day == 1:
                self.audit()
            day += timedelta(days=1)

    def _live_day(self, day: date) -> None:
        self._at(day, "09:00")
        for act in self.script.pop(day, []):
            act()
        self._at(day, "10:05")
        self._work(self._openings(day))
        late = [answer for answer in self.book.answers if answer.since < self.house.now]
        assert late == [], "somebody heard nothing"
        self._noon(day)
        self._evening(day)
        self.book.check_nobody_is_forgotten(today=day)

    def _noon(self, day: date) -> None:
        acts = self.agenda.pop(day, [])
        for place, act in enumerate(acts):
            self._at(day, f"12:{place:02}")
            act()
        if acts:
            self._at(day, "12:59")
            self._post()

    def _evening(self, day: date) -> None:
        """Let Olga check what waits; on some days time does its work once more, at an odd hour."""
        for place, act in enumerate(self.checks.pop(day, [])):
            self._at(day, f"17:{place:02}")
            act()
        if self.chance.random() < 0.2:
            self._at(day, self.chance.choice(["18:05", "22:15", "23:59"]))
            self._work([])

    def _at(self, day: date, clock: str) -> None:
        self.house.go_to(berlin(day.isoformat(), clock))

    def _openings(self, day: date) -> list[str]:
        """Name the groups whose period has to open on this morning."""
        return [
            plan.name
            for plan in self.plans
            for period in periods(plan, until=day)
            if period.starts_on - timedelta(days=plan.days_before) == day
        ]

    def _work(self, opening: list[str]) -> None:
        assert self.house.tick()["periods_opened"] == len(opening), self.today
        for name in opening:
            self.learn(name)
        self._post()

    def learn(self, group: str) -> None:
        """Take up what has come to be owed in a group."""
        rows = self.house.do("payment", "list", "--group", self.groups[group])
        rows.sort(key=lambda row: row["period"]["starts_on"])
        ahead = {plan.name for plan in self.plans if plan.days_before}
        self.book.learn(rows, at=self.house.local, collected_ahead=ahead)

    # Mail.

    def _post(self) -> None:
        for letter in self.house.deliver():
            self.mail_of_kind.setdefault(letter.kind, []).append(letter)
            self._check_headers(letter)
            if letter.to == mailbox("Olga"):
                self._olga_reads(letter)
            else:
                self._somebody_reads(self._whose(letter), letter)

    def _whose(self, letter: Letter) -> str:
        return next(name for name in HANDS if mailbox(name) == letter.to)

    def _check_headers(self, letter: Letter) -> None:
        mail = letter.mail.message
        assert letter.message_id not in self.message_ids
        self.message_ids.add(letter.message_id)
        assert mail["Auto-Submitted"] == "auto-generated"
        sender = mail["From"].addresses[0]
        assert sender.addr_spec == "money@subs.example.org"
        if letter.to != mailbox("Olga"):
            assert sender.display_name.startswith("Olga")
            assert sender.display_name.endswith("via SubsTrack")
        assert letter.date.astimezone(self.house.local.tzinfo).date() == self.today
        if letter.rows and letter.to != mailbox("Olga"):
            assert mail["Reply-To"] == mailbox("Olga")
            assert mail["References"]
        if letter.unsubscribe_url is None:
            assert letter.kind not in ("request", "reminder", "welcome", "price_change", "period_opened")
        else:
            assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert letter.kind not in ANSWERS

    def _somebody_reads(self, name: str, letter: Letter) -> None:
        if letter.kind in ANSWERS:
            self.book.hear(name, letter)
            if letter.kind == "rejected":
                self._plan(1 + self.chance.randrange(2), lambda: self._pay(name, letter))
        elif letter.is_asking:
            assert letter.kind in ("request", "reminder")
            assert 10 <= self.house.local.hour < 20
            first_time = all(not self.book.dues[code].asked for code in letter.references)
            assert letter.kind == ("request" if first_time else "reminder")
            self.book.note_request(name, letter, today=self.today)
            self._react(name, letter)

    def _react(self, name: str, letter: Letter) -> None:
        habit = next(self.hands[name])
        acts: dict[str, Callable[[str, Letter], None]] = {
            "pay": self._pay,
            "pay-some": self._pay_some,
            "pay-less": self._pay_less,
            "not-yet": self._put_off,
            "object": self._object,
            "regret": self._regret,
        }
        act = acts.get(habit.act)
        if act is not None:
            self._plan(habit.after_days, lambda: act(name, letter))

    def _plan(self, after_days: int, act: Act) -> None:
        """Do something at noon, today if it is still morning."""
        if not after_days and self.house.local.hour >= 12:
            after_days = 1
        self.agenda.setdefault(self.today + timedelta(days=after_days), []).append(act)

    # What members do on their page.

    def _pay(self, name: str, letter: Letter) -> None:
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
            "days": self.today + timedelta(days=3),
            "week": self.today + timedelta(days=7 - self.today.weekday()),
            "first": (self.today.replace(day=1) + timedelta(days=32)).replace(day=1),
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
        due.rests_until = self.today + timedelta(days=14)

    def _regret(self, name: str, letter: Letter) -> None:
        page = self._open_page(name, letter)
        if not page.ticks("payment"):
            return
        self._press_paid(name, page)
        after = self.phones[name].open(letter.link("pay"))
        while "Take this back" in after.words:
            after = self.phones[name].press(after, "Take this back")
        for claim in [one for one in self.claims if one.name == name]:
            self._close(claim, "open")
        self._plan(2, lambda: self._pay(name, letter))

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

    def _press_paid(self, name: str, page: Page, *, less: Decimal | None = None) -> list[Claim]:
        dues = self._ticked(page)
        if not dues:
            return []
        typed = {}
        if less is not None and dues[0].left > 2 * less and dues[0].currency == "EUR":
            typed = {"amount": str(dues[0].left - less)}
        after = self.phones[name].press(page, "I’ve paid", **typed)
        assert "Waiting for Olga to check" in after.words, after.words
        made = []
        for currency in dict.fromkeys(due.currency for due in dues):
            named = [due for due in dues if due.currency == currency]
            amount = Decimal(typed["amount"]) if typed else sum((due.left for due in named), Decimal(0))
            made.append(Claim(name, named, amount, self.today))
        for claim in made:
            for due in claim.dues:
                self.book.close(due, "claimed", today=self.today)
        self.claims.extend(made)
        return made

    def _close(self, claim: Claim, state: str) -> None:
        self.claims.remove(claim)
        for due in claim.dues:
            self.book.close(due, state, today=self.today)

    # What Olga does.

    def _olga_reads(self, letter: Letter) -> None:
        if letter.kind == "claim_received":
            self._take_up(letter)
        elif letter.kind == "claims_waiting":
            waiting = [one for one in self.claims if self.today >= one.pressed_on + timedelta(days=3)]
            assert waiting, "nudged about nothing"
        elif letter.kind == "bill_wanted":
            self.checks.setdefault(self.today, []).append(self._enter_bills)

    def _take_up(self, letter: Letter) -> None:
        """Find the claim that a notice is about and choose how to check it."""
        claim = next(
            (
                one
                for one in self.claims
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
        self.checks.setdefault(self.today + later, []).append(lambda: self.decide(claim, way))

    def decide(self, claim: Claim, way: str) -> None:
        """Confirm or reject, if the claim still waits."""
        if claim not in self.claims:
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
        page = self.olgas_phone.open(claim.letter.link("decide"))
        assert page.status == 200, page.words
        return page

    def _confirm_by_link(self, claim: Claim) -> None:
        after = self.olgas_phone.press(self._decide_page(claim), "Confirm")
        assert after.status == 200, after.words
        self._confirmed(claim, claim.amount)

    def _confirm_part(self, claim: Claim) -> None:
        amount = claim.amount - 1
        after = self.olgas_phone.press(self._decide_page(claim), "Confirm", amount=str(amount))
        assert after.status == 200, after.words
        self._confirmed(claim, amount)

    def _confirm_more(self, claim: Claim) -> None:
        """Confirm more than was claimed; the difference becomes credit."""
        amount = claim.amount + 5
        after = self.olgas_phone.press(self._decide_page(claim), "Confirm", amount=str(amount))
        assert after.status == 200, after.words
        self._confirmed(claim, amount)

    def _reject_by_link(self, claim: Claim) -> None:
        why = "Nothing in my account yet"
        after = self.olgas_phone.press(self._decide_page(claim), "Reject", reason=why)
        assert after.status == 200, after.words
        self._close(claim, "open")
        self.book.expect(claim.name, "rejected", claim.dues, at=self.house.now)

    def _confirm_by_review(self, claim: Claim) -> None:
        sign_in(self.olgas_desk)
        page = self.olgas_desk.open("/review")
        after = self.olgas_desk.press(page, "Confirm", near=claim.dues[0].id)
        assert "Confirmed" in after.words or "Booked" in after.words, after.words
        self._confirmed(claim, claim.amount)

    def _confirm_several(self, claim: Claim) -> None:
        """Tick everything on the review page and confirm it in one press."""
        waiting = list(self.claims)
        if len(waiting) == 1:
            return self._confirm_by_review(claim)
        sign_in(self.olgas_desk)
        page = self.olgas_desk.open("/review")
        for box in page.ticks("claim"):
            box.is_on = True
        after = self.olgas_desk.press(page, "Confirm the ticked")
        assert f"Confirmed: {len(waiting)}." in after.words, after.words
        for one in waiting:
            self._confirmed(one, one.amount)
        return None

    def _confirm_by_command(self, claim: Claim) -> None:
        """Confirm in full by hand; each payment is a decision of its own."""
        self.house.do("payment", "confirm", *(due.id for due in claim.dues))
        self.claims.remove(claim)
        for due in claim.dues:
            self.book.book([due], due.left, at=self.house.now)
            self.book.expect(due.name, "received", [due], at=self.house.now)

    def _confirmed(self, claim: Claim, amount: Decimal) -> None:
        """Write down a decision about a whole claim."""
        self.claims.remove(claim)
        self.book.book(claim.dues, amount, at=self.house.now)
        kind = "part_received" if any(due.left for due in claim.dues) else "received"
        self.book.expect(claim.name, kind, claim.dues, at=self.house.now)
        self.book.spend_credit(claim.name, claim.dues[0].currency, at=self.house.now)

    def _enter_bills(self) -> None:
        """Type in the bills that have come."""
        for plan in [plan for plan in self.plans if not plan.prices]:
            for row in self.house.do("period", "list", "--group", self.groups[plan.name]):
                if row["total"] is None:
                    minor = self.chance.randrange(2500, 6500)
                    plan.bills[date.fromisoformat(row["starts_on"])] = minor
                    total = f"{minor / 100:.2f}"
                    self.house.do("period", "edit", row["id"], "--total", total, "--reason", "bill")
            self.learn(plan.name)

    # The books.

    def audit(self) -> None:
        """Compare periods, payments and money with what has to be."""
        rows = self.house.do("payment", "list")
        self._audit_periods(rows)
        self._audit_payments(rows)
        self._audit_money(rows, self.house.do("receipt", "list"))

    def _audit_periods(self, payments: list[dict[str, Any]]) -> None:
        for plan in self.plans:
            found = self.house.do("period", "list", "--group", self.groups[plan.name])
            shares: dict[str, dict[str, Decimal]] = {row["starts_on"]: {} for row in found}
            for row in payments:
                if row["group_name"] == plan.name:
                    shares[row["period"]["starts_on"]][row["member"]] = Decimal(row["amount"])
            have = [
                (row["starts_on"], row["ends_on"], row["total"], shares[row["starts_on"]]) for row in found
            ]
            want = [
                (
                    one.starts_on.isoformat(),
                    one.ends_on.isoformat(),
                    None if one.total is None else str(one.total),
                    one.shares,
                )
                for one in periods(plan, until=self.today)
            ]
            assert sorted(have, key=lambda one: one[0]) == want, plan.name
            assert [row["sequence"] for row in sorted(found, key=lambda row: row["starts_on"])] == sorted(
                row["sequence"] for row in found
            )

    def _audit_payments(self, rows: list[dict[str, Any]]) -> None:
        statuses = {
            "open": {"pending", "overdue"},
            "claimed": {"member_confirmed"},
            "done": {"confirmed"},
            "waived": {"waived"},
        }
        dues = [row for row in rows if row["kind"] == "dues"]
        assert {row["reference"] for row in dues} == set(self.book.dues)
        for row in dues:
            due = self.book.dues[row["reference"]]
            assert row["status"] in statuses[due.state], (row, due)
            assert due.state == "waived" or Decimal(row["left"]) == due.left, (row, due)

    def _audit_money(self, payments: list[dict[str, Any]], receipts: list[dict[str, Any]]) -> None:
        """Check that every unit that came lies on a payment or is credit, and that nothing else does."""
        dues = [row for row in payments if row["kind"] == "dues"]
        settled: dict[str, Decimal] = {row["id"]: Decimal(0) for row in dues}
        came: dict[tuple[str, str], Decimal] = {}
        credit: dict[tuple[str, str], Decimal] = {}
        for receipt in receipts:
            parts = {one["payment"]: Decimal(one["amount"]) for one in receipt["settles"]}
            assert sum(parts.values(), Decimal(receipt["credit"])) == Decimal(receipt["amount"])
            for key, amount in parts.items():
                settled[key] += amount
            who = receipt["contact"], receipt["currency"]
            came[who] = came.get(who, Decimal(0)) + Decimal(receipt["amount"])
            credit[who] = credit.get(who, Decimal(0)) + Decimal(receipt["credit"])
        assert settled == {row["id"]: Decimal(row["received"]) for row in dues}
        assert came == {who: sum_ for who, sum_ in self.book.cash.items() if sum_}
        assert {who: sum_ for who, sum_ in credit.items() if sum_} == {
            who: sum_ for who, sum_ in self.book.credit.items() if sum_
        }
