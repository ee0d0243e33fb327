"""Members in their chats: they press "I've paid" below what the bot wrote, and wait for what it says.

Nothing can be written with a press, so its deed is known by who acted, on what and when.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from substrack.domain.chat_buttons import Do, data
from tests.chaos.whole.history import Act, History, Outcome
from tests.chaos.whole.town import Resident
from tests.fakes.bot_api import Person, Press, Shown
from tests.fakes.telegram_world import World

ANSWERS: Final = {
    "Thanks!": Outcome.DONE,
    "You said so already": Outcome.ALREADY,
    "no longer open": Outcome.ALREADY,
    "three times today": Outcome.REFUSED,
}
"""Words by which an answer is known. A button that only stops spinning says nothing yet."""


@dataclass
class Chat:
    """A phone with Telegram that goes round among some members."""

    history: History
    residents: Sequence[Resident]
    patience_seconds: float

    def act(self) -> None:
        """Press for one payment of somebody."""
        resident = random.choice(self.residents)
        assert resident.phone is not None
        payment = random.choice(resident.payments)
        act = self.history.begin("claim", resident.actor, {payment: None}, is_by_chat=True)
        press = resident.phone.presses(_message(resident.phone), data=data(Do.PAID, payment))
        self._wait(act, press, resident.phone.world)

    def close(self) -> None:
        """Put the phone away."""

    def _wait(self, act: Act, press: Press, world: World) -> None:
        with world.changed:
            world.changed.wait_for(lambda: press.answers, self.patience_seconds)
            said = press.answers[-1] if press.answers else ""
        outcome = next((one for words, one in ANSWERS.items() if words in said), None)
        act.end(outcome or (Outcome.BROKEN if said else Outcome.UNKNOWN), said)


def _message(phone: Person) -> Shown:
    """Find what the bot wrote last, or have it have written something."""
    return phone.inbox[-1] if phone.inbox else phone.world.show(phone.chat, phone.world.bot, text="Paid?")
