"""Inward: what people do in Telegram, turned into the same services that pages use.

Authority is the private chat that pressed or wrote, looked up at that moment, never what a button says. Each
update is one transaction, and handling one again changes nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from substrack.bootstrap import Runtime
from substrack.channels.telegram import TelegramChannel

__all__ = ["Bot"]


@dataclass(frozen=True)
class Bot:
    """One bot at work; `username` is None until Telegram told it, `connection_id` the row it stands for.

    `fading` are the screens (chat, number) that lose a button soon; see `bot.fading`.
    """

    runtime: Runtime
    channel: TelegramChannel
    username: str | None
    connection_id: int
    fading: dict[tuple[int, int], asyncio.Task[None]] = field(default_factory=dict, compare=False, repr=False)
