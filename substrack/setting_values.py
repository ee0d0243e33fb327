"""What a setting may say: from the text of an environment to the value it stands for.

Each reader takes a value that is right already as it is. What it can't read is a ValueError whose text goes
on from the setting's name: "SUBSTRACK_PORT: must be a whole number from 1 to 65535".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult, urlsplit, urlunsplit

from attrs import field, frozen

Choice = TypeVar("Choice", bound=StrEnum)
Read = Callable[[Any], Any]

MIN_KEY_LENGTH: Final = 32
MIN_TOKEN_LENGTH: Final = 16
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2999
"""The years that calendars can count in with days to spare on either side, as `domain.terms` has them."""

INSECURE: Final = "insecure=1"
"""At the end of a mail server's URL: mail may travel readable to it."""

KNOWN_BAD_KEYS: Final = ("changeme", "change-me", "secret", "default", "password", "example")

_YES: Final = frozenset({"1", "true", "t", "yes", "y", "on"})
_NO: Final = frozenset({"0", "false", "f", "no", "n", "off"})
_DIGITS: Final = re.compile(r"-?[0-9]{1,9}")
_BARE_ADDRESS: Final = re.compile(r"[^@\s<>,;:\"()]+@[^@\s<>,;:\"()]+")
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f]")
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


@frozen
class SecretStr:
    """Text that is never shown by accident: whoever needs it asks for it."""

    _value: str = field(repr=lambda _value: "'**********'")

    def get_secret_value(self) -> str:
        """Give the text itself."""
        return self._value

    def __str__(self) -> str:
        return "**********"


def text(value: Any) -> str:
    """Read text of any kind."""
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


def short_text(most: int) -> Read:
    """Make a reader of text of at most so many characters."""

    def read(value: Any) -> str:
        if len(text(value)) > most:
            raise ValueError(f"must have at most {most} characters")
        return text(value)

    return read


def whole(least: int, most: int) -> Read:
    """Make a reader of whole numbers in a range, both ends included."""

    def read(value: Any) -> int:
        is_number = isinstance(value, int) or (isinstance(value, str) and _DIGITS.fullmatch(value.strip()))
        if not is_number or not least <= int(value) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(value)

    return read


def yes_or_no(value: Any) -> bool:
    """Read true and false, in the words people use for them."""
    if isinstance(value, bool):
        return value
    word = text(value).strip().lower()
    if word not in _YES | _NO:
        raise ValueError("must be true or false")
    return word in _YES


def one_of(choices: type[Choice]) -> Read:
    """Make a reader of words of a list, in capitals or not."""
    named = {choice.value.lower(): choice for choice in choices}

    def read(value: Any) -> Choice:
        choice = named.get(text(value).lower())
        if choice is None:
            raise ValueError(f"must be {' or '.join(choices)}")
        return choice

    return read


def path(value: Any) -> Path:
    """Read a path, of this system's kind."""
    return value if isinstance(value, Path) else Path(text(value))


def secret(value: Any) -> SecretStr:
    """Read what must not be shown."""
    return value if isinstance(value, SecretStr) else SecretStr(text(value))


def unless_unset(read: Read) -> Read:
    """Make a reader that lets None be."""
    return lambda value: None if value is None else read(value)


def keys(value: Any) -> tuple[SecretStr, ...]:
    """Read the keys that sign, several with commas between them; guessable ones are refused."""
    several = [key.strip() for key in value.split(",")] if isinstance(value, str) else value
    read = tuple(secret(key) for key in several)
    for key in read:
        _check_key(key.get_secret_value())
    return read


def token(value: Any) -> SecretStr:
    """Read a token that somebody else will show us; a short one could be guessed."""
    if len(secret(value).get_secret_value()) < MIN_TOKEN_LENGTH:
        raise ValueError(f"needs at least {MIN_TOKEN_LENGTH} characters of randomness")
    return secret(value)


def base_url(value: Any) -> str:
    """Read where links begin, without a slash at its end; what is read of a URL is what is kept of it."""
    url = text(value).strip()
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not _names_host(parts) or not _is_plain(url, parts)):
        raise ValueError("must look like https://subs.example.org or https://example.org/subs")
    return urlunsplit((parts.scheme, parts.netloc.lower().removesuffix(":"), parts.path.rstrip("/"), "", ""))


def smtp_url(value: Any) -> str:
    """Read where mail is handed over."""
    url = text(value).strip()
    parts = urlsplit(url)
    if url and (parts.scheme not in ("smtp", "smtps") or not _names_host(parts) or _has_blanks(url)):
        raise ValueError("must look like smtp://user@mail.example.org:587 or smtps://…")
    if parts.query not in ("", INSECURE) or parts.fragment:
        raise ValueError(f"may end in ?{INSECURE}, and in nothing else after its port")
    return url


def bare_address(value: Any) -> str:
    """Read an address without a name before it."""
    if not _BARE_ADDRESS.fullmatch(text(value)):
        raise ValueError("must be a bare address like subs@example.org; names are added per mail")
    return text(value)


def issuer(value: Any) -> str:
    """Read an identity provider's name of itself, which is a URL (OpenID Connect Core 1.0, 2)."""
    url = text(value).strip()
    parts = urlsplit(url)
    if not url:
        return ""
    if not _names_host(parts) or not _is_plain(url, parts) or len(url) > 255:
        raise ValueError("must look like https://id.example.org, exactly as the provider calls itself")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError("needs https: who signs in would be anybody's word")
    return url


def heartbeat_url(value: Any) -> SecretStr:
    """Read where a heartbeat goes; whoever knows it can beat in our place."""
    url = secret(value).get_secret_value().strip()
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not _names_host(parts) or _has_blanks(url):
        raise ValueError("must look like https://hc-ping.com/…, as the service shows it")
    return SecretStr(url)


def instant(value: Any) -> datetime:
    """Read a date and time with its zone (ISO 8601)."""
    try:
        read = value if isinstance(value, datetime) else datetime.fromisoformat(text(value))
    except ValueError:
        raise ValueError("must be a date and time like 2026-03-01T10:00:00Z") from None
    if read.tzinfo is None:
        raise ValueError("needs a zone, like 2026-03-01T10:00:00Z")
    if not FIRST_YEAR <= read.year <= LAST_YEAR:
        raise ValueError(f"must be in the years {FIRST_YEAR} to {LAST_YEAR}")
    return read


def is_loopback(host: str) -> bool:
    """Tell whether a host is this very machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_key(key: str) -> None:
    if len(key) < MIN_KEY_LENGTH:
        raise ValueError(f"each key needs at least {MIN_KEY_LENGTH} characters of randomness")
    in_order = sum(ord(after) - ord(before) == 1 for before, after in pairwise(key))
    if any(bad in key.lower() for bad in KNOWN_BAD_KEYS) or len(set(key)) < 8 or in_order > len(key) / 2:
        raise ValueError("a default or guessable key; leave it unset and a random one is made on first start")


def _names_host(parts: SplitResult) -> bool:
    """Tell whether a URL has a host and, if it has a port, one that exists."""
    try:
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    return port != 0 and (_HOST.fullmatch(host) is not None or ":" in host)


def _is_plain(url: str, parts: SplitResult) -> bool:
    """Tell whether a URL is nothing but scheme, host, port and path, not even an empty query."""
    return not (_has_blanks(url) or "?" in url or "#" in url or parts.username or parts.password)


def _has_blanks(url: str) -> bool:
    """Tell whether there is something in a URL that reading it leaves out, or that no URL has."""
    return _BLANK.search(url) is not None
