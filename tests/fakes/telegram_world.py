"""All there is in this small Telegram: chats, files, presses, and what the bot has not fetched yet."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.fakes.telegram_chats import BOT_ID, Chat, Press, Shown, Upload, User
from tests.fakes.telegram_updates import Updates


@dataclass(eq=False)
class World:
    """The shared state; whoever reads or changes it holds `changed`, and waiters hear of each change."""

    bot: User = field(
        default_factory=lambda: User(BOT_ID, "SubsTrack", username="substrack_bot", is_bot=True)
    )
    changed: threading.Condition = field(default_factory=threading.Condition)
    chats: dict[int, Chat] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)
    presses: dict[str, Press] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.updates = Updates(self.changed)

    def open_chat(self, id: int, kind: str, title: str, *, is_known: bool = True) -> Chat:
        """Make a chat."""
        with self.changed:
            return self.chats.setdefault(id, Chat(id, kind, title, is_known=is_known))

    def show(self, chat: Chat, sender: User, **what: Any) -> Shown:
        """Put a message into a chat; numbers rise over all chats."""
        with self.changed:
            message = Shown(next(self._numbers), chat, sender, int(time.time()), **what)
            chat.messages.append(message)
            self.changed.notify_all()
            return message

    def keep(self, kind: str, data: bytes, name: str | None = None, mime_type: str | None = None) -> Upload:
        """Store a file under a new id."""
        with self.changed:
            file = Upload(kind, data, f"file{next(self._numbers):06}", name, mime_type)
            self.files[file.file_id] = file
            return file

    def new_press(self) -> Press:
        """Begin a callback query."""
        with self.changed:
            press = Press(f"4{next(self._numbers):017}", time.monotonic())
            self.presses[press.query_id] = press
            return press
