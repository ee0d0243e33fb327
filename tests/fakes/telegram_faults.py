"""What can go wrong at the Bot API, on demand (see `BotApi.fail_next`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.telegram_http import Reply


@dataclass(frozen=True)
class Fault:
    """Something to go wrong: `reply` instead of the right answer; None hangs up without a word.

    `takes_effect`: Telegram did what was asked, and only the answer is lost. `is_silent`: there is no answer
    until the client gives up.
    """

    reply: Reply | None = None
    takes_effect: bool = False
    is_silent: bool = False


def error_reply(status: int, description: str, parameters: Mapping[str, Any] | None = None) -> Reply:
    """Word an error as Telegram does."""
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        body["parameters"] = dict(parameters)
    return Reply(status, json.dumps(body).encode())


def refused(status: int, description: str, **parameters: Any) -> Fault:
    """Make an error as Telegram words them."""
    return Fault(error_reply(status, description, parameters))


def too_many(retry_after: int = 7) -> Fault:
    """Make the answer to who writes too much."""
    return refused(429, f"Too Many Requests: retry after {retry_after}", retry_after=retry_after)


def migrated(new_chat_id: int) -> Fault:
    """Make the answer for a group that is a supergroup now."""
    words = "Bad Request: group chat was upgraded to a supergroup chat"
    return refused(400, words, migrate_to_chat_id=new_chat_id)


UNAUTHORIZED = refused(401, "Unauthorized")
CONFLICT = refused(
    409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)
BLOCKED = refused(403, "Forbidden: bot was blocked by the user")
SERVER_ERROR = refused(500, "Internal Server Error")
BAD_GATEWAY = Fault(Reply(502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html"))
NOT_JSON = Fault(Reply(200, b"<html>Welcome to the hotel's network</html>", "text/html"))
HANG_UP = Fault()
SILENCE = Fault(is_silent=True)
ACCEPTED_THEN_SILENCE = Fault(is_silent=True, takes_effect=True)
ACCEPTED_THEN_HANG_UP = Fault(takes_effect=True)
