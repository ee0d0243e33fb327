"""Months of one workspace: time does its work in the morning, people answer their mail, Olga checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from flask import Flask

from tests.journeys.audit import audit
from tests.journeys.book import ANSWERS, Book
from tests.journeys.house import House, berlin, mailbox
from tests.journeys.letters import Letter
from tests.journeys.members import Members
from tests.journeys.olga import Olga
from tests.journeys.oracle import Plan, periods
from tests.journeys.people import HANDS

Act = Callable[[], None]


@dataclass
class Life:
    """A journey in progress."""

    house: House
    app: Flask
    plans: list[Plan]
    seed: int = 20260110
    groups: dict[str, str] = field(default_factory=dict)
    member_ids: dict[tuple[str, str], str] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    script: dict[date, list[Act]] = field(default_factory=dict)
    message_ids: set[str] = field(default_factory=set)
    mail_of_kind: dict[str, list[Letter]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)
        self.members = Members(self.house, self.app, self.book, self.chance, self.seed)
        self.olga = Olga(self.house, self.app, self.book, self.seed, self._enter_bills)

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
        self.member_ids[group, name] = self.house.join(self.groups[group], name, *flags)["id"]

    def on(self, day: str, act: Act) -> None:
        """Put something into the script: it happens at nine on that day."""
        self.script.setdefault(date.fromisoformat(day), []).append(act)

    # Days.

    def live(self, until: str) -> None:
        """Live through every day up to and including this one."""
        day, last = self.house.today + timedelta(days=1), date.fromisoformat(until)
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
        assert all(claim.letter for claim in self.book.claims), "Olga heard nothing"
        self._noon(day)
        self._evening(day)
        self.book.check_nobody_is_forgotten(today=day)

    def _noon(self, day: date) -> None:
        acts = self.members.agenda.pop(day, [])
        for place, act in enumerate(acts):
            self._at(day, f"12:{place:02}")
            act()
        if acts:
            self._at(day, "12:59")
            self.post()

    def _evening(self, day: date) -> None:
        """Let Olga check what waits; on some days time does its work once more, at an odd hour."""
        for place, act in enumerate(self.olga.agenda.pop(day, [])):
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
        assert self.house.tick()["periods_opened"] == len(opening), self.house.today
        for name in opening:
            self.learn(name)
        self.post()

    def learn(self, group: str) -> None:
        """Take up what has come to be owed in a group."""
        rows = self.house.do("payment", "list", "--group", self.groups[group])
        rows.sort(key=lambda row: row["period"]["starts_on"])
        ahead = {plan.name for plan in self.plans if plan.days_before}
        self.book.learn(rows, at=self.house.local, collected_ahead=ahead)

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

    def audit(self) -> None:
        """Compare everything with what has to be."""
        audit(self.house, self.book, self.plans, self.groups)

    # Mail.

    def post(self) -> None:
        """Send what is due, and let everybody read what came."""
        for letter in self.house.deliver():
            self.mail_of_kind.setdefault(letter.kind, []).append(letter)
            self._check_headers(letter)
            if letter.to == mailbox("Olga"):
                self.olga.reads(letter)
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
        assert letter.date.astimezone(self.house.local.tzinfo).date() == self.house.today
        if letter.rows and letter.to != mailbox("Olga"):
            assert mail["Reply-To"] == mailbox("Olga")
            first = self.book.dues[letter.rows[0].reference]
            assert first is self.book.of_letter(letter)[0], "the oldest stands first"
            assert f"payment-{first.id}@" in mail["References"]
        if letter.unsubscribe_url is None:
            assert letter.kind not in ("request", "reminder", "welcome", "price_change", "period_opened")
        else:
            assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert letter.kind not in ANSWERS

    def _somebody_reads(self, name: str, letter: Letter) -> None:
        if letter.kind in ANSWERS:
            self.book.hear(name, letter)
            if letter.kind == "rejected":
                self.members.pay_again(name, letter)
        elif letter.is_asking:
            assert letter.kind in ("request", "reminder")
            assert 10 <= self.house.local.hour < 20
            first_time = all(not self.book.dues[code].asked for code in letter.references)
            assert letter.kind == ("request" if first_time else "reminder")
            self.book.note_request(name, letter, today=self.house.today)
            self.members.react(name, letter)
