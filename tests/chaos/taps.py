"""Many taps at once at the same thing: in browsers by real HTTP, in chats by updates that Telegram pushes."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from html import unescape
from typing import Final, TypeVar

from substrack.domain.chat_buttons import ButtonData, Do, WhyNot, data
from tests.chaos.club import Admin, Club, Debtor
from tests.chaos.live import comes_true
from tests.chaos.tabs import Fields, Line, Shown
from tests.fakes.bot_api import BotApi, Person, Press
from tests.fakes.bot_api import Shown as Seen
from tests.web.forms import fill

Choice = TypeVar("Choice")
Send = Callable[[Line], Shown]
SAW_WAIT_SECONDS: Final = 90.0


class Step(StrEnum):
    """What is tapped for."""

    CLAIM = "claim"
    DECIDE = "decide"


class Said(StrEnum):
    """What a tap was answered."""

    DONE = "it is done now"
    ALREADY = "it was so already"


CALM: Final = {
    Step.CLAIM: {
        "has been told": Said.DONE,  # the page says so to everybody
        "Thanks! It’ll be checked.": Said.DONE,
        "You said so already": Said.ALREADY,
    },
    Step.DECIDE: {
        "The member will hear.": Said.DONE,
        "will read why.": Said.DONE,  # in a chat
        "nothing was changed": Said.ALREADY,
        "confirmed this": Said.ALREADY,
        "rejected this": Said.ALREADY,
        "Confirmed: ": Said.DONE,
    },
}
"""Words by which answers are known, in the order they are looked for."""


@dataclass(frozen=True)
class Tap:
    """One tap and its answer; `status` is HTTP's, 200 in a chat, 0 where there was no answer.

    `said` is what the answer meant; None for one that says nothing of the kind.
    """

    payment_id: int
    step: Step
    door: str
    status: int
    said: Said | None

    @classmethod
    def answered(cls, debtor: Debtor, step: Step, door: str, shown: Shown) -> Tap:
        """Note what an answer meant; the page itself is not kept, for there may be very many."""
        text = unescape(shown.text)
        said = next((said for words, said in CALM[step].items() if words in text), None)
        return cls(debtor.payment_id, step, door, shown.status, said)


@dataclass(frozen=True)
class Crowd:
    """How many taps there are of each payment and step, in browsers and in chats."""

    in_browsers: int
    in_chats: int

    @property
    def taps(self) -> int:
        """All of one step."""
        return self.in_browsers + self.in_chats


@dataclass
class Tapping:
    """A crowd before the pages of a club; `taps` are all there were so far, `decided` whose claims were.

    A button that spins for `patience_seconds` has no answer.
    """

    club: Club
    api: BotApi
    crowd: Crowd
    ports: Sequence[int]
    patience_seconds: float
    taps: list[Tap] = field(default_factory=list)
    decided: list[Debtor] = field(default_factory=list)

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Have everybody sit before a page, with a connection of their own."""
        self._lines = [Line(self.ports[place % len(self.ports)]) for place in range(self.crowd.in_browsers)]
        with ThreadPoolExecutor(self.crowd.in_browsers) as self._pool:
            yield
        for line in self._lines:
            line.close()

    def claim(self, debtors: Sequence[Debtor]) -> None:
        """Let everybody say "I've paid", the whole crowd at once."""
        presses: list[tuple[Debtor, Press]] = []
        for debtor in debtors:
            asked = see(debtor.phone, lambda seen: bool(_button(seen, Do.PAID)))
            press = partial(debtor.phone.presses, asked, data=_button(asked, Do.PAID))
            sends: list[Send] = [partial(_claim, debtor)] * self.crowd.in_browsers
            made = self._at_once(debtor, Step.CLAIM, sends, [press] * self.crowd.in_chats)
            presses += [(debtor, one) for one in made]
        self._hear(Step.CLAIM, presses)

    def decide(self, debtors: Sequence[Debtor]) -> None:
        """Let both admins confirm and reject each claim, the whole crowd at once."""
        presses: list[tuple[Debtor, Press]] = []
        for debtor in debtors:
            claim = self.club.claim_of(debtor)
            sends = [send for admin in self.club.admins for send in self._sends_of(admin, claim)]
            pushes = [push for admin in self.club.admins for push in _pushes_of(admin, claim)]
            made = self._at_once(
                debtor,
                Step.DECIDE,
                _dealt(sends, self.crowd.in_browsers),
                _dealt(pushes, self.crowd.in_chats),
            )
            presses += [(debtor, one) for one in made]
        self.decided += debtors
        self._hear(Step.DECIDE, presses)

    def _at_once(
        self, debtor: Debtor, step: Step, sends: Sequence[Send], pushes: Sequence[Callable[[], Press]]
    ) -> list[Press]:
        """Let everybody tap at the same moment; browsers' answers are waited for, those of chats not yet."""
        start = threading.Barrier(len(sends) + 1, timeout=SAW_WAIT_SECONDS)

        def tap(line: Line, send: Send) -> Tap:
            start.wait()
            return Tap.answered(debtor, step, "web", send(line))

        taps = [self._pool.submit(tap, *each) for each in zip(self._lines, sends, strict=True)]
        with self.api.world.changed:
            made = [push() for push in pushes]
            start.wait()
        self.taps += [one.result() for one in taps]
        return made

    def _hear(self, step: Step, presses: Sequence[tuple[Debtor, Press]]) -> None:
        """Wait until no button spins any more, or nobody would wait any longer."""
        comes_true(lambda: all(press.answers for _debtor, press in presses), self.patience_seconds)
        for debtor, press in presses:
            shown = Shown(200, press.answers[0]) if press.answers else Shown(0, "")
            self.taps.append(Tap.answered(debtor, step, "chat", shown))

    def _sends_of(self, admin: Admin, claim: str) -> list[Send]:
        """Open a claim's page as an admin; return what its two buttons send."""
        tab = self._lines[0].tab(admin.cookies)
        fields = fill(tab.get(f"/review/{claim}"), "versions")
        return [
            partial(_decide, tab.cookies, f"/review/{claim}/{act}", fields | more)
            for act, more in (("confirm", {}), ("reject", {"reason": "It did not come."}))
        ]


def _claim(debtor: Debtor, line: Line) -> Shown:
    return line.tab().post(debtor.page, {"act": "claim", "payment": debtor.payment})


def _decide(cookies: dict[str, str], path: str, fields: Fields, line: Line) -> Shown:
    return line.tab(cookies).post(path, fields)


def _pushes_of(admin: Admin, claim: str) -> list[Callable[[], Press]]:
    """Look at the notice of a claim on an admin's phone; return the presses that decide."""
    notice = see(admin.phone, lambda seen: claim in _button(seen, Do.CONFIRM))
    confirm = _button(notice, Do.CONFIRM)
    pressed = ButtonData.decode(confirm)
    assert pressed is not None
    reject = data(Do.REJECT_FOR, claim, pressed.argument(1), WhyNot.NOT_RECEIVED)
    return [partial(admin.phone.presses, notice, data=each) for each in (confirm, reject)]


def see(phone: Person, is_it: Callable[[Seen], bool]) -> Seen:
    """Look at a phone until the message is there."""
    return phone.waits_for(is_it, SAW_WAIT_SECONDS)


def _button(seen: Seen, do: Do) -> str:
    """Find what a button of this kind says; "" where there is none."""
    buttons = (button.data or "" for row in seen.buttons for button in row)
    return next((each for each in buttons if each.split(":")[0] == do), "")


def _dealt(choices: Sequence[Choice], count: int) -> list[Choice]:
    """Give everybody one of the choices, mixed."""
    dealt = [choices[place % len(choices)] for place in range(count)]
    random.shuffle(dealt)
    return dealt
