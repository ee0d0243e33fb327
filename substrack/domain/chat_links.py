"""Which addresses a chat takes as a link or a button."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_link_in_chats(url: str) -> bool:
    """Tell whether Telegram makes an address a link: http(s), and a host with a dot (no `localhost`).

    It refuses a message whose button leads elsewhere, and drops other links in its text without a word.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and "." in (parts.hostname or "").strip(".")
