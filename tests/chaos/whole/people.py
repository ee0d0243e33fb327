"""People at the doors: members on their pages, admins at their desks, each doing one thing after the other.

What they do is random, within what the page before them offers; what they saw a while ago may be stale.
"""

from __future__ import annotations

import random
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from tests.chaos.whole.browser import Answer, Browser, NoAnswer, NotSent
from tests.chaos.whole.history import Act, History, Outcome
from tests.chaos.whole.town import SHARE_MINOR, Desk, Resident

UNCHANGED: Final = "Nothing was changed"
VERSION: Final = re.compile(r'name="version"[^>]*value="([^"]*)"')
CLAIM: Final = re.compile(r'action="/review/(\w+)/confirm">.*?name="versions" value="([^"]*)"', re.DOTALL)
HEADING: Final = re.compile(r"<h1[^>]*>(.*?)</h1>\s*(?:<p>(.*?)</p>)?", re.DOTALL)
FIELD_ERROR: Final = re.compile(r'role="alert">(.*?)</(?:p|div)>', re.DOTALL)
TAG: Final = re.compile(r"<svg.*?</svg>|<[^>]*>", re.DOTALL)
CLAIMS_AT_ONCE: Final = 5
AWAY_SECONDS: Final = 0.1
"""After how long somebody tries again who found nobody there."""


class Client(Protocol):
    """Somebody who acts."""

    def act(self) -> None:
        """Do one thing, which may take a look before."""

    def close(self) -> None:
        """Hang up."""


def judge(answer: Answer) -> tuple[Outcome, str]:
    """Tell what an answer says of the press: acknowledged, refused, or perhaps done."""
    if answer.status == 303 and "/sign-in" not in answer.location:
        told = answer.flashes
        is_refused = any(kind == "refused" for kind, _ in told)
        return Outcome.REFUSED if is_refused else Outcome.DONE, " ".join(words for _, words in told)
    if answer.status in (404, 409, 422):
        return Outcome.REFUSED, _sentence(answer)
    if answer.status == 503:
        return Outcome.REFUSED if UNCHANGED in answer.text else Outcome.UNKNOWN, _sentence(answer)
    return Outcome.BROKEN, f"status {answer.status} {answer.location}: {_sentence(answer)}"


def _wait_after(answer: Answer) -> None:
    """Bear with a program that says it can't now."""
    if answer.status == 503:
        time.sleep(AWAY_SECONDS)


def _sentence(answer: Answer) -> str:
    found = FIELD_ERROR.search(answer.text) or HEADING.search(answer.text)
    said = " ".join(part for part in found.groups() if part) if found else ""
    return " ".join(TAG.sub("", said).split())


@dataclass
class Presses:
    """What members and admins share: pressing and looking, with the history beside."""

    browser: Browser
    history: History
    actor: tuple[str, int]

    def press(self, act: Act, path: str, fields: Sequence[tuple[str, str]]) -> Act:
        """Send a form, and write down what came of it."""
        try:
            answer = self.browser.post(path, fields)
        except NotSent as none:
            act.end(Outcome.UNSENT, str(none))
            time.sleep(AWAY_SECONDS)
        except NoAnswer as none:
            act.end(Outcome.UNKNOWN, str(none))
        else:
            outcome, said = judge(answer)
            act.end(outcome, said, answer.correlation_id)
            _wait_after(answer)
        return act

    def look(self, path: str, payment: str | None = None) -> str:
        """Load a page; return it, or nothing when it was not to be had."""
        act = self.history.begin("look", self.actor, {})
        try:
            answer = self.browser.get(path)
        except NotSent as none:
            act.end(Outcome.UNSENT, str(none))
            time.sleep(AWAY_SECONDS)
            return ""
        except NoAnswer as none:
            act.end(Outcome.UNKNOWN, str(none))
            return ""
        outcomes = {200: Outcome.DONE, 503: Outcome.REFUSED}
        act.end(outcomes.get(answer.status, Outcome.BROKEN), f"status {answer.status} of {path}")
        _wait_after(answer)
        if answer.status != 200:
            return ""
        version = VERSION.search(answer.text)
        if payment is not None and version is not None:
            act.payments = {payment: int(version[1])}
        return answer.text

    def close(self) -> None:
        """Hang up."""
        self.browser.close()


@dataclass
class Member(Presses):
    """A phone that goes round among some members."""

    residents: Sequence[Resident] = ()

    def act(self) -> None:
        """Do one thing on somebody's page."""
        resident = random.choice(self.residents)
        self.actor = resident.actor
        verb, typed = random.choices(_SAYINGS, _OFTEN)[0]
        if verb == "look":
            self.look(resident.page)
            return
        named = random.sample(resident.payments, min(len(resident.payments), random.choice((1, 1, 2))))
        amount = random.randint(1, SHARE_MINOR * len(named)) if typed == "part" else None
        act = self.history.begin(verb, self.actor, dict.fromkeys(named), amount_minor=amount)
        fields = [("act", verb), ("note", act.id), ("until", "days"), *(("payment", one) for one in named)]
        self.press(act, resident.page, [*fields, *_sum(amount)])


_SAYINGS: Final = (("look", ""), ("claim", ""), ("claim", "part"), ("withdraw", ""), ("snooze", ""))
_OFTEN: Final = (2, 4, 2, 2, 1)


@dataclass
class Admin(Presses):
    """A desk: looks at a payment, at all claims or at an account, and decides; undoes some of it soon."""

    desk: Desk = field(kw_only=True)
    residents: Sequence[Resident] = field(kw_only=True)
    decided: deque[str] = field(default_factory=lambda: deque(maxlen=3))

    def act(self) -> None:
        """Do one thing, or some claims in a row."""
        doing: Callable[[], None] = random.choices(
            (self._decide, self._review, self._book, self._undo), (5, 2, 1, 2)
        )[0]
        doing()

    def _decide(self) -> None:
        payment = random.choice(random.choice(self.residents).payments)
        page = self.look(f"/payments/{payment}", payment)
        version = VERSION.search(page)
        offered = [one for one in _DECISIONS if f'action="/payments/{payment}/{one}"' in page]
        if version is None or not offered:
            return
        verb = random.choice(offered)
        amount = _DECISIONS[verb]()
        shown = None if verb in _BY_STATUS else int(version[1])
        act = self._begin(verb, {payment: shown}, amount)
        because = random.choice(("never-came", "something-else"))
        typed = [("reason", act.id), ("note", act.id), ("because", because), ("version", version[1])]
        self._send(act, f"/payments/{payment}/{verb}", [*typed, *_sum(amount)])

    def _review(self) -> None:
        cards = CLAIM.findall(self.look("/review"))
        for claim, shown in random.sample(cards, min(len(cards), CLAIMS_AT_ONCE)):
            pairs = (one.partition(":") for one in shown.split())
            payments: dict[str, int | None] = {name: int(version) for name, _colon, version in pairs}
            verb = random.choice(("confirm", "confirm", "reject"))
            amount = (
                random.choice((None, None, random.randint(1, SHARE_MINOR))) if verb == "confirm" else None
            )
            act = self._begin(f"{verb} claim", payments, amount)
            typed = [("versions", shown), ("reason", act.id), *_sum(amount)]
            self._send(act, f"/review/{claim}/{verb}", typed)

    def _book(self) -> None:
        account = random.choice(self.residents).account
        version = VERSION.search(self.look(f"/money-in?account={account}"))
        if version is None:
            return
        amount = random.randint(1, 3 * SHARE_MINOR)
        act = self._begin("money in", {}, amount)
        typed = [("account", account), ("version", version[1]), ("note", act.id)]
        self._send(act, "/money-in", [*typed, *_sum(amount)])

    def _undo(self) -> None:
        if self.decided:
            decision = self.decided.pop()
            act = self.history.begin("undo", self.actor, {}, undoes=decision)
            self._send(act, f"/decisions/{decision}/undo", [])

    def _begin(self, verb: str, payments: dict[str, int | None], amount: int | None) -> Act:
        return self.history.begin(verb, self.actor, payments, amount_minor=amount)

    def _send(self, act: Act, path: str, typed: Sequence[tuple[str, str]]) -> None:
        self.press(act, path, [("csrf_token", self.desk.token), *typed])
        if act.correlation_id is not None:
            self.decided.append(act.correlation_id)


def _nothing() -> int | None:
    return None


def _some() -> int | None:
    return random.choice((None, random.randint(1, SHARE_MINOR), random.randint(1, 2 * SHARE_MINOR)))


def _other() -> int | None:
    return random.randint(0, 2 * SHARE_MINOR)


_DECISIONS: Final[dict[str, Callable[[], int | None]]] = {
    "confirm": _some,
    "reject": _nothing,
    "waive": _nothing,
    "unwaive": _nothing,
    "reopen": _nothing,
    "adjust": _other,
    "claim": _some,
    "withdraw": _nothing,
}
"""What a payment's page offers, and the sums that are typed there."""

_BY_STATUS: Final = ("claim", "withdraw")
"""What an admin does in a member's name goes by the status alone, whatever version was shown."""


def _sum(minor: int | None) -> list[tuple[str, str]]:
    return [] if minor is None else [("amount", f"{minor // 100}.{minor % 100:02}")]
