"""What other machines say, made fit to be kept: one line of readable characters.

Some servers answer in Latin-1, or with NUL. PostgreSQL stores no NUL, and no database takes the lone
surrogates by which libraries pass on what is no UTF-8: an answer taken as it comes could not be written down,
and the mail it accepts would be sent again and again.
"""

from __future__ import annotations

MAX_REASON = 300


def one_line(text: str) -> str:
    """Return a text on one line, without characters that can't be printed."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def quoted(text: str) -> str:
    """Return as much of what was said as is worth keeping."""
    return one_line(text)[:MAX_REASON]
