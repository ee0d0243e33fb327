"""Programs that a test starts and ends: their own process group, their output in a file."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

PATIENCE_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.02


@dataclass
class Program:
    """One program; use it as a context manager. Whatever is left of it at the end is killed."""

    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    output: Path

    def __enter__(self) -> Self:
        with self.output.open("ab") as file:
            self._process = subprocess.Popen(
                self.command,
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | dict(self.environment),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The number of its first process."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status once it has ended."""
        return self._process.poll()

    @property
    def said(self) -> str:
        """What it has written so far."""
        return self.output.read_text(errors="replace")

    def kill(self) -> None:
        """End it and all that it has started, without a word."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, within_seconds: float) -> int:
        """Ask it to end, as systemd does; return its exit status."""
        self._process.terminate()
        try:
            return self._process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"does not end within {within_seconds} s: {self.said}") from None

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for what it is to bring about; fail at once when it has ended."""
        waited_until(lambda: self.status is not None or is_so(), lambda: self.said)
        assert self.status is None, f"ended by itself: {self.said}"

    def until_listening(self, port: int) -> None:
        """Wait until it takes calls."""
        self.until(lambda: _is_open(port))

    def until_says(self, words: str) -> None:
        """Wait until it has written this."""
        self.until(lambda: words in self.said)


def waited_until(is_so: Callable[[], bool], why: Callable[[], str] = lambda: "") -> None:
    """Wait until something is so.

    Raises:
        AssertionError: it takes longer than anybody would wait.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until, f"waited in vain: {why()}"
        time.sleep(LOOK_SECONDS)


def _is_open(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0
