"""A burst: many messages into many chats at once, people who write meanwhile, and a Bot API that grumbles."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, pairwise
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from substrack.domain.delivery import MessageState
from substrack.domain.notices import Channel, Notice
from substrack.services.chat_rows import queue_into
from substrack.services.mailboxes import connection_for
from substrack.store import Address, Contact, Message
from tests.chaos.live import wait_until
from tests.fakes.bot_api import BotApi, Person, Request
from tests.fakes.telegram_faults import too_many
from tests.support.cast import START, Cast

FIRST_CHAT: Final = 5001
MOST_A_SECOND: Final = 30
REST_SECONDS: Final = 1.0
UNDER_WAY_SECONDS: Final = 0.5
"""After a refusal: what was on its way by then, from whichever worker."""

GRUMBLES_WITHIN_SECONDS: Final = 300.0

SPOKEN: Final = ("send", "edit")
"""What methods begin with that Telegram counts."""


@dataclass(frozen=True)
class Verdict:
    """What the stand-in saw; `disobedient` are requests within a pause that Telegram had asked for."""

    spoken: int
    seconds: float
    busiest: int
    shortest_rest: float
    pauses: Sequence[float]
    under_way: int
    disobedient: int

    @property
    def is_within_limits(self) -> bool:
        """Tell whether all limits were kept."""
        is_slow_enough = self.busiest <= MOST_A_SECOND and self.shortest_rest >= REST_SECONDS
        return is_slow_enough and not self.disobedient

    def __str__(self) -> str:
        asked = " and ".join(f"{seconds:g}" for seconds in sorted(set(self.pauses)))
        return (
            f"{self.busiest} in the busiest second, {self.shortest_rest:.2f} s the shortest rest of a chat; "
            f"{len(self.pauses)} pauses of {asked} s were asked for: {self.under_way} were under way, "
            f"{self.disobedient} went out meanwhile; {self.spoken / self.seconds:.1f} a second in all"
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


def grumble(api: BotApi, refuse_at: Iterable[int], seconds: Sequence[int]) -> None:
    """Ask for a pause whenever so many were sent, by these seconds in turn."""
    for wish, sent in zip(cycle(seconds), refuse_at):
        wait_until(partial(_has_sent, api, sent), GRUMBLES_WITHIN_SECONDS)
        api.fail_next("sendMessage", too_many(wish))


def _has_sent(api: BotApi, sent: int) -> bool:
    return len(api.calls("sendMessage")) >= sent


def judge(api: BotApi) -> Verdict:
    """Measure everything that was said into chats."""
    spoken = sorted(
        (each for each in api.requests if each.method.startswith(SPOKEN)), key=lambda each: each.at
    )
    instants = [each.at for each in spoken]
    refusals = [(each.at, _wish(each)) for each in spoken if each.fault is not None]
    return Verdict(
        spoken=len(spoken),
        seconds=instants[-1] - instants[0],
        busiest=max(sum(start <= at < start + 1 for at in instants) for start in instants),
        shortest_rest=min(_rests(spoken)),
        pauses=[wish for _at, wish in refusals],
        under_way=_count_between(instants, [(at, at + UNDER_WAY_SECONDS) for at, _wish in refusals]),
        disobedient=_count_between(instants, [(at + UNDER_WAY_SECONDS, at + wish) for at, wish in refusals]),
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
