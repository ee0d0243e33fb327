"""What counts as an answer of Telegram's: the library would believe anything that came with the right status.

Imports the library, so it is imported where a bot is made. Form of answers: Bot API, "Making requests".
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

from telegram.request import HTTPXRequest

from substrack.domain.delivery import LONGEST_PAUSE

NOBODY: Final = {"id": 0, "type": "private"}
NO_ANSWER: Final = b""
"""What the library takes for an answer that can't be read, whatever its status."""


class TelegramRequest(HTTPXRequest):
    """Takes nothing for an answer that is none; what was taken and is described oddly was taken all the same.

    Of a message that was sent only its number is read; without one, the answer is only true.
    """

    async def do_request(self, url: str, method: str, *given: Any, **named: Any) -> tuple[int, bytes]:
        """Ask, and return the status and the answer in the form that the library expects."""
        status, payload = await super().do_request(url, method, *given, **named)
        if method != "POST":  # a file
            return status, payload
        answer = _read(payload)
        if answer is None:
            return status, NO_ANSWER
        if HTTPStatus(200) <= status < HTTPStatus(300):
            if not answer["ok"]:
                return HTTPStatus.BAD_GATEWAY, payload
            answer = {"ok": True, "result": _result(url.rpartition("/")[2], answer.get("result", True))}
        else:
            answer["parameters"] = _parameters(answer.get("parameters"))
        return status, json.dumps(answer).encode()


def _read(payload: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(payload)
    except ValueError:
        return None
    is_answer = isinstance(answer, dict) and isinstance(answer.get("ok"), bool)
    return answer if is_answer else None


def _parameters(given: Any) -> dict[str, int]:
    """Read ResponseParameters, which are whole numbers; a longer wait than any is the longest."""
    named = given.items() if isinstance(given, dict) else ()
    whole = {name: value for name, value in named if type(value) is int}
    if "retry_after" in whole:
        whole["retry_after"] = min(whole["retry_after"], int(LONGEST_PAUSE.total_seconds()))
    return whole


def _result(method: str, result: Any) -> Any:
    if method.startswith("edit"):
        return True
    if not method.startswith("send"):
        return result
    number = result.get("message_id") if isinstance(result, dict) else None
    return {"message_id": number, "date": 0, "chat": NOBODY} if type(number) is int else True
