"""A burst: many messages into many chats at once, people who write meanwhile, and a Bot API that grumbles."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.bot.turns import Turns
from substrack.domain.delivery import MessageState
from substrack.domain.notices import Channel, Notice
from substrack.services.chat_rows import queue_into
from substrack.services.connections import connection_for
from substrack.services.pacing import Seat
from substrack.store import Address, Contact, Message
from tests.chaos.journals import Journal, Pen
from tests.chaos.scale import sized
from tests.fakes.bot_api import BotApi, Person, Request
from tests.fakes.telegram_faults import too_many
from tests.support.cast import START, Cast

FIRST_CHAT: Final = 5001
MOST_A_SECOND: Final = 30
REST_SECONDS: Final = 1.0
UNDER_WAY_SECONDS: Final = sized(short=1.0, full=0.5)
"""After a pause was written down: what had its turn by then and is on its way, from whichever worker."""

SPOKEN: Final = ("send", "edit")
"""What methods begin with that Telegram counts."""


@dataclass(frozen=True)
class Verdict:
    """What the stand-in saw; `disobedient` are requests within a pause that stood in the database."""

    spoken: int
    seconds: float
    busiest: int
    shortest_rest: float
    pauses: Sequence[float]
    noted_within: float
    under_way: int
    disobedient: int

    @property
    def is_within_limits(self) -> bool:
        """Tell whether all limits were kept."""
        is_slow_enough = self.busiest <= MOST_A_SECOND and self.shortest_rest >= REST_SECONDS
        return is_slow_enough and not self.disobedient

    def __str__(self) -> str:
        asked = " and ".join(f"{seconds:.0f}" for seconds in sorted(set(map(round, self.pauses))))
        return (
            f"{self.busiest} in the busiest second, {self.shortest_rest:.2f} s the shortest rest of a chat; "
            f"{len(self.pauses)} pauses of {asked} s were asked for, noted within {self.noted_within:.2f} s: "
            f"{self.under_way} were under way by then, {self.disobedient} went out later; "
            f"{self.spoken / self.seconds:.1f} a second in all"
        )


def fill_outbox(cast: Cast, api: BotApi, messages: int, chats: int) -> list[Person]:
    """Let so many messages to so many chats wait; nobody has heard anything yet."""
    people = [api.person(f"P{FIRST_CHAT + n}", FIRST_CHAT + n, has_started=True) for n in range(chats)]

    def fill(session: Session) -> None:
        connection = connection_for(session, cast.workspace_id, Channel.TELEGRAM)
        contacts = [
            Contact(workspace_id=cast.workspace_id, name=one.user.name, created_at=START) for one in people
        ]
        session.add_all(contacts)
        session.flush()
        addresses = [
            Address(
                contact_id=contact.id,
                connection_id=connection.id,
                channel=Channel.TELEGRAM,
                value=str(one.id),
                value_key=str(one.id),
                created_at=START,
            )
            for contact, one in zip(contacts, people, strict=True)
        ]
        session.add_all(addresses)
        session.flush()
        for number in range(messages):
            place = number % chats
            queue_into(
                session, contacts[place], addresses[place], Notice.TEST, f"burst:{number}", cast.runtime.now()
            )

    cast.do(fill)
    return people


def count_waiting(session: Session) -> int:
    """Count what has not gone out."""
    waiting = Message.state.in_([MessageState.QUEUED, MessageState.SENDING])
    return session.scalar(select(func.count()).select_from(Message).where(waiting)) or 0


@dataclass
class Grumbler:
    """A Bot API that asks for a pause whenever so many were sent, by these seconds in turn."""

    api: BotApi
    at: Sequence[int]
    wishes: Sequence[int]
    grumbled: int = 0

    def looks(self) -> bool:
        """Ask for a pause if it is time; tell whether that was the last."""
        if self.grumbled < len(self.at) and len(self.api.calls("sendMessage")) >= self.at[self.grumbled]:
            self.api.fail_next("sendMessage", too_many(self.wishes[self.grumbled % len(self.wishes)]))
            self.grumbled += 1
        return self.grumbled == len(self.at)


def note_pauses(path: Path, patch: pytest.MonkeyPatch) -> None:
    """Have this process note when the pauses that it was asked for stood in the database."""
    end, pen = Turns._end, Pen(path)

    def noted_end(turns: Turns, seat: Seat, pause: timedelta | None) -> None:
        end(turns, seat, pause)
        if pause is not None:
            pen.write(pause=pause.total_seconds())

    patch.setattr(Turns, "_end", noted_end)


def judge(api: BotApi, notes: Path) -> Verdict:
    """Measure everything that was said into chats."""
    spoken = sorted(
        (each for each in api.requests if each.method.startswith(SPOKEN)), key=lambda each: each.at
    )
    instants = [each.at for each in spoken]
    refused = [(each.at, each.at + _wish(each)) for each in spoken if each.fault is not None]
    noted = sorted(note["at"] for note in Journal(notes).new())
    pauses = [(at, next(each for each in noted if each > at), until) for at, until in refused]
    return Verdict(
        spoken=len(spoken),
        seconds=instants[-1] - instants[0],
        busiest=max(sum(start <= at < start + 1 for at in instants) for start in instants),
        shortest_rest=min(_rests(spoken)),
        pauses=[until - at for at, _noted, until in pauses],
        noted_within=max((noted - at for at, noted, _until in pauses), default=0.0),
        under_way=_count_between(instants, [(at, noted + UNDER_WAY_SECONDS) for at, noted, _until in pauses]),
        disobedient=_count_between(
            instants, [(noted + UNDER_WAY_SECONDS, until) for _at, noted, until in pauses]
        ),
    )


def _rests(spoken: Sequence[Request]) -> list[float]:
    """List the seconds between each two things said into the same chat."""
    by_chat: dict[int | None, list[float]] = defaultdict(list)
    for each in spoken:
        by_chat[each.chat_id].append(each.at)
    return [later - earlier for times in by_chat.values() for earlier, later in pairwise(times)]


def _wish(refused: Request) -> float:
    assert refused.fault is not None
    assert refused.fault.reply is not None
    return float(json.loads(refused.fault.reply.body)["parameters"]["retry_after"])


def _count_between(instants: Sequence[float], spans: Sequence[tuple[float, float]]) -> int:
    return sum(begin < at < end for at in instants for begin, end in spans)
