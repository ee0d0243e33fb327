"""Processes of ours as an operator starts them, and a relay's tray that sets something off."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

from substrack.settings import Settings
from tests.fakes.smtp import ReceivedMail


class Arrivals(list[ReceivedMail]):
    """A relay's tray: the first mail sets something off, before the relay answers that it has it."""

    def __init__(self, at_first: Callable[[], None]) -> None:
        super().__init__()
        self._at_first = at_first

    def append(self, mail: ReceivedMail) -> None:
        super().append(mail)
        if len(self) == 1:
            self._at_first()


def start(
    *command: str, settings: Settings, program: str = "substrack", extra: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a command with these settings, and extra ones by their names, in a process of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
        "SUBSTRACK_DATABASE_URL": settings.database_url,
        "SUBSTRACK_DATA_DIR": str(settings.data_dir),
        "SUBSTRACK_BASE_URL": settings.base_url,
        "SUBSTRACK_SMTP_URL": settings.smtp_url,
        "SUBSTRACK_MAIL_FROM": settings.mail_from,
        **(extra or {}),
    }
    return subprocess.Popen(
        [sys.executable, "-m", program, *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def eventually(is_so: Callable[[], bool], *, seconds: float = 20) -> bool:
    """Wait until something is so; False when it never was."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.02)
    return False
