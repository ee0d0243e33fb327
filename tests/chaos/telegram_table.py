"""The table of what Telegram, or what stands between, can do to a chat message, and what comes of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from substrack.domain.delivery import BACKOFF, LANE_PROBE, MessageState
from tests.fakes import telegram_faults as faults
from tests.fakes.telegram_faults import migrated, refused, too_many
from tests.fakes.telegram_http import Reply

NEW_CHAT: Final = -100_200
"""Where a group went on that became a supergroup."""


@dataclass(frozen=True)
class Outcome:
    """What became of one chat message: how it stood after the first try, when it went out, what it cost.

    `waits` is None for what goes out at once or never. `alerts` are the notices that the admin got. `copies`
    are what the chat showed in the end. Who reads it also has a mailbox and wants Telegram first.
    """

    state: MessageState
    waits: timedelta | None = None
    attempts: int = 0
    pauses_lane: bool = False
    loses_chat: bool = False
    refuses_bot: bool = False
    alerts: int = 0
    by_mail: bool = False
    copies: int = 1


@dataclass(frozen=True)
class Fault:
    """What the next requests meet, one after another; or an address of the Bot API that leads nowhere.

    `is_cut`: the connection goes before the request was read.
    """

    outcome: Outcome
    steps: Sequence[faults.Fault] = ()
    url: str | None = None
    is_cut: bool = False

    @property
    def is_slow(self) -> bool:
        """Whether an answer is waited for in vain."""
        return any(step.is_silent or (step.reply and step.reply.seconds_a_byte) for step in self.steps)


SENT: Final = Outcome(MessageState.SENT)
LANE: Final = Outcome(MessageState.QUEUED, LANE_PROBE, pauses_lane=True)
TWICE: Final = replace(LANE, copies=2)
TOKEN: Final = replace(LANE, refuses_bot=True, alerts=1)
DEAD: Final = Outcome(MessageState.DEAD, attempts=1, by_mail=True, copies=0)
LOST_CHAT: Final = replace(DEAD, loses_chat=True, alerts=1)
MOVED: Final = replace(SENT, attempts=1)


def paused(**time: float) -> Outcome:
    """Expect a pause of its own length."""
    return replace(LANE, waits=timedelta(**time))


def mailed(**time: float) -> Outcome:
    """Expect a pause so long that mail takes over."""
    return replace(paused(**time), by_mail=True, copies=0)


def meets(outcome: Outcome, *steps: faults.Fault) -> Fault:
    """Let the next requests go wrong."""
    return Fault(outcome, steps)


def page(status: int, words: str) -> faults.Fault:
    """Answer as something on the way to Telegram would, which is none of its answers."""
    return faults.Fault(Reply(status, f"<html><h1>{words}</h1></html>".encode(), "text/html"))


def says(answer: Any, *, status: int = 200, takes_effect: bool = False) -> faults.Fault:
    """Answer with other JSON than Telegram would."""
    return faults.Fault(Reply(status, json.dumps(answer).encode()), takes_effect=takes_effect)


def yes(**result: Any) -> faults.Fault:
    """Say that a message was taken, which it was, and describe it oddly."""
    return says({"ok": True, **result}, takes_effect=True)


def asks_for_peace(retry_after: Any) -> faults.Fault:
    """Say 429 with a wait that may be anything."""
    return refused(429, "Too Many Requests: retry after a while", retry_after=retry_after)


DRIPPING: Final = faults.Fault(
    Reply(200, b'{"ok": true, "result": true}', seconds_a_byte=0.1), takes_effect=True
)

FAULTS: Final = {
    "429, a second": meets(paused(seconds=1), too_many(1)),
    "429, half a minute": meets(paused(seconds=30), too_many(30)),
    "429, an hour": meets(mailed(hours=1), too_many(3600)),
    "429, three hours": meets(mailed(hours=1), too_many(3 * 3600)),
    "429, no time at all": meets(LANE, too_many(0)),
    "429, less than nothing": meets(LANE, too_many(-5)),
    "429, for ever": meets(mailed(hours=1), asks_for_peace(10**30)),
    "429, soon": meets(LANE, asks_for_peace("soon")),
    "429 without a time": meets(LANE, refused(429, "Too Many Requests")),
    "blocked by the user": meets(LOST_CHAT, faults.BLOCKED),
    "user deactivated": meets(LOST_CHAT, refused(403, "Forbidden: user is deactivated")),
    "bot was kicked": meets(LOST_CHAT, refused(403, "Forbidden: bot was kicked from the group chat")),
    "never started": meets(LOST_CHAT, refused(403, "Forbidden: bot can't initiate conversation with a user")),
    "403 by a proxy": meets(LANE, page(403, "Forbidden")),
    "chat not found": meets(LOST_CHAT, refused(400, "Bad Request: chat not found")),
    "words it can't read": meets(DEAD, refused(400, "Bad Request: can't parse entities: odd")),
    "400 by a proxy": meets(LANE, page(400, "Bad Request")),
    "401, token refused": meets(TOKEN, faults.UNAUTHORIZED),
    "404, token unknown": meets(TOKEN, refused(404, "Not Found")),
    "404 by a proxy": meets(LANE, page(404, "Not Found")),
    "409, another receiver": meets(LANE, faults.CONFLICT),
    "500": meets(LANE, faults.SERVER_ERROR),
    "502 in HTML": meets(LANE, faults.BAD_GATEWAY),
    "503": meets(LANE, refused(503, "Service Unavailable")),
    "504 in HTML": meets(LANE, page(504, "Gateway Time-out")),
    "nobody listens": Fault(LANE, url="http://127.0.0.1:{closed}"),
    "the name leads nowhere": Fault(LANE, url="http://api.invalid"),
    "cut while we ask": Fault(LANE, is_cut=True),
    "cut after we asked": meets(LANE, faults.HANG_UP),
    "taken, and cut before saying so": meets(TWICE, faults.ACCEPTED_THEN_HANG_UP),
    "no answer": meets(LANE, faults.SILENCE),
    "taken, and never said so": meets(TWICE, faults.ACCEPTED_THEN_SILENCE),
    "taken, and said so drop by drop": meets(TWICE, DRIPPING),
    "no JSON": meets(LANE, faults.NOT_JSON),
    "JSON of somebody else": meets(LANE, says(["welcome"])),
    "JSON of somebody else, refusing": meets(LANE, says(["denied"], status=403)),
    "no, with 200": meets(LANE, says({"ok": False, "description": "Internal"})),
    "yes, and no more": meets(SENT, yes()),
    "yes, and only true": meets(SENT, yes(result=True)),
    "yes, and an odd message": meets(SENT, yes(result={"message_id": "x", "date": None})),
    "yes, and a bare number": meets(SENT, yes(result={"message_id": 5})),
    "the group moved": meets(MOVED, migrated(NEW_CHAT)),
    "the group moves on": meets(
        Outcome(MessageState.QUEUED, BACKOFF[1], attempts=2), migrated(NEW_CHAT), migrated(NEW_CHAT)
    ),
    "the group moved to nowhere": meets(
        DEAD, refused(400, "Bad Request: upgraded to a supergroup chat", migrate_to_chat_id="there")
    ),
}
