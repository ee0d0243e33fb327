"""Which bot to be and which Bot API to be it at, read from `SUBSTRACK_TELEGRAM_TOKEN` and `…_API_URL`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from substrack.domain.errors import Refused

DEFAULT_API_URL = "https://api.telegram.org"
TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]{20,}")
"""The bot's number, a colon and the secret, as BotFather hands it out (Bot API, "Authorizing your bot")."""


class WrongTelegramToken(Refused):
    """What was given is no token; it is not repeated in the sentence."""

    field = "telegram_token"

    def __init__(self) -> None:
        super().__init__("The Telegram token must look like 123456:AbC… (BotFather shows it after /newbot)")


class WrongTelegramUrl(Refused):
    """The URL names no Bot API."""

    field = "telegram_api_url"

    def __init__(self) -> None:
        super().__init__("The Telegram API must look like https://api.telegram.org")


@dataclass(frozen=True)
class TelegramAccount:
    """One bot. The token is never shown."""

    token: str = field(repr=False)
    api_url: str = DEFAULT_API_URL

    @classmethod
    def from_settings(cls, token: str, api_url: str = "") -> Self:
        """Check both; an empty `api_url` is Telegram's own.

        Raises:
            WrongTelegramToken: not of a token's form, which also keeps it from changing the path of a URL.
            WrongTelegramUrl: another scheme than http(s), no host, or more than a path.
        """
        if not TOKEN.fullmatch(token.strip()):
            raise WrongTelegramToken
        url = (api_url.strip() or DEFAULT_API_URL).rstrip("/")
        try:
            parts = urlsplit(url)
            has_port = parts.port != 0
        except ValueError as error:
            raise WrongTelegramUrl from error
        is_plain = not (parts.query or parts.fragment or set("{}") & set(url))
        if parts.scheme not in ("http", "https") or not (parts.hostname and has_port and is_plain):
            raise WrongTelegramUrl
        return cls(token.strip(), url)

    @property
    def base_url(self) -> str:
        """Where methods are called; the token follows."""
        return f"{self.api_url}/bot"

    @property
    def base_file_url(self) -> str:
        """Where files are fetched; the token follows."""
        return f"{self.api_url}/file/bot"

    @property
    def bot_id(self) -> int:
        """The bot's own number, which stays when its token is renewed."""
        return int(self.token.partition(":")[0])
