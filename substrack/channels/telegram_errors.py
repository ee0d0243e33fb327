"""What Telegram's refusal means, as a table: whose fault it is and whether trying again can help.

Words and codes: Bot API, "Making requests" and ResponseParameters. Most refusals share one code and differ in
their English words only, so those tell them apart; words nobody knows are about this message only.
"""

from __future__ import annotations

import re
from datetime import timedelta

from substrack.channels.quoting import quoted
from substrack.domain.delivery import LONGEST_PAUSE, DeliveryFailed, Scope

TOKEN = re.compile(r"\d{3,}:[A-Za-z0-9_-]{20,}")

ALREADY_SO = ("message is not modified", "query is too old", "query id is invalid", "query_id_invalid")
"""What was wanted is so, or no longer matters: nobody waits for the answer to an old press."""

ABOUT_THE_CHAT = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "chat_write_forbidden",
    "chat_restricted",
    "group chat was deactivated",
    "not enough rights to send",
    "have no rights to send",
    "user_is_blocked",
    "input_user_deactivated",
)
"""Words of a 400 that hold for every message to that chat."""


class ChatMoved(DeliveryFailed):
    """A group became a supergroup: the same chat goes on under `new_chat_id`."""

    def __init__(self, new_chat_id: int) -> None:
        super().__init__(f"the group goes on as {new_chat_id}", scope=Scope.ADDRESS)
        self.new_chat_id = new_chat_id


def is_already_so(error: BaseException | None) -> bool:
    """Tell an error of the library that is as good as success."""
    from telegram.error import BadRequest

    return isinstance(error, BadRequest) and _says(error, ALREADY_SO)


def delivery_failure(error: Exception) -> DeliveryFailed | None:
    """Translate an error of the library or of the network; None for what is a bug of ours.

    A refused token is LANE and permanent: no message is lost by it, and only a person can help.
    """
    from telegram import error as errors

    match error:
        case errors.NetworkError() if _says(error, ("request entity too large",)):
            return _failure(error, Scope.MESSAGE, "Telegram refused it")
        case errors.TelegramError() if isinstance(error.__cause__, errors.TelegramError):
            return _lane(error, "something else than Telegram answered")
        case errors.RetryAfter():
            return _lane(error, "Telegram asks for a pause", retry_after=_pause(error.retry_after))
        case errors.ChatMigrated():
            return ChatMoved(error.new_chat_id)
        case errors.Forbidden():
            return _failure(error, Scope.ADDRESS, "Telegram refused the chat")
        case errors.InvalidToken():
            return _lane(error, "Telegram refused the token", permanent=True)
        case errors.Conflict():
            return _lane(error, "another program uses this bot")
        case errors.TimedOut() | TimeoutError():
            return DeliveryFailed("Telegram did not answer in time", scope=Scope.LANE)
        case errors.BadRequest():
            scope = Scope.ADDRESS if _says(error, ABOUT_THE_CHAT) else Scope.MESSAGE
            return _failure(error, scope, "Telegram refused it")
        case errors.TelegramError() | OSError():
            return _lane(error, "Telegram can’t be reached")
        case _:
            return None


def _lane(
    error: Exception, what: str, *, permanent: bool = False, retry_after: timedelta | None = None
) -> DeliveryFailed:
    return DeliveryFailed(
        _reason(error, what), scope=Scope.LANE, permanent=permanent, retry_after=retry_after
    )


def _failure(error: Exception, scope: Scope, what: str) -> DeliveryFailed:
    return DeliveryFailed(_reason(error, what), scope=scope, permanent=True)


def _pause(wish: int | timedelta) -> timedelta:
    """Read how long Telegram wants peace; what nobody would wish for is a fault of something in between."""
    rest = wish if isinstance(wish, timedelta) else timedelta(seconds=wish)
    return min(max(rest, timedelta(0)), LONGEST_PAUSE)


def _says(error: BaseException, words: tuple[str, ...]) -> bool:
    said = str(error).lower()
    return any(each in said for each in words)


def _reason(error: Exception, what: str) -> str:
    """Say it on one line, without the token, which is part of every URL of the Bot API."""
    return quoted(f"{what}: {TOKEN.sub('…', str(error))}")
